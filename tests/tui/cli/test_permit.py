"""`sereno permit`: which request is meant, and who won."""

from __future__ import annotations

import json

import msgspec
import pytest

from sereno.core.protocol.permissions import PermissionRequest
from sereno.tui.cli import exits
from sereno.tui.cli.permits import request_lines
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message
from tests.tui.cli.scripted import FIRST, agent, furnish, request


def resolved(asked: Message, who: str, behavior: str) -> Message:
    payload = {
        "agentId": asked["agentId"],
        "requestId": asked["requestId"],
        "resolution": {"behavior": behavior},
        "answeredBy": who,
    }
    return message("agent_permission_resolved", payload)


def gone(asked: Message) -> Message:
    words = {"error": "Request was already answered by Pixel 9.", "code": "request_gone"}
    return message("rpc_error", {"requestId": asked["requestId"], **words})


def pong(asked: Message) -> list[Message]:
    times = {"serverReceivedAt": 1, "serverSentAt": 1}
    return [message("pong", {"requestId": asked["requestId"], **times})]


@pytest.fixture
def one(daemon: FakeDaemon) -> FakeDaemon:
    furnish(daemon, agent(pendingPermissions=[request()]))
    daemon.answers["ping"] = pong
    daemon.answers["agent_permission_response"] = lambda asked: [
        resolved(asked, "the command line", asked["response"]["behavior"])
    ]
    return daemon


def test_allow(one: FakeDaemon, sereno: Run) -> None:
    result = sereno("permit", "allow", FIRST)
    assert result.code == exits.OK
    assert "  | rm -r build" in result.out
    assert "allowed by you (the command line)" in result.out
    (sent,) = [seen for seen in one.seen if seen["type"] == "agent_permission_response"]
    assert sent["response"] == {"behavior": "allow"}
    value = json.loads(sereno("permit", "allow", FIRST, "perm", "--json").out)
    assert (value["id"], value["agentId"], value["ours"]) == ("perm-1-1", FIRST, True)


def test_deny(one: FakeDaemon, sereno: Run) -> None:
    result = sereno("permit", "deny", FIRST, "-m", "not now", "--interrupt", "--action", "no")
    assert result.code == exits.OK
    assert "denied by you" in result.out
    (sent,) = [seen for seen in one.seen if seen["type"] == "agent_permission_response"]
    assert sent["response"] == {
        "behavior": "deny",
        "selectedActionId": "no",
        "message": "not now",
        "interrupt": True,
    }


def test_deny_does_not_say_that_words_were_told_which_were_not(
    one: FakeDaemon, sereno: Run
) -> None:
    asked = request()
    result = sereno("permit", "deny", FIRST, "-m", "not now")
    assert "not told" not in result.out
    asked["metadata"]["sereno"]["takesWords"] = False
    furnish(one, agent(pendingPermissions=[asked]))
    result = sereno("permit", "deny", FIRST, "-m", "not now")
    assert "kept here, but demo takes no reason and was not told" in result.out
    assert "not told" not in sereno("permit", "deny", FIRST).out
    value = json.loads(sereno("permit", "deny", FIRST, "-m", "not now", "--json").out)
    assert value["wordsTold"] is False
    for more in ([], ["--interrupt"], ["--all"]):
        result = sereno("permit", "deny", FIRST, "-m", "not now", *more)
        assert result.code == exits.OK
        assert "was not told; `sereno send" in result.out
        assert FIRST[:8] in result.out.split("sereno send")[1], "the command as it is typed"
        quiet = sereno("permit", "deny", FIRST, "-m", "not now", "-q", *more)
        assert quiet.out.split() == [asked["id"]]
        assert "was not told" in quiet.err


def test_deny_says_that_words_may_be_lost_with_the_turn(one: FakeDaemon, sereno: Run) -> None:
    result = sereno("permit", "deny", FIRST, "-m", "not now", "--interrupt")
    assert "the turn ends with this no, and demo may not read your words" in result.out
    assert "may not" not in sereno("permit", "deny", FIRST, "--interrupt").out
    value = json.loads(sereno("permit", "deny", FIRST, "-m", "x", "--interrupt", "--json").out)
    assert "wordsTold" not in value, "nobody knows it here"


@pytest.mark.parametrize("refusal_first", [True, False])
def test_somebody_else_was_first(one: FakeDaemon, sereno: Run, refusal_first: bool) -> None:
    def answer(asked: Message) -> list[Message]:
        news = [resolved(asked, "Pixel 9", "deny"), gone(asked)]
        return news[::-1] if refusal_first else news

    one.answers["agent_permission_response"] = answer
    result = sereno("permit", "allow", FIRST)
    assert result.code == exits.ANSWERED_ELSEWHERE
    assert "Pixel 9" in result.out
    assert json.loads(sereno("permit", "allow", FIRST, "--json").out)["ours"] is False


def test_an_impossible_answer(one: FakeDaemon, sereno: Run) -> None:
    one.answers["agent_permission_response"] = lambda asked: [
        message(
            "rpc_error",
            {"requestId": asked["requestId"], "error": "No such action", "code": "bad_action"},
        )
    ]
    result = sereno("permit", "allow", FIRST, "--action", "x")
    assert result.code == exits.FAILED
    assert "No such action." in result.err


def test_several_need_a_name(one: FakeDaemon, sereno: Run) -> None:
    furnish(one, agent(pendingPermissions=[request("perm-1-1"), request("perm-1-2")]))
    result = sereno("permit", "allow", FIRST)
    assert result.code == exits.NOT_FOUND
    assert "perm-1-1, perm-1-2" in result.err
    assert sereno("permit", "allow", FIRST, "perm").code == exits.NOT_FOUND
    everything = sereno("permit", "allow", FIRST, "--all", "-q")
    assert everything.out.split() == ["perm-1-1", "perm-1-2"]


def test_nothing_asked(one: FakeDaemon, sereno: Run) -> None:
    furnish(one, agent())
    assert "asks for nothing" in sereno("permit", "allow", FIRST).err
    result = sereno("permit", "deny", FIRST, "perm-9")
    assert result.code == exits.NOT_FOUND
    assert "no open request perm-9; open: none" in result.err


def lines_of(**changes: object) -> list[str]:
    asked = msgspec.convert({**request(command="make"), **changes}, PermissionRequest)
    return request_lines(asked)


def test_t43_every_argument_is_shown() -> None:
    """What the detail was not made of is there by name and value."""
    given = {"command": "make", "env": {"MAKEFLAGS": "--eval=x:;rm -rf ~"}, "sandbox": False}
    lines = lines_of(input=given, detail={"type": "shell", "command": "make"})
    assert '  also given env: {"MAKEFLAGS": "--eval=x:;rm -rf ~"}' in lines
    assert "  also given sandbox: false" in lines
    assert not any("also given command" in line for line in lines)
    edit = {"type": "edit", "filePath": "a.txt", "unifiedDiff": "-a\n+b"}
    lines = lines_of(input={"command": "rm -rf ~"}, detail=edit)
    assert "  also given command: rm -rf ~" in lines
    assert "  | +b" in lines


def test_t43_t45_words_of_the_agent_do_not_pass_for_the_command() -> None:
    title = "List the folder\n  | ls -la\n  in /home/u/proj"
    lines = lines_of(title=title, description="  | ls", detail={"type": "shell", "command": "rm"})
    assert [line for line in lines if line.startswith("  | ")] == ["  | rm"]
    assert lines[-4:] == [
        "  says: List the folder",
        "  says:   | ls -la",
        "  says:   in /home/u/proj",
        "  says:   | ls",
    ]


def test_t43_one_line_facts_stay_one_line() -> None:
    name = "x\n  | ls -la"
    lines = lines_of(name=name, detail={"type": "shell", "command": "rm", "cwd": "/a\n  | ls"})
    assert [line for line in lines if line.startswith("  | ")] == ["  | rm"]


@pytest.mark.parametrize(
    "detail",
    [
        {"type": "shell", "command": "what it does"},
        {"type": "read", "filePath": "what it does"},
        {"type": "edit", "filePath": "what it does", "oldString": "a", "newString": "b"},
        {"type": "write", "filePath": "what it does", "content": "text"},
        {"type": "search", "query": "what it does"},
        {"type": "fetch", "url": "what it does"},
        {"type": "plan", "text": "what it does"},
        {"type": "plain_text", "label": "what it does"},
        {"type": "sub_agent", "log": "what it does", "actions": []},
        {"type": "unknown", "input": {"path": "what it does"}, "output": None},
    ],
    ids=lambda detail: str(detail["type"]),
)
def test_t43_no_kind_of_request_says_nothing(detail: Message) -> None:
    lines = lines_of(detail=detail, input={}, title="x", description="y")
    assert any("what it does" in line for line in lines if not line.startswith("  says:"))
