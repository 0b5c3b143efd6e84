"""The client's end of the unix socket on asyncio: whole frames in, whole frames out.

Speaks WebSocket by client_frames.py, which loads in a tenth of the time of the library: the UI
counts from start to first paint. Made by Client.connect_unix only.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

from sereno.core.client.errors import ConnectionLost, NoDaemon
from sereno.core.client.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameError,
    MessageReader,
    encode,
    read_upgrade,
    upgrade_request,
)
from sereno.core.home import connect_path

__all__ = ["UnixTransport", "open_unix"]


async def open_unix(
    path: Path, received: Callable[[list[bytes]], None], ended: Callable[[int, str], None]
) -> UnixTransport:
    """Connects and upgrades. Raises NoDaemon, ConnectionLost; waits for ever if nobody answers."""
    loop = asyncio.get_running_loop()
    connection = await _connect(path)
    try:
        _, transport = await loop.create_unix_connection(
            lambda: UnixTransport(received, ended), sock=connection
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


async def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        while True:
            try:
                with connect_path(path) as name:
                    connection.connect(name)
            except BlockingIOError:  # The listener's queue is full: Linux does not wait.
                await asyncio.sleep(0.005)
            else:
                return connection
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        connection.close()
        raise NoDaemon(
            "no_daemon",
            "no daemon runs for this home",
            "Start one with `sereno daemon start`, or open `sereno`",
        ) from None
    except PermissionError:
        connection.close()
        raise NoDaemon(
            "not_allowed",
            f"{path} belongs to another user",
            "Set SERENO_HOME to a home of your own",
        ) from None
    except BaseException:
        connection.close()
        raise


class UnixTransport(asyncio.Protocol):
    """Implements the client's Transport."""

    def __init__(
        self, received: Callable[[list[bytes]], None], ended: Callable[[int, str], None]
    ) -> None:
        self._received = received
        self._ended = ended
        self._reader = MessageReader()
        self._head: bytearray | None = bytearray()
        self._transport: asyncio.Transport | None = None
        self._end: tuple[int, str] | None = None
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # asyncio's Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(upgrade_request(os.urandom(16)))

    def data_received(self, data: bytes) -> None:
        try:
            if self._head is not None:
                self._head += data
                if not read_upgrade(self._head):
                    return
                data, self._head = bytes(self._head), None
                if not self.upgraded.done():
                    self.upgraded.set_result(None)
            self._reader.feed(data)
            self._deliver()
        except FrameError as error:
            self._fail(f"no WebSocket frame: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        code, reason = self._end or (1006, str(error) if error else "")
        if not self.upgraded.done():
            self._fail("the connection was closed during the upgrade")
        self._ended(code, reason)

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

    def _fail(self, words: str) -> None:
        self._end = self._end or (1002, words)
        if not self.upgraded.done():
            self.upgraded.set_exception(
                ConnectionLost(
                    f"the daemon refused the connection: {words}",
                    "Look into its log: `sereno doctor`",
                )
            )
        self.cut()

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
