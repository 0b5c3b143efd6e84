"""`sereno permit`: which request is meant, and who won."""

from __future__ import annotations

import json

import pytest

from sereno.tui.cli import exits
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
    assert "    rm -r build" in result.out
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
