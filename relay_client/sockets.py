"""One data socket: WebSocket messages both ways, nothing decrypted.

A thin shell on a connection of `websockets`: its exceptions become ours, and how long a message may
be grows once the other end has shown who it is.
"""

from __future__ import annotations

from typing import Protocol

import anyio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

__all__ = [
    "CLOSE_S",
    "HANDSHAKE_BYTES",
    "MESSAGE_BYTES",
    "DataSocket",
    "RelaySocket",
    "SocketClosed",
]

CLOSE_S = 2.0
"""How long the other end may take to answer a close, before it is cut."""

HANDSHAKE_BYTES = 64 * 1024
"""A frame of somebody unknown (section F of the promises)."""
MESSAGE_BYTES = 100 * 1024 * 1024 * 4 // 3 + 64 * 1024
"""A message of 100 MiB, sealed and in base64."""
_LONGEST_REASON = 123
_ABNORMAL = 1006


class SocketClosed(Exception):
    """The socket is closed: `code` and `reason` of whoever closed it first. 1006: it was cut."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed with {code}: {reason}" if reason else f"closed with {code}")
        self.code = code
        self.reason = reason


class DataSocket(Protocol):
    """One data socket, WebSocket open, nothing decrypted. `receive` by one task at a time."""

    @property
    def connection_id(self) -> str:
        """The relay's name for it. Neither trusted nor logged; empty at the client's end."""

    async def receive(self) -> str | bytes:
        """The next message; nothing once `close` was called. Raises SocketClosed."""

    async def send(self, frame: str | bytes) -> None:
        """Text as text, bytes as binary; returns when the transport took it. Raises
        SocketClosed."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes it, and waits for that, 2 s at most; may be called again."""

    def widen(self) -> None:
        """The other end has shown who it is: messages of 100 MiB from now on, not of 64 KiB."""


class RelaySocket:
    """A DataSocket on a connection that is open."""

    def __init__(self, connection: ClientConnection, connection_id: str = "") -> None:
        self._connection = connection
        self._connection_id = connection_id
        self._closed_by_us: tuple[int, str] | None = None

    @property
    def connection_id(self) -> str:
        return self._connection_id

    async def receive(self) -> str | bytes:
        self._check()
        try:
            message = await self._connection.recv()
        except ConnectionClosed as error:
            raise self._ended(error) from None
        self._check()
        return message

    async def send(self, frame: str | bytes) -> None:
        self._check()
        try:
            await self._connection.send(frame)
        except ConnectionClosed as error:
            raise self._ended(error) from None
        self._check()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        reason = reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore")
        if self._closed_by_us is None:
            self._closed_by_us = code, reason
        try:
            # The library bounds the wait for an answer, and not the one for room to say goodbye.
            with anyio.move_on_after(CLOSE_S):
                await self._connection.close(code, reason)
        finally:
            self.abort()  # Of use only where the wait for the other end was cut short.

    def abort(self) -> None:
        """Cuts it."""
        self._connection.transport.abort()

    def widen(self) -> None:
        self._connection.protocol.max_message_size = MESSAGE_BYTES

    def _check(self) -> None:
        if self._closed_by_us is not None:
            raise SocketClosed(*self._closed_by_us)

    def _ended(self, error: ConnectionClosed) -> SocketClosed:
        if self._closed_by_us is not None:
            return SocketClosed(*self._closed_by_us)
        first = error.rcvd if error.rcvd_then_sent or error.sent is None else error.sent
        if first is None:
            return SocketClosed(_ABNORMAL)
        return SocketClosed(first.code, "".join(filter(str.isprintable, first.reason)))
