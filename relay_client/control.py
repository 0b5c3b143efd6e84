"""The daemon's control socket at a relay: when to ping, when it is ready or dead, whom to dial.

Pure: frames and time in, effects out; a control socket is one of these from its opening to its end.
Source: section 2.5 of the wire reference. Nothing here is authenticated: whoever runs the relay may
say anything, so what it names is only ever dialled, at that relay and nowhere else.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any

import msgspec

__all__ = ["Control", "Dial", "Effect", "Hangup", "Lost", "Ready", "Say", "State", "Timing", "Why"]

_LONGEST_ID = 200


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds. `ready`: from the opening to the relay's first word; `dead`: how long it may say
    nothing, which is looked at with each ping."""

    ping: float = 10.0
    ready: float = 8.0
    dead: float = 30.0


class State(enum.Enum):
    """Where a control socket stands."""

    OPENED = enum.auto()
    READY = enum.auto()
    LOST = enum.auto()


class Why(enum.Enum):
    """Why a control socket is given up without the relay having closed it."""

    NEVER_READY = enum.auto()
    SILENT = enum.auto()


@dataclasses.dataclass(frozen=True)
class Say:
    """To the relay, as one text frame."""

    text: str


@dataclasses.dataclass(frozen=True)
class Ready:
    """The relay speaks the protocol: clients can come."""


@dataclasses.dataclass(frozen=True)
class Dial:
    """A data socket for each of these connections, unless there is one."""

    connection_ids: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Hangup:
    """The last client of this connection is gone: 1001 to its data socket."""

    connection_id: str


@dataclasses.dataclass(frozen=True)
class Lost:
    """Cut the socket, without a closing handshake: nobody answers there."""

    why: Why


Effect = Say | Ready | Dial | Hangup | Lost


class _Sync(msgspec.Struct, tag="sync", rename="camel"):
    connection_ids: list[Any]


class _Connected(msgspec.Struct, tag="connected", rename="camel"):
    connection_id: str


class _Disconnected(msgspec.Struct, tag="disconnected", rename="camel"):
    connection_id: str


class _Ping(msgspec.Struct, tag="ping"):
    pass


class _Pong(msgspec.Struct, tag="pong"):
    pass


_Message = _Sync | _Connected | _Disconnected | _Ping | _Pong
_decode = msgspec.json.Decoder(_Message).decode


class Control:
    """`now`: seconds of a clock that does not go back, at the opening. `clock_ms`: the time of day
    in milliseconds, for what pings say of themselves."""

    def __init__(self, timing: Timing, now: float, clock_ms: Callable[[], int]) -> None:
        self._timing = timing
        self._clock_ms = clock_ms
        self._state = State.OPENED
        self._ready_by = now + timing.ready
        self._ping_at = now + timing.ping
        self._heard_at = now

    @property
    def state(self) -> State:
        return self._state

    @property
    def wakes_at(self) -> float:
        """When `tick` is to be called next; of no meaning once lost."""
        if self._state is State.OPENED:
            return min(self._ready_by, self._ping_at)
        return self._ping_at

    def start(self) -> list[Effect]:
        """The socket is open."""
        return [self._say("ping")]

    def tick(self, now: float) -> list[Effect]:
        """Time goes by."""
        if self._state is State.LOST:
            return []
        if self._state is State.OPENED and now >= self._ready_by:
            return self._lose(Why.NEVER_READY)
        if now < self._ping_at:
            return []
        if now - self._heard_at > self._timing.dead:
            return self._lose(Why.SILENT)
        self._ping_at = now + self._timing.ping
        return [self._say("ping")]

    def receive(self, frame: str | bytes, now: float) -> list[Effect]:
        """A message of the relay. Raises nothing; what is no control message counts as a sign of
        life only."""
        if self._state is State.LOST:
            return []
        self._heard_at = now
        message = _read(frame)
        if message is None:
            return []
        effects: list[Effect] = []
        if self._state is State.OPENED:
            self._state = State.READY
            effects.append(Ready())
        return effects + self._answer(message)

    def _answer(self, message: _Message) -> list[Effect]:
        match message:
            case _Sync(connection_ids=found):
                ids = tuple(dict.fromkeys(one for one in found if _is_id(one)))
                return [Dial(ids)] if ids else []
            case _Connected(connection_id=one) if _is_id(one):
                return [Dial((one,))]
            case _Disconnected(connection_id=one) if _is_id(one):
                return [Hangup(one)]
            case _Ping():
                return [self._say("pong")]
            case _:
                return []

    def _say(self, what: str) -> Say:
        return Say(f'{{"type":"{what}","ts":{self._clock_ms()}}}')

    def _lose(self, why: Why) -> list[Effect]:
        self._state = State.LOST
        return [Lost(why)]


def _read(frame: str | bytes) -> _Message | None:
    try:
        message: _Message = _decode(frame)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return message


def _is_id(text: object) -> bool:
    """Whether it can name a connection: relays trim what clients choose, and skip blank ones."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= _LONGEST_ID
        and text.isprintable()
        and text == text.strip()
    )
