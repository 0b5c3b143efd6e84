"""What both ends of our own clients' channel do alike: time, records, ends, and who may use it.

Pure: frames and time in, effects out. The handshakes, which differ, are in daemon.py and client.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from sereno.relay_client.noise.effects import Cause, Close, Deliver, Effect, Finished, Opened, Send
from sereno.relay_client.noise.handshake import MESSAGE_BYTES, Handshake, NoiseFailed
from sereno.relay_client.noise.records import Message, Records, Sign
from sereno.relay_client.noise.states import FRAMES, Heard, Move, State, Table

__all__ = [
    "AGE_S",
    "ASK_S",
    "FAREWELL_S",
    "HANDSHAKE_BYTES",
    "HANDSHAKE_S",
    "INTRODUCTION_BYTES",
    "REKEY_S",
    "Ended",
    "Forked",
    "NotOpen",
    "Process",
    "Random",
    "Talk",
]

HANDSHAKE_S = 10.0
HANDSHAKE_BYTES = 64 * 1024
"""What a peer may send for its part of the handshake."""
INTRODUCTION_BYTES = 1024
"""What a client may say of itself in the handshake."""
ASK_S = 120.0
"""Seconds for somebody's yes, while the words are compared; the client waits a little longer."""
FAREWELL_S = 10.0
"""Seconds for the other side's end, after ours."""
REKEY_S = 15 * 60.0
AGE_S = 24 * 60 * 60.0
"""C.3.1 item 7: then a new handshake."""

Random = Callable[[int], bytes]
"""That many random bytes, such as `os.urandom`."""
Process = Callable[[], int]
"""The number of this process, such as `os.getpid`."""

_HEARD = {Sign.END: Heard.END, Sign.WELCOME: Heard.WELCOME, Sign.REFUSED: Heard.REFUSED}
_LATE = {State.ASKING: Cause.NOT_CONFIRMED, State.SAID: Cause.UNANSWERED}


class Ended(Exception):
    """The channel has ended, or its end was said; `cause` says why, None for our own wish."""

    def __init__(self, cause: Cause | None) -> None:
        words = "its end was said" if cause is None else cause.words
        super().__init__(f"The encrypted channel has ended: {words}.")
        self.cause = cause


class NotOpen(Exception):
    """Too early to send: wait for Opened."""


class Forked(Exception):
    """This process is a copy of the one that the channel belongs to (T18)."""


class Talk:
    """A channel but for its handshake. For the two ends to build upon."""

    def __init__(self, state: State, table: Table, largest: int, process: Process) -> None:
        self._state = state
        self._table = table
        self._largest = largest
        self._process = process
        self._owner = process()
        self._handshake: Handshake | None = None
        self._records: Records | None = None
        self._greeting_bytes = 0
        self._deadline: float | None = None
        self._ends_at: float | None = None
        self._rekey_at = 0.0
        self._rekeyed_after = 0
        self._cause: Cause | None = None

    @property
    def state(self) -> State:
        return self._state

    @property
    def cause(self) -> Cause | None:
        """Why it ended; None while it has not. Its `clean` says whether all has come (T12)."""
        return self._cause

    @property
    def wakes_at(self) -> float | None:
        """When `tick` is to be called next; None for never."""
        times = [self._deadline, self._ends_at, self._rekeys_at()]
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> list[Effect]:
        """Time goes by: limits, the end of the day, new keys."""
        self._must_be_ours()
        if self._deadline is not None and now >= self._deadline:
            cause = _LATE.get(self._state, Cause.LATE)
            return [*self._say_end(), *self._end(cause)]
        if self._ends_at is not None and now >= self._ends_at:
            return [*self._say_end(), *self._end(Cause.AGED)]
        rekeys_at = self._rekeys_at()
        if self._records is None or rekeys_at is None or now < rekeys_at:
            return []
        frame = self._records.rekey()
        self._keys_are_new(now)
        return [Send(frame)]

    def receive(self, frame: str | bytes, now: float) -> list[Effect]:
        """A WebSocket message of the peer, or of the relay in its name. Raises Forked only."""
        self._must_be_ours()
        match FRAMES[self._state][str if isinstance(frame, str) else bytes], frame:
            case Cause() as cause, _:
                return self._end(cause)
            case Move.GREET, bytes():
                self._greeting_bytes += len(frame)
                if len(frame) > MESSAGE_BYTES or self._greeting_bytes > HANDSHAKE_BYTES:
                    return self._end(Cause.FLOOD)
                return self._greeted(frame, now)
            case Move.READ, bytes():
                return self._read(frame, now)
            case _:
                return []

    def send(self, message: str | bytes) -> list[Effect]:
        """Seals a message of the application. Raises NotOpen, Ended, Forked; ValueError for one
        that is too long (UnicodeEncodeError for half a surrogate pair).
        """
        self._must_be_ours()
        if self._records is None or self._state not in (State.OPEN, State.HEARD):
            raise self._cannot_send()
        return [Send(frame) for frame in self._records.seal(message)]

    def close(self, now: float) -> list[Effect]:
        """Says our end, if it is not said. What the other side still says is delivered, until it
        has said its own or FAREWELL_S are over; only then comes Close.
        """
        self._must_be_ours()
        match self._state:
            case State.CLOSED | State.SAID:
                return []
            case State.OPEN:
                said = self._say_end()
                self._state, self._deadline = State.SAID, now + FAREWELL_S
                return said
            case State.HEARD:
                return [*self._say_end(), *self._end(Cause.DONE)]
            case State.ASKING:
                return [*self._say_end(), *self._end(Cause.OURS)]
            case _:
                return self._end(Cause.OURS)

    def gone(self) -> list[Effect]:
        """The socket is gone, and nobody said so before, or somebody without a key did. Whether
        something is missing says `cause.clean`.
        """
        if self._state is State.CLOSED:
            return []
        heard = self._state is State.HEARD
        return self._end(Cause.LEFT if heard else self._cut())

    def _cut(self) -> Cause:
        return Cause.INTERRUPTED

    def _greeted(self, message: bytes, now: float) -> list[Effect]:
        raise NotImplementedError

    def _let_go(self) -> None:
        raise NotImplementedError

    def _cannot_send(self) -> Exception:
        if self._state in (State.SAID, State.CLOSED):
            return Ended(self._cause)
        return NotOpen("the channel is not open yet")

    def _finished(self, handshake: Handshake, now: float, ask_s: float) -> None:
        """The handshake is; from here on there are records only."""
        handshake.forget()
        self._handshake = None
        self._records = Records(handshake, self._largest)
        self._state, self._deadline = State.ASKING, now + ask_s
        self._ends_at = now + AGE_S

    def _opened(self, now: float) -> list[Effect]:
        self._state, self._deadline = State.OPEN, None
        self._keys_are_new(now)
        return [Opened()]

    def _read(self, frame: bytes, now: float) -> list[Effect]:
        try:
            found = self._open_records().open(frame)
        except NoiseFailed:
            return self._end(Cause.BROKEN)
        match self._table[self._state][_heard(found)]:
            case Cause() as cause:
                return self._end(cause)
            case Move.OPEN:
                return self._opened(now)
            case Move.FINISH:
                self._state = State.HEARD
                return [Finished()]
            case Move.DELIVER if isinstance(found, Message):
                return [Deliver(found.data)]
            case _:
                return []

    def _open_records(self) -> Records:
        assert self._records is not None  # made by _finished, before any state that leads here
        return self._records

    def _rekeys_at(self) -> float | None:
        """None while nothing was said under the keys of now."""
        if self._records is None or self._state not in (State.OPEN, State.HEARD):
            return None
        return self._rekey_at if self._records.sent > self._rekeyed_after else None

    def _keys_are_new(self, now: float) -> None:
        self._rekey_at = now + REKEY_S
        self._rekeyed_after = self._open_records().sent

    def _say_end(self) -> list[Effect]:
        """Nothing, where it was said."""
        if self._records is None or self._state is State.SAID:
            return []
        return [Send(self._records.sign(Sign.END))]

    def _end(self, cause: Cause) -> list[Effect]:
        self._cause = cause
        self._drop()
        return [Close(cause)]

    def _drop(self) -> None:
        self._state = State.CLOSED
        self._handshake = self._records = self._deadline = self._ends_at = None
        self._let_go()

    def _must_be_ours(self) -> None:
        """Two processes that count alike would use a nonce twice."""
        if self._process() != self._owner:
            self._drop()
            raise Forked("a channel belongs to the process that opened it")

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys of a channel are never written anywhere (T18)")


def _heard(found: Message | Sign | None) -> Heard:
    match found:
        case None:
            return Heard.PIECE
        case Message():
            return Heard.MESSAGE
        case sign:
            return _HEARD[sign]
