"""One socket of a client: its hello, what it sends afterwards, and what waits to be sent to it.

A state machine around an outbox; it is told of bytes and of the transport's state by its listener
and sends through a Channel. Which session it belongs to is the registry's business.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from sereno.core.protocol.frames import (
    PROTOCOL_VERSION,
    BadFrame,
    CloseCode,
    Hello,
    RecordingState,
    SessionRequest,
    WirePing,
    WirePong,
    decode_client_frame,
    encode_frame,
)
from sereno.core.protocol.outgoing import Outgoing
from sereno.core.protocol.values import given
from sereno.core.sessions.batch import Batch, single
from sereno.core.sessions.channel import Channel, Door, Peer
from sereno.core.sessions.limits import LARGEST_HELLO, too_deep
from sereno.core.sessions.outbox import LIMIT, Outbox
from sereno.core.sessions.shape import misshapen

if TYPE_CHECKING:
    from sereno.core.sessions.registry import Sessions
    from sereno.core.sessions.session import Session

__all__ = ["Connection", "Phase"]

CHUNK = 256 * 1024
"""Bytes handed to a transport at once while it drains."""
HELD_MESSAGES = 32
HELD_BYTES = 256 * 1024
"""What a client may send between its hello and the answer of a door."""


class Phase(enum.Enum):
    NEW = "new"
    HELD = "held"
    """It said hello, and a door judges that."""
    OPEN = "open"
    CLOSED = "closed"


class Connection:
    """Made by `Sessions.connect`. The listener calls receive, busy, drained and lost."""

    def __init__(
        self, sessions: Sessions, channel: Channel, peer: Peer, door: Door | None = None
    ) -> None:
        self._sessions = sessions
        self._channel = channel
        self._door = door
        self._early: list[tuple[bytes, bool]] = []
        self.peer = peer
        self.phase = Phase.NEW
        self.session: Session | None = None
        self.client_type = ""
        self._outbox = Outbox()
        self._busy = False
        self._holding = False
        self._relief: anyio.Event | None = None
        self.cancel_deadline: Callable[[], None] = lambda: None
        """Ends the waiting for a hello, and then for the door."""

    # What the listener tells

    def receive(self, data: bytes, *, binary: bool = False) -> None:
        """One whole message from the client."""
        if self.phase is Phase.CLOSED:
            return
        terminal = binary and data[:1] not in (b"{", b" ", b"\n", b"\r", b"\t")
        if self.phase is Phase.NEW:
            self._greet(data, terminal=terminal)
        elif self.phase is Phase.HELD:
            self._hold(data, binary)
        elif terminal:
            self._sessions.unreadable(self, BadFrame("", "", "", "no terminal has this slot"))
        else:
            self._sessions.incoming(self, data)

    def busy(self) -> None:
        """The transport has more than it likes; what comes now waits in the outbox."""
        self._busy = True

    def drained(self) -> None:
        """The transport takes more."""
        self._busy = False
        while self._outbox and not self._busy and self.phase is not Phase.CLOSED:
            self._channel.send(Batch(self._outbox.take(CHUNK)))
        if self._holding and self._outbox.replies <= LIMIT:
            self._holding = False
            self._channel.resume_reading()
        self._relieve()

    def lost(self) -> None:
        """The socket is gone. Everything received before has been handed on already."""
        self.phase = Phase.CLOSED
        self._relieve()
        self.cancel_deadline()
        self._sessions.disconnected(self)

    # Hello (wire reference 5.2)

    def hello_is_late(self) -> None:
        if self.phase is Phase.NEW:
            self.close(CloseCode.HELLO_TIMEOUT, "Hello timeout")

    def _greet(self, data: bytes, *, terminal: bool) -> None:
        if terminal:
            self.close(CloseCode.INVALID_HELLO, "Session message before hello")
            return
        if len(data) > LARGEST_HELLO or too_deep(data) or misshapen(data) is not None:
            self.close(CloseCode.INVALID_HELLO, "Invalid hello")
            return
        try:
            frame = decode_client_frame(data)
        except BadFrame:
            self.close(CloseCode.INVALID_HELLO, "Invalid hello")
            return
        match frame:
            case WirePing():
                self.answer(encode_frame(WirePong()))
            case RecordingState():
                pass  # Means nothing to this daemon at any time (5.8).
            case SessionRequest():
                self.close(CloseCode.INVALID_HELLO, "Session message before hello")
            case Hello(protocol_version=version) if version != PROTOCOL_VERSION:
                self.close(CloseCode.INCOMPATIBLE, "Incompatible protocol version")
            case Hello(client_id=client_id) if not client_id.strip():
                self.close(CloseCode.INVALID_HELLO, "Invalid hello")
            case Hello():
                self._open(frame)

    def _open(self, hello: Hello) -> None:
        self.cancel_deadline()
        self.client_type = hello.client_type
        self._outbox = Outbox(drops=_can_jump(hello))
        if self._door is None:
            self.phase = Phase.OPEN
            self._sessions.greeted(self, hello)
        else:
            self.phase = Phase.HELD
            self._sessions.knocked(self, hello, self._door)

    def _hold(self, data: bytes, binary: bool) -> None:
        """Official clients say nothing before they are greeted; whoever does has to wait."""
        size = sum(len(one) for one, _ in self._early) + len(data)
        if len(self._early) >= HELD_MESSAGES or size > HELD_BYTES:
            self.close(CloseCode.TOO_SLOW, "Too much before the greeting")
            return
        self._early.append((data, binary))

    def let_in(self, peer: Peer) -> None:
        """The door said yes; the registry joins it to a session and calls `caught_up` then."""
        self.cancel_deadline()
        self.peer = peer
        self.phase = Phase.OPEN

    def caught_up(self) -> None:
        """What was sent while the door judged is taken now."""
        early, self._early = self._early, []
        for data, binary in early:
            self.receive(data, binary=binary)

    # What the session sends

    def answer(self, frame: bytes) -> None:
        """A whole frame that this socket asked for."""
        self.reply(single(frame))

    def reply(self, message: Outgoing) -> None:
        """A reply: never dropped; with too many of them waiting no more requests are read."""
        if self.phase is Phase.CLOSED:
            return
        if self._busy or self._outbox:
            self._outbox.reply(message)
            if self._outbox.replies > LIMIT and not self._holding:
                self._holding = True
                self._channel.pause_reading()
            return
        self._channel.send(Batch((message,)))

    def deliver(self, batch: Batch) -> None:
        """Pushes that many clients get: straight to the transport where that is possible."""
        if self.phase is not Phase.OPEN:
            return
        if not self._busy and not self._outbox:
            self._channel.send(batch)
            return
        for message in batch.messages:
            if not self._outbox.push(message):
                self.close(CloseCode.TOO_SLOW, "Too slow")
                return

    def close(self, code: int, reason: str) -> None:
        if self.phase is not Phase.CLOSED:
            self.phase = Phase.CLOSED
            self._relieve()
            self.cancel_deadline()
            self._channel.close(code, reason)

    async def room(self) -> None:
        """Until few replies wait for this socket, or it is closed: whoever answers in many pieces
        waits here between them."""
        while self.phase is Phase.OPEN and self._outbox.replies > CHUNK:
            if self._relief is None:
                self._relief = anyio.Event()
            await self._relief.wait()

    def _relieve(self) -> None:
        relief, self._relief = self._relief, None
        if relief is not None:
            relief.set()

    @property
    def waiting(self) -> int:
        """Bytes in the outbox."""
        return self._outbox.pushed + self._outbox.replies


def _can_jump(hello: Hello) -> bool:
    """Whether the client fetches rows that it misses. Those on a command line just print what
    comes (`attach`, `logs -f`): for them a hole would be silent, so they are let go instead."""
    if hello.client_type != "cli":
        return True
    return given(hello.capabilities, {}).get("timeline_jumps") is True
