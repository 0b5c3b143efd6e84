"""Whatever is said first: a greeting, a close with a code of the wire, a pong, or nothing yet."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.sessions.channel import Peer
from sereno.core.sessions.connection import Connection, Phase
from tests.core.sessions.house import OWNER, FakeSocket

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
HELLOS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["hello", "ping", "session", "recording_state", "pong"]) | JSON,
        "clientId": st.text(max_size=4) | JSON,
        "clientType": st.sampled_from(["cli", "mobile", "browser", "mcp"]) | JSON,
        "protocolVersion": st.just(1) | JSON,
    },
    optional={"appVersion": JSON, "capabilities": JSON, "message": JSON, "isRecording": JSON},
)


class Registry:
    """Takes a greeting and nothing else: whatever else is called fails the test."""

    greeted_with = ""

    def greeted(self, _: Connection, hello: Any) -> None:
        self.greeted_with = hello.client_id


def first_word(data: bytes, *, binary: bool) -> None:
    registry, socket = Registry(), FakeSocket()
    peer: Peer = OWNER
    connection = Connection(registry, socket, peer)  # type: ignore[arg-type]
    connection.receive(data, binary=binary)
    match connection.phase:
        case Phase.OPEN:
            assert registry.greeted_with.strip()
            assert socket.closed is None
        case Phase.CLOSED:
            assert socket.closed is not None
            assert socket.closed[0] in (4002, 4003)
            assert not registry.greeted_with
        case Phase.NEW:
            assert socket.frames in ([], [b'{"type":"pong"}'])


@given(HELLOS, st.booleans())
def test_anything_like_a_hello(frame: Any, binary: bool) -> None:
    first_word(json.dumps(frame).encode(), binary=binary)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes(data: bytes, binary: bool) -> None:
    first_word(data, binary=binary)
