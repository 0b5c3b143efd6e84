"""The JSON-RPC peer: any cut of any stream, ids over restarts, and nothing dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.providers import jsonrpc
from sereno.core.providers.jsonrpc import (
    METHOD_NOT_FOUND,
    Junk,
    Notification,
    Peer,
    PeerState,
    Reply,
    Request,
    RpcFailure,
    Stray,
)


def line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


def restored(peer: Peer) -> Peer:
    stored = msgspec.json.encode(peer.state)
    return Peer(msgspec.json.decode(stored, type=PeerState))


def test_requests_and_their_replies_over_a_restart() -> None:
    peer = Peer()
    first = json.loads(peer.request("session/new", {"cwd": "/"}, "note"))
    second = json.loads(peer.request("session/prompt", {}))
    assert (first["id"], second["id"]) == (0, 1)
    peer = restored(peer)
    assert peer.waiting("session/prompt")
    (reply,) = peer.feed(line(id=1, result={"ok": True}))
    assert isinstance(reply, Reply)
    assert (reply.call.method, reply.result) == ("session/prompt", {"ok": True})
    (reply,) = peer.feed(line(id=0, error={"code": -32000, "message": "no", "data": {"a": 1}}))
    assert isinstance(reply, Reply)
    assert reply.call.context == "note"
    assert reply.failure == RpcFailure(-32000, "no", {"a": 1})
    assert json.loads(peer.request("x", {}))["id"] == 2
    assert not peer.waiting("session/prompt")


def test_replies_that_nobody_waits_for_are_told() -> None:
    peer = Peer()
    peer.request("a", {})
    assert isinstance(peer.feed(line(id="0", result=None))[0], Reply)  # a number as a text
    for stray in ({"id": 0}, {"id": 7}, {"id": "x"}, {"id": None}, {"id": True}, {"id": 0.0}):
        (message,) = peer.feed(line(result={}, **stray))
        assert isinstance(message, Stray), stray


def test_requests_keep_their_id_whatever_it_is() -> None:
    peer = Peer()
    for number in (0, "a-1", 2.5, None, -3):
        (request,) = peer.feed(
            line(id=number, method="session/request_permission", params={"a": 1})
        )
        assert request == Request(number, "session/request_permission", {"a": 1})
        assert json.loads(peer.respond(number, {"o": 1}))["id"] == number
    answer = json.loads(peer.respond_error(5, METHOD_NOT_FOUND, "no"))
    assert answer == {"jsonrpc": "2.0", "id": 5, "error": {"code": -32601, "message": "no"}}
    assert peer.feed(line(method="x")) == [Notification("x", {})]
    assert peer.feed(line(method="x", params=[1])) == [Notification("x", {"value": [1]})]


@pytest.mark.parametrize(
    "junk",
    [
        b"garbage\n",
        b"{\n",
        b"[]\n",
        b"null\n",
        b'"text"\n',
        b"12\n",
        b"{}\n",
        b'{"jsonrpc":"2.0"}\n',
        b'{"method":5}\n',
        b"\xff\xfe\x00\n",
        b'{"id":1,"result":1}}\n',
        b"[" * 100_000 + b"\n",
        b'{"method":NaN}\n',
    ],
)
def test_junk_is_told_and_what_follows_is_understood(junk: bytes) -> None:
    peer = Peer()
    messages = peer.feed(junk + line(method="after"))
    assert isinstance(messages[0], Junk)
    assert messages[0].reason
    assert messages[1:] == [Notification("after", {})]


def test_damaged_text_does_not_lose_the_message() -> None:
    peer = Peer()
    (message,) = peer.feed(b'{"method":"m","params":{"text":"a\\ud83d","raw":"\xff"}}\n')
    assert message == Notification("m", {"text": "a?", "raw": "\ufffd"})
    msgspec.json.encode(message)


def test_batches_and_blank_lines() -> None:
    peer = Peer()
    assert peer.feed(b"\n \r\n\n") == []
    assert peer.feed(b'[{"method":"a"},{"method":"b"}]\r\n') == [
        Notification("a", {}),
        Notification("b", {}),
    ]


def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonrpc, "LINE_LIMIT", 1_000)
    peer = Peer()
    assert peer.feed(b"x" * 900) == []
    (junk,) = peer.feed(b"x" * 900)
    assert isinstance(junk, Junk)
    assert len(junk.text) <= 400
    assert isinstance(peer.feed(b"rest\n")[0], Junk)
    assert peer.feed(line(method="after")) == [Notification("after", {})]


def test_a_half_line_at_the_end() -> None:
    peer = Peer()
    assert peer.feed(b'{"method":"x') == []
    peer = restored(peer)
    (junk,) = peer.finish()
    assert "middle of a line" in junk.reason
    assert peer.finish() == []


MESSAGES = st.lists(
    st.one_of(
        st.builds(lambda text: line(method="m", params={"text": text}), st.text(max_size=20)),
        st.builds(lambda number: line(id=number, method="r"), st.integers(0, 9)),
        st.just(b"junk\n"),
        st.just(b"\n"),
    ),
    max_size=8,
)


@given(MESSAGES, st.lists(st.integers(0, 400), max_size=6))
def test_cuts_and_restarts_do_not_matter(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(messages)
    places = sorted(min(cut, len(stream)) for cut in cuts)
    pieces = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    peer = Peer()
    found = []
    for piece in pieces:
        found += peer.feed(piece)
        peer = restored(peer)
    assert found == Peer().feed(stream)
    assert peer.state.partial == b""


def test_the_version_counts_changes_of_the_state_only() -> None:
    peer = Peer()
    before = peer.version
    peer.feed(line(method="session/update", params={}))
    peer.notify("x", {})
    peer.respond(1, {})
    assert peer.version == before
    peer.request("a", {})
    peer.feed(b"{")
    assert peer.version == before + 2
