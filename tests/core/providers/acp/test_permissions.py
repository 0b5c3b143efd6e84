"""Requests for permission through the driver: what is shown, what goes back, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import ShellDetail
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Diagnostic, Item, Send, TurnEnded, Withdrawn
from tests.core.providers.acp.bench import Bench

ONCE = {"optionId": "o", "kind": "allow_once", "name": "Once"}
ALWAYS = {"optionId": "a", "kind": "allow_always", "name": "Always"}
NO = {"optionId": "n", "kind": "reject_once", "name": "No"}
NEVER = {"optionId": "never", "kind": "reject_always", "name": "Never"}


def asking(bench: Bench, *options: dict[str, str], **call: Any) -> Asked:
    call = {"toolCallId": "c", "kind": "execute", "rawInput": {"command": "ls"}, **call}
    effects = bench.request(7, "session/request_permission", toolCall=call, options=list(options))
    (asked,) = [e for e in effects if isinstance(e, Asked)]
    return asked


def outcome(effects: list[Any]) -> Any:
    (reply,) = [json.loads(e.data) for e in effects if isinstance(e, Send)]
    assert reply["id"] == 7
    return reply["result"]["outcome"]


SELECTED = "selected"


@pytest.mark.parametrize(
    ("options", "response", "expected"),
    [
        ((ALWAYS, ONCE, NO), Allow(), "o"),
        ((ALWAYS, ONCE, NO), Allow(selected_action_id="accept"), "o"),
        ((ALWAYS, ONCE, NO), Allow(selected_action_id="a"), "a"),
        ((NEVER, NO, ONCE), Deny(), "n"),
        ((NEVER, NO, ONCE), Deny(selected_action_id="reject"), "n"),
        ((NEVER, NO, ONCE), Deny(selected_action_id="never"), "never"),
        ((ONCE, NEVER), Deny(), "never"),
        ((ONCE,), Deny(), None),
    ],
)
def test_answers_map_to_options(options: Any, response: Any, expected: str | None) -> None:
    bench = Bench.in_turn()
    asked = asking(bench, *options)
    said = outcome(bench.driver.answer(asked.request.id, response))
    if expected is None:
        assert said == {"outcome": "cancelled"}
    else:
        assert said == {"outcome": "selected", "optionId": expected}


@pytest.mark.parametrize(
    ("options", "response", "code"),
    [
        ((ALWAYS, NO), Allow(), "no_single_allow"),
        ((ONCE, NO), Allow(selected_action_id="x"), "unknown_action"),
        ((ONCE, NO), Allow(selected_action_id="n"), "unknown_action"),
        ((ONCE, NO), Deny(selected_action_id="o"), "unknown_action"),
        ((ONCE, NO), Allow(updated_input={"command": "rm"}), "input_unchangeable"),
        ((ONCE, NO), Allow(updated_permissions=[{"a": 1}]), "input_unchangeable"),
    ],
)
def test_what_cannot_be_said_is_refused_and_stays_open(
    options: Any, response: Any, code: str
) -> None:
    bench = Bench.in_turn()
    asked = asking(bench, *options)
    with pytest.raises(CannotAnswer) as refused:
        bench.driver.answer(asked.request.id, response)
    assert refused.value.code == code
    assert outcome(bench.driver.answer(asked.request.id, Deny()))["outcome"] == SELECTED


def test_t47_an_answer_counts_once() -> None:
    bench = Bench.in_turn()
    asked = asking(bench, ONCE, NO)
    bench.driver.answer(asked.request.id, Allow())
    with pytest.raises(CannotAnswer) as refused:
        bench.driver.answer(asked.request.id, Deny())
    assert refused.value.code == "request_gone"


def test_an_option_of_an_unknown_kind_never_denies() -> None:
    bench = Bench.in_turn()
    odd = {"optionId": "odd", "kind": "allow_within_reason", "name": "Hm"}
    asked = asking(bench, odd)
    assert [a.behavior for a in asked.request.actions or []] == ["allow"]
    assert outcome(bench.driver.answer(asked.request.id, Deny())) == {"outcome": "cancelled"}


def test_actions_say_what_is_standing() -> None:
    bench = Bench.in_turn()
    actions = asking(bench, ONCE, ALWAYS, NO, NEVER).request.actions
    assert isinstance(actions, list)
    assert [(a.id, a.behavior, a.standing is True) for a in actions] == [
        ("o", "allow", False),
        ("a", "allow", True),
        ("n", "deny", False),
        ("never", "deny", True),
    ]


def test_t42_requests_hide_nothing() -> None:
    bench = Bench.in_turn()
    command = "rm \u202e-rf\x1b[2K /\u200b раypal"
    request = asking(
        bench, ONCE, NO, rawInput={"command": command}, title="\x1b[31mls\u202e"
    ).request
    assert isinstance(request.detail, ShellDetail)
    assert request.detail.command == "rm \\u202e-rf\\x1b[2K /\\u200b раypal"
    assert request.input == {"command": "rm \\u202e-rf\\x1b[2K /\\u200b раypal"}
    assert request.description == "\\x1b[31mls\\u202e"
    assert isinstance(request.metadata, dict)
    extra = request.metadata["sereno"]
    assert "раypal" in extra["warnings"][0]
    assert len(extra["argumentsHash"]) == 64


def test_t42_the_hash_is_of_the_raw_arguments() -> None:
    def hashed(command: str) -> str:
        request = asking(Bench.in_turn(), ONCE, NO, rawInput={"command": command}).request
        assert isinstance(request.metadata, dict)
        return str(request.metadata["sereno"]["argumentsHash"])

    assert hashed("rm\u202e") == hashed("rm\u202e")
    assert hashed("rm\u202e") != hashed("rm\\u202e")


def test_t43_arguments_changed_after_they_were_shown_are_denied() -> None:
    bench = Bench.in_turn()
    asked = asking(bench, ONCE, ALWAYS, NO)
    same = bench.update(
        "tool_call_update", toolCallId="c", rawInput={"command": "ls", "description": "x"}
    )
    assert not [e for e in same if isinstance(e, Withdrawn)]
    effects = bench.update("tool_call_update", toolCallId="c", rawInput={"command": "rm -rf ~"})
    assert outcome(effects) == {"outcome": "selected", "optionId": "n"}
    (withdrawn,) = [e for e in effects if isinstance(e, Withdrawn)]
    assert withdrawn.request_id == asked.request.id
    assert "changed" in withdrawn.reason
    (told,) = [
        e.item
        for e in bench.update("tool_call_update", toolCallId="c", status="failed")
        if isinstance(e, Item)
    ]
    assert isinstance(told, ToolCall)
    assert told.error == "Not allowed: the program changed what it asked for after it was shown."
    with pytest.raises(CannotAnswer):
        bench.driver.answer(asked.request.id, Allow())


def test_a_request_without_a_tool_call_before_it() -> None:
    bench = Bench.in_turn()
    effects = bench.request(
        7,
        "session/request_permission",
        toolCall={"toolCallId": "new", "title": "touch a", "kind": "execute"},
        options=[ONCE, NO],
    )
    item, asked = effects
    assert isinstance(item, Item)
    assert isinstance(item.item, ToolCall)
    assert (item.item.call_id, item.item.status) == ("new", "running")
    assert isinstance(asked, Asked)
    bench.driver.answer(asked.request.id, Deny())
    (closed, end) = bench.reply_to("session/prompt", {"stopReason": "end_turn"})
    assert isinstance(closed, Item)
    assert closed.item.status == "failed"  # type: ignore[union-attr]
    assert isinstance(end, TurnEnded)


def test_requests_about_nothing_and_without_choice() -> None:
    bench = Bench.in_turn()
    effects = bench.request(7, "session/request_permission", options=[ONCE, NO])
    (asked,) = [e for e in effects if isinstance(e, Asked)]
    assert asked.request.kind == "tool"
    bench.driver.answer(asked.request.id, Allow())
    effects = bench.request(7, "session/request_permission", toolCall={"toolCallId": "x"})
    assert outcome(effects) == {"outcome": "cancelled"}


def test_two_requests_at_once_are_answered_in_any_order() -> None:
    bench = Bench.in_turn()
    first = asking(bench, ONCE, NO)
    effects = bench.request(
        8, "session/request_permission", toolCall={"toolCallId": "d"}, options=[ONCE, NO]
    )
    (second,) = [e for e in effects if isinstance(e, Asked)]
    assert first.request.id != second.request.id
    bench.restart()
    (sent,) = bench.driver.answer(second.request.id, Allow())
    assert isinstance(sent, Send)
    assert json.loads(sent.data)["id"] == 8
    assert outcome(bench.driver.answer(first.request.id, Deny()))["optionId"] == "n"


def test_a_reason_that_cannot_be_carried_is_said() -> None:
    bench = Bench.in_turn()
    asked = asking(bench, ONCE, NO)
    effects = bench.driver.answer(asked.request.id, Deny(message="use trash"))
    (notice,) = [e for e in effects if isinstance(e, Diagnostic)]
    assert (notice.level, notice.detail) == ("notice", "use trash")


def test_interrupt_voids_requests_and_answers_late_ones() -> None:
    bench = Bench.in_turn()
    asked = asking(bench, ONCE, NO)
    cancel, answer, withdrawn = bench.driver.interrupt()
    assert isinstance(cancel, Send)
    assert json.loads(cancel.data)["method"] == "session/cancel"
    assert outcome([answer]) == {"outcome": "cancelled"}
    assert withdrawn == Withdrawn(asked.request.id, "Interrupted")
    late = bench.request(
        7, "session/request_permission", toolCall={"toolCallId": "l"}, options=[ONCE, NO]
    )
    assert outcome(late) == {"outcome": "cancelled"}
    assert not [e for e in late if isinstance(e, Asked)]


def test_a_program_may_take_its_request_back() -> None:
    bench = Bench.in_turn()
    asked = asking(bench, ONCE, NO)
    effects = bench.notify("$/cancel_request", requestId=7)
    assert Withdrawn(asked.request.id, "The program took the request back.") in effects
    assert bench.notify("$/cancel_request", requestId=99) == []


def test_a_plan_is_shown_as_a_plan() -> None:
    bench = Bench.in_turn()
    request = asking(
        bench, ONCE, NO, kind="switch_mode", rawInput={"plan": "1. look\n2. leap"}
    ).request
    assert request.kind == "plan"
    assert isinstance(request.metadata, dict)
    assert request.metadata["planText"] == "1. look\n2. leap"
