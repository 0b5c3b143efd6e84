"""What Codex asks before it acts: how it is shown, and what each answer sends (T42, T43)."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.tools import EditDetail, ShellDetail, WriteDetail
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Diagnostic, TurnEnded, TurnStarted, Withdrawn
from tests.core.providers.codex.feed import (
    THREAD,
    TURN,
    Fed,
    actions,
    answer,
    asked,
    items_of,
    one,
    sent,
)

COMMAND = "item/commandExecution/requestApproval"
CHANGE = "item/fileChange/requestApproval"
RIGHTS = "item/permissions/requestApproval"
ELICIT = "mcpServer/elicitation/request"
RUN = {"itemId": "i1", "command": "/bin/bash -lc 'touch a'", "cwd": "/repo"}
EDIT = [{"path": "a", "kind": {"type": "update"}, "diff": "@@ -1 +1 @@\n-x\n+y\n"}]


def test_a_command_is_shown_whole(fed: Fed) -> None:
    prefix = ["touch", "a"]
    amendment = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": prefix}}
    effects = fed.ask(
        7,
        COMMAND,
        **RUN,
        kind="command",
        reason="needs \u202eit",
        proposedExecpolicyAmendment=prefix,
        availableDecisions=["accept", amendment, "cancel"],
        additionalPermissions={"network": {"enabled": True}},
    )
    request = asked(effects)
    assert (request.title, request.kind, request.name) == ("Run command", "tool", "shell")
    assert request.description == "needs \\u202eit"
    assert request.detail == ShellDetail(command="touch a", cwd="/repo")
    assert request.input == {
        "command": "/bin/bash -lc 'touch a'",
        "cwd": "/repo",
        "reason": "needs \\u202eit",
        "additionalPermissions": {"network": {"enabled": True}},
    }
    assert request.metadata["sereno"]["callId"] == "i1"
    assert {key: bool(a.standing is True) for key, a in actions(effects).items()} == {
        "accept": False,
        "acceptForSession": True,
        "acceptWithExecpolicyAmendment": True,
        "decline": False,
        "cancel": False,
    }
    rule = Allow(selected_action_id="acceptWithExecpolicyAmendment")
    assert answer(fed, effects, rule) == [{"id": 7, "result": {"decision": amendment}}]


@pytest.mark.parametrize(
    ("response", "decision"),
    [
        (Allow(), "accept"),
        (Allow(selected_action_id="allow"), "accept"),
        (Allow(selected_action_id="acceptForSession"), "acceptForSession"),
        (Deny(), "decline"),
        (Deny(selected_action_id="reject", message="Denied by user"), "decline"),
    ],
)
def test_plain_answers(fed: Fed, response: Allow | Deny, decision: str) -> None:
    effects = fed.ask("x", COMMAND, **RUN)
    assert answer(fed, effects, response) == [{"id": "x", "result": {"decision": decision}}]
    with pytest.raises(CannotAnswer):
        fed.driver.answer(asked(effects).id, response)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (Allow(selected_action_id="decline"), "unknown_action"),
        (Deny(selected_action_id="acceptForSession"), "unknown_action"),
        (Allow(selected_action_id="forever"), "unknown_action"),
        (Allow(updated_input={"command": "rm"}), "input_unchangeable"),
    ],
)
def test_answers_that_cannot_be_given_send_nothing(
    fed: Fed, response: Allow | Deny, code: str
) -> None:
    effects = fed.ask(1, COMMAND, **RUN)
    with pytest.raises(CannotAnswer) as caught:
        fed.driver.answer(asked(effects).id, response)
    assert caught.value.code == code
    assert answer(fed, effects, Allow()) == [{"id": 1, "result": {"decision": "accept"}}]


def test_words_of_a_denial_are_said_into_the_turn_first(fed: Fed) -> None:
    fed.item("commandExecution", command=RUN["command"], cwd="/repo")
    effects = fed.ask(1, COMMAND, **RUN)
    steer, decline = answer(fed, effects, Deny(message="use b"))
    assert steer["method"] == "turn/steer"
    assert steer["params"] == {
        "threadId": THREAD,
        "expectedTurnId": TURN,
        "input": [{"type": "text", "text": "I did not allow `touch a`: use b"}],
    }
    assert decline == {"id": 1, "result": {"decision": "decline"}}
    (call,) = items_of(fed.done("commandExecution", command="touch a", cwd="/", status="declined"))
    assert (call.status, call.error) == ("failed", "Not allowed by you.")
    told = one(fed.reply("turn/steer", error="not steerable"), Diagnostic)
    assert told.level == "warning"


@pytest.mark.parametrize("method", [COMMAND, "mcpServer/elicitation/request"])
def test_a_request_of_no_turn_says_that_it_takes_no_words(fed: Fed, method: str) -> None:
    given = RUN if method == COMMAND else {"serverName": "db", "message": "May I?"}
    effects = fed.ask(1, method, **given)
    assert "takesWords" not in asked(effects).metadata["sereno"]
    effects = fed.ask(2, method, **{**given, "turnId": None, "itemId": "i2"})
    assert asked(effects).metadata["sereno"]["takesWords"] is False
    told = fed.take(fed.driver.answer(asked(effects).id, Deny(message="not this one")))
    assert [message["id"] for message in sent(told)] == [2]
    notice = one(told, Diagnostic)
    assert notice.text.startswith("This request belongs to no turn")
    assert notice.detail == "not this one"


def test_a_denial_can_stop_the_turn(fed: Fed) -> None:
    for number, response in enumerate(
        (Deny(interrupt=True, message="stop"), Deny(selected_action_id="cancel"))
    ):
        effects = fed.ask(number, COMMAND, **RUN)
        messages = answer(fed, effects, response)
        assert [m.get("method", "") for m in messages] == [
            "",
            "turn/interrupt",
            "thread/backgroundTerminals/clean",
        ]
        assert one(fed.end("interrupted"), TurnEnded).outcome == "canceled"
        fed.begin()


def test_the_network_is_asked_for_by_host(fed: Fed) -> None:
    rules = [{"action": "allow", "host": "a.org"}, {"action": "deny", "host": "a.org"}]
    effects = fed.ask(
        1,
        COMMAND,
        itemId="i1",
        networkApprovalContext={"host": "a.org", "protocol": "https"},
        proposedNetworkPolicyAmendments=rules,
    )
    assert asked(effects).title == "Allow network access to a.org"
    listed = actions(effects)
    assert listed["applyNetworkPolicyAmendment-1"].behavior == "deny"
    (reply,) = answer(fed, effects, Deny(selected_action_id="applyNetworkPolicyAmendment-1"))
    assert reply["result"]["decision"] == {
        "applyNetworkPolicyAmendment": {"network_policy_amendment": rules[1]}
    }


def test_a_change_is_shown_with_its_difference(fed: Fed) -> None:
    fed.item("fileChange", changes=EDIT)
    fed.restart()
    effects = fed.ask(1, CHANGE, itemId="i1", reason="because")
    request = asked(effects)
    assert isinstance(request.detail, EditDetail)
    assert request.input["changes"] == EDIT
    session = actions(effects)["acceptForSession"]
    assert session.standing is True
    assert answer(fed, effects, Allow()) == [{"id": 1, "result": {"decision": "accept"}}]


def test_t43_a_change_that_grows_is_asked_anew_and_at_last_denied(fed: Fed) -> None:
    effects = fed.ask(1, CHANGE, itemId="i1")
    assert "did not say" in asked(effects).metadata["sereno"]["warnings"][0]
    old = asked(effects).id
    effects = fed.item("fileChange", changes=EDIT)
    assert one(effects, Withdrawn).request_id == old
    assert isinstance(asked(effects).detail, EditDetail)
    assert asked(effects).id != old
    with pytest.raises(CannotAnswer):
        fed.driver.answer(old, Allow())
    same = fed.say("item/fileChange/patchUpdated", itemId="i1", changes=EDIT)
    assert not [effect for effect in same if isinstance(effect, Asked)]
    for number in range(3):
        more = [*EDIT, {"path": f"b{number}", "kind": {"type": "add"}, "diff": "z\n"}]
        effects = fed.say("item/fileChange/patchUpdated", itemId="i1", changes=more)
        assert asked(effects).input["changes"] == more
    last = fed.say("item/fileChange/patchUpdated", itemId="i1", changes=[*more, *EDIT])
    assert sent(last) == [{"id": 1, "result": {"decision": "decline"}}]
    assert not [effect for effect in last if isinstance(effect, Asked)]


def test_t42_nothing_is_hidden(fed: Fed) -> None:
    changes = [{"path": "p\u0430ypal.py", "kind": {"type": "add"}, "diff": "x\u200by\x1b[8m\n"}]
    fed.item("fileChange", changes=changes)
    request = asked(fed.ask(1, CHANGE, itemId="i1"))
    assert request.detail == WriteDetail(file_path="p\u0430ypal.py", content="x\\u200by\\x1b[8m\n")
    assert "mixes letters" in request.metadata["sereno"]["warnings"][0]


def test_more_permissions_for_the_turn_or_the_session(fed: Fed) -> None:
    wanted = {"network": {"enabled": True}}
    cases: tuple[tuple[Allow | Deny, Any], ...] = (
        (Allow(), {"permissions": wanted, "scope": "turn"}),
        (
            Allow(selected_action_id="acceptForSession"),
            {"permissions": wanted, "scope": "session"},
        ),
        (Deny(), {"permissions": {}, "scope": "turn"}),
    )
    for number, (response, result) in enumerate(cases):
        effects = fed.ask(number, RIGHTS, itemId="i1", cwd="/repo", permissions=wanted)
        assert asked(effects).input == {"cwd": "/repo", "permissions": wanted}
        assert answer(fed, effects, response) == [{"id": number, "result": result}]


def test_what_is_not_supported_is_answered_with_an_error(fed: Fed) -> None:
    effects = fed.ask(3, "item/tool/call", tool="x")
    (reply,) = sent(effects)
    assert (reply["id"], reply["error"]["code"]) == (3, -32601)
    assert "item/tool/call" in one(effects, Diagnostic).text
    effects = fed.ask(4, ELICIT, mode="openai/userVerification", challenge="c")
    assert sent(effects)[0]["error"]["code"] == -32601


def test_codex_may_take_a_request_back(fed: Fed) -> None:
    effects = fed.ask(1, COMMAND, **RUN)
    fed.restart()
    gone = fed.say("serverRequest/resolved", requestId=1)
    assert one(gone, Withdrawn).request_id == asked(effects).id
    assert fed.say("serverRequest/resolved", requestId=1) == []


def test_one_number_cannot_stand_for_two_requests(fed: Fed) -> None:
    first = asked(fed.ask(1, COMMAND, **RUN))
    effects = fed.ask(1, COMMAND, **{**RUN, "command": "rm -rf /"})
    assert one(effects, Withdrawn).request_id == first.id
    assert sent(effects)[0]["error"]["code"] == -32600


def test_what_is_asked_after_an_interrupt_is_refused(fed: Fed) -> None:
    fed.take(fed.driver.interrupt())
    effects = fed.ask(1, COMMAND, **RUN)
    assert sent(effects) == [{"id": 1, "result": {"decision": "cancel"}}]


def test_a_turn_of_its_own_is_a_turn(fed: Fed) -> None:
    fed.end()
    effects = fed.say("turn/started", turn={"id": "goal-1"})
    assert one(effects, TurnStarted).prompt_id == "own-1-1"
    (stop, _) = sent(fed.take(fed.driver.interrupt()))
    assert stop["params"]["turnId"] == "goal-1"
    end = one(fed.say("turn/completed", turn={"id": "goal-1", "status": "interrupted"}), TurnEnded)
    assert (end.prompt_id, end.outcome) == ("own-1-1", "canceled")


def test_what_a_sub_agent_asks_outlives_the_turn(fed: Fed) -> None:
    fed.item("subAgentActivity", agentThreadId="kid", agentPath="/home/ada/a")
    fed.say("turn/started", threadId="kid", turn={"id": "kt"})
    effects = fed.ask(1, COMMAND, **{**RUN, "threadId": "kid", "turnId": "kt"})
    assert asked(effects).description == "Asked by the sub-agent “/home/ada/a”."
    effects = fed.end()
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds[0] == "Withdrawn"
    assert kinds[-2:] == ["TurnEnded", "Asked"]
    steer, reply = answer(fed, effects, Deny(message="no"))
    assert (steer["params"]["threadId"], steer["params"]["expectedTurnId"]) == ("kid", "kt")
    assert reply["result"] == {"decision": "decline"}
