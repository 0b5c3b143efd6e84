"""A client's WebSocket on asyncio, over any byte stream: whole frames in, whole frames out.

Speaks by frames.py, which loads in a tenth of the time of the library: the UI counts from start to
first paint. How the stream was opened, and what a refusal means, is the opening's matter: unix.py
and tcp.py bring theirs.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from sereno.core.client.errors import ClientError
from sereno.core.client.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameError,
    MessageReader,
    encode,
)

__all__ = ["FrameTransport", "Opening", "upgraded"]


class Opening(Protocol):
    """One opening handshake, without I/O."""

    def request(self) -> bytes: ...

    def feed(self, data: bytes) -> bytes | None:
        """What came behind the 101; None: more must come. Raises ClientError for a refusal."""

    def ended(self, error: Exception | None) -> ClientError:
        """Why it failed, when the other side closed in the middle of it."""


async def upgraded(
    connection: socket.socket,
    made: Callable[[], FrameTransport],
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> FrameTransport:
    """Agrees TLS on a connected socket, if there is a context, and upgrades; where that fails the
    socket is closed. Raises OSError before the upgrade, ClientError in it."""
    try:
        _, transport = await asyncio.get_running_loop().create_connection(
            made, sock=connection, ssl=tls, server_hostname=server_name
        )
    except BaseException:
        connection.close()
        raise
    try:
        await transport.upgraded
    except BaseException:
        transport.cut()
        raise
    return transport


class FrameTransport(asyncio.Protocol):
    """Implements the client's Transport."""

    def __init__(
        self,
        opening: Opening,
        received: Callable[[list[bytes]], None],
        ended: Callable[[int, str], None],
        *,
        silence_s: float | None = None,
    ) -> None:
        """`silence_s`: after so long without a byte the other end is asked whether it is there,
        and given up after as long again; None: the system knows."""
        self._opening: Opening | None = opening
        self._received = received
        self._ended = ended
        self._silence_s = silence_s
        self._watch: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._asked: float | None = None
        self._reader = MessageReader()
        self._transport: asyncio.Transport | None = None
        self._end: tuple[int, str] | None = None
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # asyncio's Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        assert self._opening is not None
        transport.write(self._opening.request())

    def data_received(self, data: bytes) -> None:
        if self._silence_s is not None:
            self._heard = asyncio.get_running_loop().time()
        try:
            if self._opening is not None:
                behind = self._opening.feed(data)
                if behind is None:
                    return
                data, self._opening = behind, None
                if not self.upgraded.done():
                    self.upgraded.set_result(None)
                self._listen()
            self._reader.feed(data)
            self._deliver()
        except FrameError as error:
            self._end = self._end or (1002, f"no WebSocket frame: {error}")
            self.cut()
        except ClientError as error:
            self._refuse(error)

    def connection_lost(self, error: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._opening is not None and not self.upgraded.done():
            self._refuse(self._opening.ended(error))
        code, reason = self._end or (1006, str(error) if error else "")
        self._ended(code, reason)

    def _refuse(self, error: ClientError) -> None:
        self._end = self._end or (1002, error.message)
        if not self.upgraded.done():
            self.upgraded.set_exception(error)
        self.cut()

    # Whether the other end is there

    def _listen(self) -> None:
        if self._silence_s is not None:
            loop = asyncio.get_running_loop()
            self._heard = loop.time()
            self._watch = loop.call_later(self._silence_s, self._look)

    def _look(self) -> None:
        assert self._silence_s is not None
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._asked is not None and self._heard < self._asked:
            self._end = self._end or (1006, "it does not answer any more")
            self.cut()
            return
        wait = self._heard + self._silence_s - now
        self._asked = None
        if wait <= 0:
            self._asked, wait = now, self._silence_s
            self._put(PING, b"")
        self._watch = loop.call_later(wait, self._look)

    # Frames

    def _deliver(self) -> None:
        frames: list[bytes] = []
        while (message := self._reader.take()) is not None:
            opcode, payload = message
            if opcode in (TEXT, BINARY):
                frames.append(payload)
            elif opcode == PING:
                self._put(PONG, payload)
            elif opcode == CLOSE:
                self._closed_by(payload)
        if frames:
            self._received(frames)

    def _closed_by(self, payload: bytes) -> None:
        code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
        self._end = self._end or (code, payload[2:].decode("utf-8", "replace"))
        self._put(CLOSE, payload[:2])
        if self._transport is not None:
            self._transport.close()

    def _put(self, opcode: int, payload: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(opcode, payload, os.urandom(4)))

    # The client's Transport

    def write(self, data: bytes) -> None:
        self._put(TEXT, data)

    def shut(self) -> None:
        """Says goodbye and closes; what was written before is still sent."""
        self._end = self._end or (1000, "Client closed")
        self._put(CLOSE, (1000).to_bytes(2, "big"))
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()
