"""A pairing from its offer to its end, and the question before somebody is let in, as two tables.

Pure: time is given in epoch milliseconds, nothing is drawn, stored or sent. A pairing is bound to
one client for ever (C-52, T04, T16): the first that a person confirmed. One taken over from Paseo
is shared: there each client is asked about for itself.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from sereno.core.protocol.pairing import Ended, Kind, Rights

__all__ = [
    "CLIENT_BYTES",
    "DAY_MS",
    "LASTS_MS",
    "SET_BACK_MS",
    "Asked",
    "AskedEvent",
    "Event",
    "Impossible",
    "Knock",
    "Pairing",
    "Question",
    "State",
    "client_mark",
    "expires_ms",
    "knocked",
    "offered",
    "taken_over",
]

LASTS_MS = 10 * 60 * 1000
"""How long an offer lasts that nobody uses, and a question that nobody answers and nobody asks
again (C-51, T16)."""
SET_BACK_MS = 60 * 1000
"""How far a clock may be set back without an end to what waits: corrections of everyday."""
CLIENT_BYTES = 16
DAY_MS = 24 * 60 * 60 * 1000


class State(enum.StrEnum):
    """OPEN: whoever has the offer may come, once. ASKING: somebody came, and a person is asked.
    PAIRED: bound. ENDED: dead for everybody, and never anything else again."""

    OPEN = "open"
    ASKING = "asking"
    PAIRED = "paired"
    ENDED = "ended"


class Event(enum.Enum):
    KNOCK = "knock"
    """The client that asks, or the first one."""
    CONTEST = "contest"
    """Another client than the one that asks."""
    GUESS = "guess"
    """A wrong proof for the code that is typed."""
    YES = "yes"
    NO = "no"
    EXPIRE = "expire"
    CLOSE = "close"
    REVOKE = "revoke"
    ROTATE = "rotate"
    RESTART = "restart"


TABLE: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.OPEN, Event.KNOCK): State.ASKING,
        (State.ASKING, Event.KNOCK): State.ASKING,
        (State.ASKING, Event.YES): State.PAIRED,
        (State.ASKING, Event.NO): State.ENDED,
        (State.ASKING, Event.CONTEST): State.ENDED,
        (State.OPEN, Event.GUESS): State.ENDED,
        (State.PAIRED, Event.REVOKE): State.ENDED,
        (State.PAIRED, Event.EXPIRE): State.ENDED,
    }
    | {
        (state, event): State.ENDED
        for state in (State.OPEN, State.ASKING)
        for event in (Event.EXPIRE, Event.CLOSE, Event.RESTART)
    }
    | {(state, Event.ROTATE): State.ENDED for state in (State.OPEN, State.ASKING, State.PAIRED)}
)
"""State and event to the next state; what has no row cannot happen."""

_ENDS: Mapping[Event, Ended] = MappingProxyType(
    {
        Event.NO: "refused",
        Event.CONTEST: "contested",
        Event.GUESS: "guessed",
        Event.EXPIRE: "expired",
        Event.CLOSE: "closed",
        Event.REVOKE: "revoked",
        Event.ROTATE: "rotated",
        Event.RESTART: "restarted",
    }
)


def _is_over(until_ms: int, now_ms: int) -> bool:
    """Also where the clock was set back: nothing lasts longer than it may, by hours perhaps."""
    return not until_ms - LASTS_MS - SET_BACK_MS <= now_ms < until_ms


class Impossible(Exception):
    """Asked for what has no row in the table: an answer to what nobody asks any more, say."""


class Pairing(msgspec.Struct, frozen=True):
    """`id`: for people; `server_id`: at the relay. `until_ms`: when it ends unless something
    happens, counted while OPEN or ASKING. `confirm`: whether a person is asked. `name`, `rights`:
    what whoever comes gets. `client`: the mark of who asks or is bound; None before, and for
    "paseo". `ended_ms` goes with `ended`."""

    id: str
    server_id: str
    kind: Kind
    state: State
    made_ms: int
    until_ms: int
    name: str = ""
    rights: Rights = "operator"
    confirm: bool = True
    client: bytes | None = None
    ended: Ended | None = None
    ended_ms: int | None = None

    def __repr__(self) -> str:
        return f"Pairing({self.id}, {self.kind}, {self.state.value})"

    @property
    def alive(self) -> bool:
        return self.state is not State.ENDED

    @property
    def unbound(self) -> bool:
        """An offer that nobody is bound to yet."""
        return self.state in (State.OPEN, State.ASKING)

    def due(self, now_ms: int) -> bool:
        """Whether it should end by itself now."""
        return self.unbound and _is_over(self.until_ms, now_ms)

    def move(self, event: Event, now_ms: int) -> Pairing:
        """The pairing after an event; KNOCK with a client goes by `knocked`. Raises Impossible."""
        try:
            state = TABLE[self.state, event]
        except KeyError:
            raise Impossible(f"{self.state.value} knows no {event.value}") from None
        if state is State.ENDED:
            return msgspec.structs.replace(
                self, state=state, ended=_ENDS[event], ended_ms=now_ms, client=None
            )
        return msgspec.structs.replace(self, state=state)


class Knock(enum.Enum):
    """ENTER: it is who is bound. ASK: the person decides. SHUT: no, and nothing to ask."""

    ENTER = "enter"
    ASK = "ask"
    SHUT = "shut"


def offered(
    pairing_id: str,
    server_id: str,
    kind: Kind,
    now_ms: int,
    *,
    name: str = "",
    rights: Rights = "operator",
    confirm: bool = True,
) -> Pairing:
    """A new offer."""
    return Pairing(
        pairing_id,
        server_id,
        kind,
        State.OPEN,
        now_ms,
        now_ms + LASTS_MS,
        name,
        rights,
        confirm,
    )


def taken_over(pairing_id: str, server_id: str, now_ms: int) -> Pairing:
    """The pairing of a Paseo home: shared by whoever was paired there."""
    return Pairing(pairing_id, server_id, "paseo", State.PAIRED, now_ms, now_ms)


def knocked(pairing: Pairing, client: bytes, now_ms: int) -> tuple[Pairing, Knock]:
    """A client came by a pairing that is not shared. It may have ended by that: it was too late,
    or is the second one before the first was confirmed."""
    if pairing.due(now_ms):
        pairing = pairing.move(Event.EXPIRE, now_ms)
    match pairing.state:
        case State.ENDED:
            return pairing, Knock.SHUT
        case State.PAIRED:
            return pairing, Knock.ENTER if pairing.client == client else Knock.SHUT
        case State.ASKING if pairing.client != client:
            return pairing.move(Event.CONTEST, now_ms), Knock.SHUT
        case State.OPEN | State.ASKING:
            asking = pairing.move(Event.KNOCK, now_ms)
            return (
                msgspec.structs.replace(asking, client=client, until_ms=now_ms + LASTS_MS),
                Knock.ASK,
            )


class Asked(enum.StrEnum):
    """Where a question stands. OVER: nobody can answer it any more."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"
    OVER = "over"


class AskedEvent(enum.Enum):
    AGAIN = "again"
    YES = "yes"
    NO = "no"
    EXPIRE = "expire"
    END = "end"
    """The pairing ended."""


ASKED: Mapping[tuple[Asked, AskedEvent], Asked] = MappingProxyType(
    {
        (Asked.WAITING, AskedEvent.AGAIN): Asked.WAITING,
        (Asked.WAITING, AskedEvent.YES): Asked.ALLOWED,
        (Asked.WAITING, AskedEvent.NO): Asked.REFUSED,
        (Asked.WAITING, AskedEvent.EXPIRE): Asked.OVER,
        (Asked.WAITING, AskedEvent.END): Asked.OVER,
    }
)


class Question(msgspec.Struct, frozen=True):
    """`client`: the mark of who asks; `client_type` and `app_version`: what they say of themselves,
    fit for a line; `words`: to compare. It outlives the socket by which it came."""

    id: str
    server_id: str
    client: bytes
    client_type: str
    app_version: str | None
    words: tuple[str, ...]
    asked_ms: int
    until_ms: int
    state: Asked = Asked.WAITING

    def __repr__(self) -> str:
        return f"Question({self.id}, {self.state.value})"

    def due(self, now_ms: int) -> bool:
        return self.state is Asked.WAITING and _is_over(self.until_ms, now_ms)

    def move(self, event: AskedEvent, now_ms: int) -> Question:
        """The question after an event. Raises Impossible."""
        try:
            state = ASKED[self.state, event]
        except KeyError:
            raise Impossible(f"{self.state.value} knows no {event.value}") from None
        until_ms = now_ms + LASTS_MS if event is AskedEvent.AGAIN else self.until_ms
        return msgspec.structs.replace(self, state=state, until_ms=until_ms)


def expires_ms(paired_ms: int, seen_ms: int | None, days: int) -> int | None:
    """When a device must pair again unless it comes before (C-55); None for never. `days`: how long
    it may stay away, 0 for as long as it likes."""
    return max(paired_ms, seen_ms or 0) + days * DAY_MS if days else None


def client_mark(server_id: str, client: str | bytes) -> bytes:
    """What is kept of a client: 16 bytes, which differ for the same client on another pairing, so
    that the file of the database says nothing about who is who (design section 7). `client`: its
    client id, trimmed (text), or its device key (bytes): the one never counts as the other."""
    kind, raw = (b"id", client.encode()) if isinstance(client, str) else (b"key", client)
    # A key has 64 bytes at most; a server id that a person chose may be longer.
    key = hashlib.blake2b(server_id.encode(), digest_size=32).digest()
    return hashlib.blake2b(raw, digest_size=CLIENT_BYTES, key=key, person=kind).digest()
