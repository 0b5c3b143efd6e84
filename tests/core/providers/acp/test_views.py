"""T42 and T43: a request shows all of what it asks for, and an answer counts only for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.tools import EditDetail, PlainTextDetail, ShellDetail, WriteDetail
from sereno.core.providers.acp.views import SHOWN_LIMIT
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Effect, Send, Withdrawn
from tests.core.providers.acp.bench import Bench, only

ONCE = {"optionId": "o", "kind": "allow_once", "name": "Once"}
NO = {"optionId": "n", "kind": "reject_once", "name": "No"}


def diff(path: str, old: str, new: str) -> dict[str, Any]:
    return {"type": "diff", "path": path, "oldText": old, "newText": new}


def ask(bench: Bench, number: int = 7, /, **call: Any) -> list[Effect]:
    call = {"toolCallId": "c", **call}
    return bench.request(number, "session/request_permission", toolCall=call, options=[ONCE, NO])


def replies(effects: list[Effect]) -> list[Any]:
    return [json.loads(effect.data) for effect in effects if isinstance(effect, Send)]


SQL = {"kind": "other", "title": "query", "rawInput": {"sql": "select 1"}}
RM = {"kind": "execute", "rawInput": {"command": "rm -rf build", "cwd": "/r"}}
WRITE = {"kind": "edit", "rawInput": {"path": "/a", "content": "hello"}}
EDIT = {"kind": "edit", "rawInput": {"path": "/a", "old_string": "a", "new_string": "b"}}
CHANGE = {"kind": "edit", "content": [diff("/a", "old\n", "new\n")]}
PLAN = {"kind": "switch_mode", "rawInput": {"plan": "look"}}


@pytest.mark.parametrize(
    ("asked", "later"),
    [
        (SQL, {"rawInput": {"sql": "drop table users"}}),
        (RM, {"rawInput": {"command": "rm -rf ~"}}),
        (RM, {"rawInput": {"cwd": "/"}}),
        (RM, {"kind": "delete"}),
        (WRITE, {"rawInput": {"content": "evil"}}),
        (EDIT, {"rawInput": {"new_string": "evil"}}),
        (CHANGE, {"content": [diff("/a", "old\n", "evil\n")]}),
        (CHANGE, {"content": [diff("/a", "other\n", "new\n")]}),
        (PLAN, {"rawInput": {"plan": "leap"}}),
        ({"kind": "execute", "title": "ls"}, {"title": "rm -rf ~"}),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_t43_what_contradicts_the_question_is_denied(
    asked: dict[str, Any], later: dict[str, Any], restart: bool
) -> None:
    bench = Bench.in_turn()
    question = only(ask(bench, **asked), Asked).request
    if restart:
        bench.restart()
    effects = bench.update("tool_call_update", toolCallId="c", **later)
    assert only(effects, Withdrawn).request_id == question.id
    (reply,) = replies(effects)
    assert reply["result"]["outcome"] == {"outcome": "selected", "optionId": "n"}
    assert not [e for e in effects if isinstance(e, Asked)]
    with pytest.raises(CannotAnswer):
        bench.driver.answer(question.id, Allow())


@pytest.mark.parametrize(
    ("asked", "later", "told"),
    [
        (RM, {"rawInput": {"env": {"X": "1"}}}, "'env': {'X': '1'}"),
        (RM, {"rawInput": {"root": "/"}}, "'root': '/'"),
        (CHANGE, {"content": [diff("/ssh/keys", "", "evil\n")]}, "+evil"),
        (
            {"title": "List", "kind": "execute"},
            {"kind": "execute", "rawInput": {"command": "rm -rf ~"}},
            "rm -rf ~",
        ),
        ({"kind": "delete", "title": "Delete"}, {"locations": [{"path": "/etc"}]}, "/etc"),
        (SQL, {"content": [diff("/a", "", "evil\n")]}, "evil"),
    ],
)
def test_t43_what_adds_to_the_question_is_asked_anew(
    asked: dict[str, Any], later: dict[str, Any], told: str
) -> None:
    bench = Bench.in_turn()
    question = only(ask(bench, **asked), Asked).request
    effects = bench.update("tool_call_update", toolCallId="c", **later)
    assert only(effects, Withdrawn).request_id == question.id
    again = only(effects, Asked).request
    assert again.id != question.id
    assert told in repr(again)
    assert replies(effects) == []
    with pytest.raises(CannotAnswer):
        bench.driver.answer(question.id, Allow())
    (reply,) = replies(bench.driver.answer(again.id, Allow()))
    assert (reply["id"], reply["result"]["outcome"]["optionId"]) == (7, "o")


@pytest.mark.parametrize(
    ("asked", "later"),
    [
        (RM, {"status": "in_progress", **RM}),
        (RM, {"rawInput": {"command": "rm -rf build", "description": "Cleans up"}}),
        (RM, {"locations": [{"path": "/r"}]}),
        (CHANGE, CHANGE),
        (WRITE, {"title": "Writing", "rawInput": {"content": "hello"}}),
        (SQL, {"title": "another title"}),
    ],
)
def test_t43_mere_repetition_leaves_the_question_open(
    asked: dict[str, Any], later: dict[str, Any]
) -> None:
    bench = Bench.in_turn()
    question = only(ask(bench, **asked), Asked).request
    effects = bench.update("tool_call_update", toolCallId="c", **later)
    assert not [e for e in effects if isinstance(e, Withdrawn | Asked | Send)]
    assert replies(bench.driver.answer(question.id, Allow()))


def test_t43_a_question_that_never_stops_growing_is_denied() -> None:
    bench = Bench.in_turn()
    ask(bench, **SQL)
    for number in range(4):
        effects = bench.update("tool_call_update", toolCallId="c", rawInput={f"k{number}": 1})
        assert only(effects, Asked)
    effects = bench.update("tool_call_update", toolCallId="c", rawInput={"last": 1})
    assert replies(effects)[0]["result"]["outcome"]["optionId"] == "n"


def test_t43_the_request_s_own_words_win_over_earlier_ones() -> None:
    bench = Bench.in_turn()
    long = diff("/a", "x\n" * 50, "x\n" * 49 + "harmless long text\n")
    bench.update("tool_call", toolCallId="c", kind="edit", content=[long])
    request = only(ask(bench, kind="edit", content=[diff("/a", "a\n", "evil\n")]), Asked).request
    assert isinstance(request.detail, EditDetail)
    assert "+evil" in str(request.detail.unified_diff)
    assert "harmless" not in str(request.detail.unified_diff)

    bench = Bench.in_turn()
    bench.update("tool_call", toolCallId="c", kind="edit", rawInput={"filePath": "/harmless"})
    own = {"path": "/evil", "content": "x"}
    request = only(ask(bench, kind="edit", rawInput=own), Asked).request
    assert request.detail == WriteDetail(file_path="/evil", content="x")
    assert request.input == {"filePath": "/harmless", **own}


def test_t43_a_command_is_not_hidden_by_a_change_of_a_file() -> None:
    content = [diff("/a", "old\n", "new\n")]
    call = {"kind": "execute", "rawInput": {"command": "rm -rf ~"}, "content": content}
    request = only(ask(Bench.in_turn(), **call), Asked).request
    assert request.detail == ShellDetail(command="rm -rf ~")
    assert isinstance(request.input, dict)
    assert "+new" in request.input["changes"][0]


@pytest.mark.parametrize("kind", ["delete", "move", "other"])
def test_t43_paths_are_shown_where_nothing_else_names_them(kind: str) -> None:
    places = [{"path": "/etc/passwd"}, {"path": "/tmp/x"}]
    request = only(ask(Bench.in_turn(), kind=kind, title="Delete", locations=places), Asked).request
    assert isinstance(request.detail, PlainTextDetail)
    assert request.detail.label == "Delete"
    assert request.detail.text == "/etc/passwd\n/tmp/x"


def test_t43_a_long_change_is_shown_whole() -> None:
    new = "".join(f"line {number} {'x' * 60}\n" for number in range(8_000))
    content = [diff("/a", "first\n", new)]
    request = only(ask(Bench.in_turn(), kind="edit", content=content), Asked).request
    assert isinstance(request.detail, EditDetail)
    text = str(request.detail.unified_diff)
    assert "left out" not in text
    assert text.count("\n+line ") == 8_000


def test_t43_what_is_too_long_to_be_shown_says_so() -> None:
    content = [diff("/a", "", "x" * (SHOWN_LIMIT + 10))]
    request = only(ask(Bench.in_turn(), kind="edit", content=content), Asked).request
    assert isinstance(request.detail, WriteDetail)
    assert "left out" in str(request.detail.content)
    assert isinstance(request.metadata, dict)
    assert "too long" in request.metadata["sereno"]["warnings"][0]


def test_t43_two_requests_under_one_number_are_both_refused() -> None:
    bench = Bench.in_turn()
    first = only(ask(bench, 77, kind="execute", rawInput={"command": "ls"}), Asked).request
    effects = ask(bench, 77, toolCallId="d", kind="execute", rawInput={"command": "rm -rf /"})
    assert only(effects, Withdrawn).request_id == first.id
    (reply,) = replies(effects)
    assert (reply["id"], "error" in reply) == (77, True)
    with pytest.raises(CannotAnswer):
        bench.driver.answer(first.id, Allow())
    assert only(ask(bench, 77, kind="execute", rawInput={"command": "ls"}), Asked)


def test_t42_invisible_characters_in_a_command_are_shown() -> None:
    command = "cat a\ufe0f b\U000e0100\U000e0101\u034f"
    request = only(
        ask(Bench.in_turn(), kind="execute", rawInput={"command": command}), Asked
    ).request
    assert request.detail == ShellDetail(command="cat a\\ufe0f b\\U000e0100\\U000e0101\\u034f")


def test_t43_words_beside_the_arguments_are_marked_where_they_are_cut() -> None:
    words = "harmless " * 300 + "and then rm -rf ~ " + "quite " * 300
    text = [{"type": "content", "content": {"type": "text", "text": words}}]
    call = {**RM, "title": "t" * 5_000, "content": text, "status": "pending"}
    request = only(ask(Bench.in_turn(), **call), Asked).request
    title, told = str(request.description).split("ttt\nharmless", 1)
    assert "[… 3000 characters left out …]" in title
    assert f"[… {len(words) - 2_000} characters left out …]" in told
