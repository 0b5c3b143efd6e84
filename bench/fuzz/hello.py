"""Messages of a client, from its first: hello, and then what goes through the order of checks.

Besides that nothing is raised: whatever is taken is JSON for the standard library too, has no key
twice, and is no deeper than it may be; and both ways of looking at a shape say the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from sereno.core.protocol.frames import BadFrame, Hello, SessionRequest
from sereno.core.security.roles import Role
from sereno.core.sessions import shape
from sereno.core.sessions.batch import Batch
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.checks import Refused, Unit, run
from sereno.core.sessions.connection import Connection, Phase
from sereno.core.sessions.limits import NESTING, TokenBucket
from sereno.core.sessions.registry import Sessions

PEER = Peer("password:operator", Role.OPERATOR, "tcp")
BETWEEN = b"\x1e"
_HELLO = b'{"type":"hello","clientId":"c","clientType":"cli","protocolVersion":1'
_SESSION = b'{"type":"session","message":{"type":"'
SEEDS = [
    _HELLO + b"}" + BETWEEN + _SESSION + b'ping","requestId":"p"}}',
    _HELLO + b',"appVersion":"0.1","capabilities":{"reasoning_merge_enum":true}}',
    b'{"type":"ping"}' + BETWEEN + b'{"type":"recording_state","isRecording":true}',
    _HELLO + b"}" + BETWEEN + _SESSION + b'fetch_agents_request","requestId":"f","filter":{}}}',
    _HELLO
    + b"}"
    + BETWEEN
    + _SESSION
    + b'create_agent_request","requestId":"c","config":{"provider":"demo","cwd":"/"},'
    + b'"initialPrompt":"x","labels":{"a":"b"},"images":[{"data":"","mimeType":"image/png"}]}}',
    _HELLO
    + b"}"
    + BETWEEN
    + _SESSION
    + b'agent_permission_response","agentId":"a","requestId":"r","response":{"behavior":"allow"}}}',
    _HELLO + b"}" + BETWEEN + _SESSION + b'sereno.security.get.request","requestId":"s"}}',
    b'{"a":[1e400,-0,1.5,"\\u00e9\\ud83d\\ude00\\n"],"b":{"a":null,"\\u0061":[[]]}}',
]
WORDS = [
    *(b'"type":', b'"requestId":', b'"message":', b'"clientId":', b'"clientType":'),
    *(b'"protocolVersion":1', b'"capabilities":', b'"session"', b'"hello"', b'"ping"'),
    *(
        b"null",
        b"true",
        b"1e999",
        b"-0",
        b"NaN",
        b"Infinity",
        b"{}",
        b"[]",
        b"[[[[[[[[",
        b"]]]]]]]]",
    ),
    *(b"\\u0000", b"\\ud800", b'\\"', b"\\\\", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", BETWEEN),
    *(b'"a":', b'"\\u0061":', b"_request", b".request", b"99999999999999999999"),
]


@dataclass
class Hall:
    """What stands behind a connection, as far as it is concerned."""

    bucket: TokenBucket = field(default_factory=lambda: TokenBucket(0.0))
    hello: Hello | None = None
    taken: int = 0

    def greeted(self, _: Connection, hello: Hello) -> None:
        self.hello = hello

    def incoming(self, connection: Connection, data: bytes) -> None:
        unit = Unit(data, 0.0, self.bucket, connection.peer.role)
        try:
            run(unit)
        except Refused as refused:
            json.loads(refused.frame)
            return
        self.taken += 1
        well_formed(data)
        if isinstance(unit.frame, SessionRequest):
            assert not unit.request_type.startswith("sereno.security."), "an operator may not"

    def unreadable(self, connection: Connection, error: BadFrame) -> None:
        pass

    def disconnected(self, connection: Connection) -> None:
        pass


@dataclass
class Sink:
    """The other end of a channel that takes everything."""

    code: int = 0

    def send(self, batch: Batch) -> None:
        for message in batch.messages:
            json.loads(message.data)

    def close(self, code: int, reason: str) -> None:
        assert code in (4001, 4002, 4003)
        assert len(reason.encode()) <= 123
        self.code = code

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def one(data: bytes) -> None:
    hall, sink = Hall(), Sink()
    connection = Connection(cast("Sessions", hall), sink, PEER)
    for message in data.split(BETWEEN):
        alike(message)
        connection.receive(message)
        if hall.hello is not None and connection.phase is Phase.OPEN and not hall.taken:
            assert hall.hello.client_id.strip()
    assert (connection.phase is Phase.CLOSED) == (sink.code != 0)
    connection.lost()


def alike(data: bytes) -> None:
    """Small messages are looked at by the standard library and large ones by a walk of ours."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return
    small, large = shape._of_small(data), shape._of_large(data)
    if large is None or large == shape._TWICE:
        assert small == large, (small, large)


def well_formed(data: bytes) -> None:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), "a key stands twice"
        return dict(pairs)

    assert depth(json.loads(data, object_pairs_hook=distinct)) <= NESTING


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0
