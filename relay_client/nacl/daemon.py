"""The daemon's side of the official apps' channel, made replay-proof (design.md section 7).

Pure: frames and time in, effects out. Source: section 3.5 of the wire reference. What differs from
it: a client key is claimed, once for ever, when its first frame opens and before anything is
delivered; another key on the same connection ends it; a frame that came before, or that is our
own, ends it; nothing is sealed before the key is ours, so that no frame of ours can be brought to
another connection.
"""

from __future__ import annotations

import enum

from sereno.relay_client import keys
from sereno.relay_client.nacl import frames
from sereno.relay_client.nacl.effects import Cause, Claim, Effect, Opened, Send
from sereno.relay_client.nacl.frames import Kind
from sereno.relay_client.nacl.held import Held
from sereno.relay_client.nacl.open_state import Endable, Ended, NotOpen, as_bytes, as_delivered
from sereno.relay_client.nacl.records import FRAMES, Broken, Random, Records, fingerprint

__all__ = ["HANDSHAKE_S", "HELLOS", "TABLE", "DaemonChannel", "Move", "State"]

HANDSHAKE_S = 15.0
"""Seconds from the connection until the client's first frame must have opened."""
HELLOS = 64
"""How often the same greeting is answered; clients send it each second, for ten."""


class State(enum.Enum):
    """Where a channel stands."""

    WAITING = enum.auto()
    """For a greeting."""
    KEYED = enum.auto()
    """Greeted and answered; nothing has shown yet that the client holds its key."""
    CLAIMING = enum.auto()
    """A frame opened; the store is asked whether the key is new."""
    OPEN = enum.auto()
    CLOSED = enum.auto()


class Move(enum.Enum):
    """What a frame leads to, unless it ends the channel."""

    GREET = enum.auto()
    GREET_AGAIN = enum.auto()
    OPEN_FIRST = enum.auto()
    HOLD = enum.auto()
    DELIVER = enum.auto()
    IGNORE = enum.auto()


_KEYED: dict[Kind, Move | Cause] = {
    Kind.HELLO: Move.GREET_AGAIN,
    Kind.BAD_HELLO: Cause.BAD_HELLO,
    Kind.READY: Move.IGNORE,
    Kind.PLAIN: Cause.PLAINTEXT,
    Kind.GARBAGE: Cause.SHORT,
}
TABLE: dict[State, dict[Kind, Move | Cause]] = {
    State.WAITING: {
        Kind.HELLO: Move.GREET,
        Kind.BAD_HELLO: Cause.BAD_HELLO,
        Kind.READY: Cause.NO_HELLO,
        Kind.PLAIN: Cause.NO_HELLO,
        Kind.SEALED: Cause.NO_HELLO,
        Kind.GARBAGE: Cause.NO_HELLO,
    },
    State.KEYED: {**_KEYED, Kind.SEALED: Move.OPEN_FIRST},
    State.CLAIMING: {**_KEYED, Kind.SEALED: Move.HOLD},
    State.OPEN: {**_KEYED, Kind.SEALED: Move.DELIVER},
    State.CLOSED: dict.fromkeys(Kind, Move.IGNORE),
}
"""What each frame leads to in each state."""


class DaemonChannel(Endable):
    """One data socket's channel. `secret`: the pairing's secret key, 32 bytes; `now`: seconds of
    a clock that does not go back. The shell should read no further frames while `state` is
    CLAIMING; what comes nevertheless is held, up to a bound.

    When the socket closes while CLAIMING, give the store's answer first and call `close` then:
    some clients send and leave.
    """

    def __init__(self, secret: bytes, random: Random, now: float, frames: int = FRAMES) -> None:
        super().__init__()
        self._secret = secret
        self._random = random
        self._frames = frames
        self._state = State.WAITING
        self._deadline = now + HANDSHAKE_S
        self._client_key = b""
        self._hellos = 0
        self._fingerprint = b""
        self._held: Held[bytes] = Held()

    @property
    def state(self) -> State:
        return State.CLOSED if self.ended else self._state

    @property
    def wakes_at(self) -> float | None:
        """When `tick` is to be called next; None for never."""
        return self._deadline if self.state in (State.WAITING, State.KEYED) else None

    def tick(self, now: float) -> list[Effect]:
        """Time goes by."""
        if self.wakes_at is not None and now >= self._deadline:
            return self._end(Cause.LATE)
        return []

    def receive(self, frame: str | bytes) -> list[Effect]:
        """A WebSocket message of the client, or of the relay in its name. Raises nothing."""
        found = frames.read(frame)
        match TABLE[self.state][found.kind]:
            case Cause() as cause:
                return self._end(cause)
            case Move.GREET:
                return self._greet(found.data)
            case Move.GREET_AGAIN:
                return self._greet_again(found.data)
            case Move.IGNORE:
                return []
            case move:
                return self._take(move, found.data)

    def claimed(self, is_new: bool) -> list[Effect]:
        """The store's answer to Claim, after it is on disk: whether the key was never used."""
        if self.state is State.CLOSED:
            return []
        if self.state is not State.CLAIMING:
            raise RuntimeError("no claim was asked for")
        if not is_new:
            return self._end(Cause.USED_KEY)
        self._state = State.OPEN
        return [Opened(), *(as_delivered(message) for message in self._held.take_all())]

    def send(self, message: str | bytes) -> list[Effect]:
        """Seals a message of the application. Raises NotOpen, Ended."""
        if self.ended:
            raise Ended(self.cause)
        if self._state is not State.OPEN or self._records is None:
            raise NotOpen("the client has not shown its key yet")
        return self._seal(self._records, [as_bytes(message)])

    def _greet(self, client_key: bytes) -> list[Effect]:
        try:
            shared = keys.shared_key(client_key, self._secret)
        except keys.BadKey:
            return self._end(Cause.BAD_HELLO)
        self._client_key = client_key
        self._fingerprint = fingerprint(shared)
        self._records = Records(shared, self._random, self._frames)
        self._state = State.KEYED
        return [Send(frames.READY)]

    def _greet_again(self, client_key: bytes) -> list[Effect]:
        if client_key != self._client_key:
            return self._end(Cause.OTHER_KEY)
        self._hellos += 1
        if self._hellos > HELLOS:
            return self._end(Cause.HELLOS)
        return [Send(frames.READY)]

    def _take(self, move: Move, bundle: bytes) -> list[Effect]:
        assert self._records is not None  # made by _greet, before any state that leads here
        try:
            message = self._records.open(bundle)
        except Broken as broken:
            return self._end(broken.cause)
        if move is Move.DELIVER:
            return [as_delivered(message)]
        if not self._held.put(message):
            return self._end(Cause.FLOOD)
        if move is Move.HOLD:
            return []
        self._state = State.CLAIMING
        return [Claim(self._fingerprint)]

    def _let_go(self) -> None:
        self._secret = self._client_key = b""
        self._held.take_all()
