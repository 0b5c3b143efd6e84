"""What the rules of the relay speak of: frames, and acts that a shell carries out on sockets.

A socket is a number here. An act on a socket that is gone meanwhile means nothing and is left out
by the shell. Whoever is closed by an act is forgotten at once; `left` is not awaited for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

__all__ = [
    "NOTHING",
    "Act",
    "Acts",
    "Close",
    "Code",
    "Frame",
    "Hold",
    "Release",
    "Room",
    "Send",
    "connected",
    "disconnected",
    "pong",
    "sync",
]


class Frame(NamedTuple):
    """One whole WebSocket message. The relay never looks into those that it forwards."""

    data: bytes
    text: bool


class Code:
    """The close codes of the wire (wire reference 5.9), and 1013 of RFC 6455's registry."""

    GONE = 1001
    REPLACED = 1008
    FAILED = 1011
    RESTART = 1012
    TRY_LATER = 1013


class Send(NamedTuple):
    peer: int
    frame: Frame


class Close(NamedTuple):
    peer: int
    code: int
    reason: str


class Hold(NamedTuple):
    """Read no more from this socket: whoever takes its frames is behind."""

    peer: int


class Release(NamedTuple):
    peer: int


Act: TypeAlias = Send | Close | Hold | Release
Acts: TypeAlias = Sequence[Act]
NOTHING: Acts = ()


class Room(Protocol):
    """Where the sockets of one server id meet. `now` is a monotonic time in seconds.

    This is the seam for several nodes: a room of this node keeps all of it in memory; one that
    belongs to another node passes the same calls on to its owner (mesh_rooms.py).
    """

    def enter(self, peer: int, role: str, connection: str | None, now: float) -> Acts: ...

    def received(self, peer: int, frame: Frame, now: float) -> Acts: ...

    def left(self, peer: int, now: float) -> Acts: ...

    def behind(self, peer: int) -> Acts:
        """This socket does not take what is sent to it."""

    def caught_up(self, peer: int) -> Acts: ...

    def due(self) -> float | None:
        """When `elapsed` has something to do; None where it waits for nothing."""

    def elapsed(self, now: float) -> Acts: ...

    def hurry(self, now: float) -> None:
        """Nodes came or went: who waits for another socket should not wait for long now."""

    def waiting(self, peer: int) -> int:
        """Bytes that the room keeps for this socket's connection."""

    def is_control(self, peer: int) -> bool: ...

    def __len__(self) -> int:
        """Sockets in it."""


def _message(kind: str, **fields: object) -> Frame:
    text = json.dumps({"type": kind, **fields}, separators=(",", ":"), ensure_ascii=False)
    return Frame(text.encode("utf-8", "replace"), True)


def sync(connections: Iterable[str]) -> Frame:
    return _message("sync", connectionIds=list(connections))


def connected(connection: str) -> Frame:
    return _message("connected", connectionId=connection)


def disconnected(connection: str) -> Frame:
    return _message("disconnected", connectionId=connection)


def pong(milliseconds: int) -> Frame:
    return _message("pong", ts=milliseconds)
