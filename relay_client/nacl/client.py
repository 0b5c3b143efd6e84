"""The client's side of the official apps' channel: for tests, and for daemons that know no other.

Pure: frames and time in, effects out. Source: section 3.4 of the wire reference. Our own clients
speak the Noise channel to our own daemons.
"""

from __future__ import annotations

import enum

from sereno.relay_client import keys
from sereno.relay_client.nacl import frames
from sereno.relay_client.nacl.effects import Cause, Effect, Opened, Send
from sereno.relay_client.nacl.frames import Kind
from sereno.relay_client.nacl.held import Held
from sereno.relay_client.nacl.open_state import Endable, Ended, NotOpen, as_bytes, as_delivered
from sereno.relay_client.nacl.records import FRAMES, Broken, Random, Records

__all__ = ["HELLO_S", "TABLE", "ClientChannel", "Move", "State"]

HELLO_S = 1.0
"""Seconds between two greetings."""


class State(enum.Enum):
    """Where a channel stands."""

    NEW = enum.auto()
    GREETING = enum.auto()
    OPEN = enum.auto()
    CLOSED = enum.auto()


class Move(enum.Enum):
    """What a frame leads to, unless it ends the channel."""

    OPEN = enum.auto()
    DELIVER = enum.auto()
    IGNORE = enum.auto()


TABLE: dict[State, dict[Kind, Move | Cause]] = {
    State.NEW: dict.fromkeys(Kind, Move.IGNORE),
    State.GREETING: {**dict.fromkeys(Kind, Move.IGNORE), Kind.READY: Move.OPEN},
    State.OPEN: {
        Kind.HELLO: Cause.PLAINTEXT,
        Kind.BAD_HELLO: Cause.PLAINTEXT,
        Kind.READY: Move.IGNORE,
        Kind.PLAIN: Cause.PLAINTEXT,
        Kind.SEALED: Move.DELIVER,
        Kind.GARBAGE: Cause.SHORT,
    },
    State.CLOSED: dict.fromkeys(Kind, Move.IGNORE),
}
"""What each frame leads to in each state."""


class ClientChannel(Endable):
    """One connection's channel. `daemon_key`: 32 bytes, from the offer; `secret`: 32 random bytes
    drawn for this connection and used for no other.

    `ready` is not authenticated: that the daemon is the right one shows with the first Deliver.
    How long the whole may take is the shell's to bound.
    """

    def __init__(
        self, daemon_key: bytes, secret: bytes, random: Random, frames: int = FRAMES
    ) -> None:
        super().__init__()
        self._daemon_key = daemon_key
        self._secret = secret
        self._random = random
        self._frames = frames
        self._state = State.NEW
        self._hello = ""
        self._wakes_at: float | None = None
        self._held: Held[bytes] = Held()

    @property
    def state(self) -> State:
        return State.CLOSED if self.ended else self._state

    @property
    def wakes_at(self) -> float | None:
        """When `tick` is to be called next; None for never."""
        return self._wakes_at if self.state is State.GREETING else None

    def start(self, now: float) -> list[Effect]:
        """The socket is open."""
        if self.state is not State.NEW:
            raise RuntimeError("a channel is started once")
        try:
            shared = keys.shared_key(self._daemon_key, self._secret)
        except keys.BadKey:
            return self._end(Cause.BAD_KEY)
        self._records = Records(shared, self._random, self._frames)
        self._hello = frames.hello(keys.public_of(self._secret))
        self._secret = b""
        self._state = State.GREETING
        self._wakes_at = now + HELLO_S
        return [Send(self._hello)]

    def tick(self, now: float) -> list[Effect]:
        """Time goes by: the same greeting again, until the channel is open."""
        if self.wakes_at is None or now < self.wakes_at:
            return []
        self._wakes_at = now + HELLO_S
        return [Send(self._hello)]

    def receive(self, frame: str | bytes) -> list[Effect]:
        """A WebSocket message of the daemon, or of the relay in its name. Raises nothing."""
        found = frames.read(frame)
        match TABLE[self.state][found.kind]:
            case Cause() as cause:
                return self._end(cause)
            case Move.IGNORE:
                return []
            case Move.OPEN:
                self._state = State.OPEN
                return [Opened(), *self._seal(self._ready_records(), self._held.take_all())]
            case _:
                return self._take(found.data)

    def send(self, message: str | bytes) -> list[Effect]:
        """Seals a message of the application; until the channel is open it waits, up to a bound.

        Raises NotOpen when no more may wait (official clients drop the oldest in silence), Ended.
        """
        if self.ended:
            raise Ended(self.cause)
        if self._state is State.OPEN:
            return self._seal(self._ready_records(), [as_bytes(message)])
        if not self._held.put(as_bytes(message)):
            raise NotOpen("too much waits for the channel to open")
        return []

    def _take(self, bundle: bytes) -> list[Effect]:
        try:
            return [as_delivered(self._ready_records().open(bundle))]
        except Broken as broken:
            return self._end(broken.cause)

    def _ready_records(self) -> Records:
        assert self._records is not None  # made by start, before any state that leads here
        return self._records

    def _let_go(self) -> None:
        self._secret = b""
        self._held.take_all()
