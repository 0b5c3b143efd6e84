"""Nothing is allowed by accident, hidden, or kept without end, whatever the program says (T43)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.protocol.tools import PlanDetail, ShellDetail
from sereno.core.providers.codex.details import unwrapped
from sereno.core.providers.driver import CannotAnswer, Setup
from sereno.core.providers.effects import Asked, Withdrawn
from tests.core.providers.codex.feed import THREAD, WORKSPACE, Fed, items_of, one, sent

COMMAND = "item/commandExecution/requestApproval"
CHANGE = "item/fileChange/requestApproval"
ELICIT = "mcpServer/elicitation/request"


@pytest.fixture
def fed() -> Fed:
    fed = Fed()
    fed.open()
    fed.begin()
    return fed


@pytest.mark.parametrize("shell", ["/tmp/x/bash", "./bash", "../bin/sh", "/repo/bin/zsh"])
def test_t43_a_shell_of_somewhere_else_is_part_of_the_command(fed: Fed, shell: str) -> None:
    command = f"{shell} -lc 'ls'"
    assert unwrapped(command) == command
    detail = one(fed.ask(1, COMMAND, itemId="i", command=command, cwd="/r"), Asked).request.detail
    assert detail == ShellDetail(command=command, cwd="/r")
    assert unwrapped("/bin/bash -lc 'ls'") == unwrapped("/usr/bin/zsh -c ls") == "ls"


def test_t43_a_rule_for_good_is_shown_whole(fed: Fed) -> None:
    prefix = ["git", "-c", "x" * 400, "and-the-end"]
    request = one(
        fed.ask(1, COMMAND, itemId="i", command="git", proposedExecpolicyAmendment=prefix), Asked
    ).request
    assert "and-the-end" in json.dumps(request.input)
    rules = [{"host": "h" * 300 + ".end", "action": "allow"}, {"host": "x", "action": "maybe"}]
    request = one(
        fed.ask(2, COMMAND, itemId="j", command="git", proposedNetworkPolicyAmendments=rules), Asked
    ).request
    assert ".end" in json.dumps(request.input)
    assert not [action for action in request.actions if "Always deny" in action.label]


def test_t43_a_rule_that_was_shortened_cannot_be_chosen(fed: Fed) -> None:
    prefix = ["y" * 100_000]
    request = one(
        fed.ask(1, COMMAND, itemId="i", command="y", proposedExecpolicyAmendment=prefix), Asked
    ).request
    assert "acceptWithExecpolicyAmendment" not in [action.id for action in request.actions]


def test_t43_rights_that_are_too_long_to_keep_are_not_granted_otherwise(fed: Fed) -> None:
    rights = {"fileSystem": {"write": ["/" + "z" * 100_000]}}
    effects = fed.ask(1, "item/permissions/requestApproval", itemId="i", permissions=rights)
    with pytest.raises(CannotAnswer) as caught:
        fed.driver.answer(one(effects, Asked).request.id, Allow())
    assert caught.value.code == "input_unchangeable"


def test_t43_a_command_that_changes_after_it_was_shown_is_asked_anew(fed: Fed) -> None:
    fed.item("commandExecution", command="ls", cwd="/repo")
    first = one(fed.ask(1, COMMAND, itemId="i1"), Asked).request
    effects = fed.item("commandExecution", command="rm -rf .", cwd="/repo")
    assert one(effects, Withdrawn).request_id == first.id
    assert one(effects, Asked).request.detail.command == "rm -rf ."


def test_a_change_of_a_sub_agent_that_grows_is_asked_anew(fed: Fed) -> None:
    fed.say("thread/started", thread={"id": "kid", "parentThreadId": THREAD})
    item = {"type": "fileChange", "id": "c", "status": "inProgress", "changes": []}
    fed.say("item/started", threadId="kid", item=item)
    first = one(fed.ask(1, CHANGE, threadId="kid", itemId="c"), Asked).request
    changes = [{"path": "a", "kind": {"type": "add"}, "diff": "evil"}]
    effects = fed.say("item/fileChange/patchUpdated", threadId="kid", itemId="c", changes=changes)
    assert one(effects, Withdrawn).request_id == first.id
    assert one(effects, Asked).request.detail.content == "evil"
    assert items_of(effects) == []


def test_what_an_unanswered_field_becomes_is_shown(fed: Fed) -> None:
    field = {"type": "boolean", "default": True, "description": "Pay?"}
    schema = {"type": "object", "properties": {"pay": field}}
    effects = fed.ask(1, ELICIT, serverName="s", mode="form", requestedSchema=schema)
    (question,) = one(effects, Asked).request.input["questions"]
    assert question["question"] == "Pay? (left open: Yes)"


def plan(fed: Fed, text: str) -> Any:
    fed.done("plan", text=text)
    return one(fed.end(), Asked).request


def planning() -> Fed:
    fed = Fed(Setup("/repo", mode="plan"))
    fed.open()
    fed.begin()
    return fed


def test_a_plan_cannot_be_changed_by_its_answer_and_a_cut_is_marked() -> None:
    fed = planning()
    request = plan(fed, "a" * 40_000 + "b" * 40_000)
    assert isinstance(request.detail, PlanDetail)
    assert "characters left out" in request.detail.text
    with pytest.raises(CannotAnswer):
        fed.driver.answer(request.id, Allow(updated_input={"plan": "other"}))
    assert sent(fed.driver.answer(request.id, Allow()))


def settings(fed: Fed, approval: str, sandbox: dict[str, Any]) -> list[Any]:
    told = {
        "approvalPolicy": approval,
        "approvalsReviewer": "user",
        "sandboxPolicy": sandbox,
        "model": "gpt-x",
        "effort": None,
        "collaborationMode": {"mode": "default", "settings": {}},
    }
    return items_of(fed.say("thread/settings/updated", threadSettings=told))


def test_a_looser_mode_that_nobody_chose_is_said_in_the_timeline(fed: Fed) -> None:
    (item,) = settings(fed, "never", {"type": "dangerFullAccess"})
    assert isinstance(item, ErrorItem)
    assert "nobody here chose" in item.message
    assert settings(fed, "untrusted", WORKSPACE) == []
    (item,) = settings(fed, "never", WORKSPACE)
    assert "none of its modes" in item.message


def test_a_mode_that_was_chosen_is_not_news(fed: Fed) -> None:
    fed.take(fed.driver.set_mode("full-access"))
    assert settings(fed, "never", {"type": "dangerFullAccess"}) == []
    fed.take(fed.driver.set_mode("auto"))
    fed.take(fed.driver.set_mode("workspace-write"))
    assert settings(fed, "untrusted", WORKSPACE) == []
    assert settings(fed, "on-request", WORKSPACE) == []


def test_a_tool_that_cannot_be_taken_away_is_said_in_the_timeline() -> None:
    effects = Fed(Setup("/repo", disallowed_tools=("teleport",))).driver.start(None)
    assert "teleport" in one(effects, type(effects[0])).item.message


def test_a_flood_is_bounded(fed: Fed) -> None:
    for number in range(300):
        fed.item("mcpToolCall", id=f"i{number}", server="s", tool="t", arguments={"a": "b"})
        fed.say("thread/started", thread={"id": f"k{number}", "parentThreadId": THREAD})
        fed.ask(number, COMMAND, itemId=f"i{number}", command="ls")
        fed.say("skills/changed")
    state = json.loads(fed.driver.snapshot())
    assert (len(state["items"]), len(state["children"]), len(state["requests"])) == (256, 100, 100)
    assert len(fed.waiting["skills/list"]) == 1
    assert len([effect for effect in fed.effects if isinstance(effect, Asked)]) == 100
