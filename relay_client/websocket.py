"""The WebSocket of the library, held within bounds towards a relay that means ill.

What waits unread is bounded in bytes and in frames, for one connection and for all (allowance.py);
what is closing, or went away without a word, is closed in the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from sereno.relay_client.allowance import Allowance
from sereno.relay_client.sockets import CLOSE_S

__all__ = ["FRAME", "MOST_PINGS", "PIECE", "QUEUE", "RelayWebSocket", "Shared"]

PIECE = 64 * 1024
"""Bytes that are read into frames at once."""
FRAME = 220
"""Bytes that a frame takes besides its own, which may be none."""
QUEUE = (0, 0)
"""For the library: once a frame waits, no more is read until it was taken."""
MOST_PINGS = 1000
"""That are answered to somebody who takes no answers."""
_KEEP_ALIVE = (
    ("TCP_KEEPIDLE", 20),  # Seconds of silence before it asks; Linux.
    ("TCP_KEEPALIVE", 20),  # The same; macOS.
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 4),
    ("TCP_USER_TIMEOUT", 40_000),  # Milliseconds for what was sent to be confirmed; Linux.
)

log = logging.getLogger("sereno.relay.websocket")


class RelayWebSocket(ClientConnection):
    """`check`: whom it reached, before it says what it wants; may raise."""

    def __init__(
        self,
        *args: Any,
        check: Callable[[asyncio.Transport], None],
        allowance: Shared,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._check = check
        self._allowance = allowance
        self._cut: asyncio.TimerHandle | None = None
        self._leaving = False
        self._made = False
        self._over = False
        self._unread = memoryview(b"")
        """Came, and is not read into frames yet."""
        self._begun = 0
        """Bytes of the message whose last frame has not come."""
        self._whole = 0
        """Bytes of messages that nobody has taken."""
        self._pings = 0
        """Since the other end takes nothing."""

    # Its beginning and its end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made = True
        super().connection_made(transport)
        self.recv_messages.resume = self._taken

    async def handshake(self, *args: Any, **options: Any) -> None:
        self._check(self.transport)
        found = self.transport.get_extra_info("socket")
        if found is not None:
            _keep_alive(found)
        await super().handshake(*args, **options)

    async def close(self, *args: Any, **options: Any) -> None:
        """What still comes is dropped, so that the other end's goodbye is not stuck behind it."""
        self._leaving = True
        self._read()
        await super().close(*args, **options)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut is not None:
            self._cut.cancel()
        self._over = True
        self._unread = memoryview(b"")
        self._allowance.let_go(self)
        if self._made:  # Not where TLS behind a proxy failed, which the library does not expect.
            super().connection_lost(exc)

    # What comes

    def data_received(self, data: bytes) -> None:
        self._unread = memoryview(bytes(self._unread) + data if self._unread else data)
        self._read()

    def _taken(self) -> None:
        """No frame waits any more."""
        self._whole = 0
        self._read()

    def _read(self) -> None:
        """As far as there is room, which is everything for who is leaving."""
        while self._unread and (self._leaving or not self.recv_messages.paused):
            piece, self._unread = bytes(self._unread[:PIECE]), self._unread[PIECE:]
            super().data_received(piece)
        if not self._over:
            self._count()
        if self._cut is None and self.protocol.close_expected():
            # The library waits for ever for whoever says goodbye and does not go.
            self._cut = self.loop.call_later(CLOSE_S, self.transport.abort)
        if self._leaving or not self.recv_messages.paused:
            self.transport.resume_reading()

    def process_event(self, event: Event) -> None:
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            self._count_ping(event)
            super().process_event(event)
        elif not self._leaving:
            self._begun += len(event.data) + FRAME
            if event.fin:
                self._whole += self._begun
                self._begun = 0
            self.recv_messages.put(event)

    def _count_ping(self, event: Event) -> None:
        if self.paused and isinstance(event, Frame) and event.opcode is Opcode.PING:
            self._pings += 1
            if self._pings > MOST_PINGS:
                self.transport.abort()

    def resume_writing(self) -> None:
        self._pings = 0
        super().resume_writing()

    # What waits

    def _count(self) -> None:
        waits = len(self._unread) + len(self.protocol.reader.buffer) + self._begun + self._whole
        largest = self._allowance.hold(self, waits)
        if largest is not None:
            largest._give_up()

    def _give_up(self) -> None:
        log.warning("more waits to be read than there is room for: the largest is given up")
        self._leaving = True
        self._unread = memoryview(b"")
        self._begun = self._whole = 0
        self._allowance.let_go(self)
        if self.protocol.state is State.OPEN:
            self.protocol.fail(CloseCode.MESSAGE_TOO_BIG, "too much waits to be read")
            self.send_data()
            self._read()
        else:
            self.transport.abort()


Shared = Allowance[RelayWebSocket]
"""One for all connections that shall not cost more together."""


def _keep_alive(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
