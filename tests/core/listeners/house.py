"""Sessions behind a real unix socket, and raw sockets that speak to it byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.uri import parse_uri

from sereno.core.home import connect_path
from sereno.core.listeners.unix import UnixListener, bind
from sereno.core.security.peers import Credentials
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from tests.core.sessions.house import Door, door

HELLO = b'{"type":"hello","clientId":"%s","clientType":"%s","protocolVersion":1}'
PING = b'{"type":"session","message":{"type":"ping","requestId":"p"}}'


def owner(_: Credentials) -> Peer | None:
    return Peer("unix:owner", Role.OWNER, "unix")


@dataclass
class Gate:
    """A door and its unix listener."""

    door: Door
    path: Path
    listener: UnixListener


@asynccontextmanager
async def gate(
    path: Path,
    judge: Callable[[Credentials], Peer | None] = owner,
    *,
    most: int = 1_000,
    **settings: Any,
) -> AsyncIterator[Gate]:
    async with door(**settings) as house:
        listener = UnixListener(bind(path), house.sessions, judge, most=most)
        listener.start()
        try:
            yield Gate(house, path, listener)
        finally:
            house.sessions.close(1001, "The test is over")
            await listener.wait_closed(5)
            listener.close()


class RawClient:
    """A client on a plain socket through the library's protocol: what official clients look like
    from here. Every wait has a time limit."""

    def __init__(
        self,
        place: Path | tuple[str, int],
        target: str = "ws://localhost/ws",
        **options: object,
    ) -> None:
        """`place`: a unix socket, or a TCP address on this machine."""
        if isinstance(place, Path):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.setblocking(False)
            with connect_path(place) as name:
                self.socket.connect(name)
        else:
            self.socket = socket.create_connection(place, 5)
            self.socket.setblocking(False)
        self.protocol = ClientProtocol(parse_uri(target), max_size=None, **options)  # type: ignore[arg-type]
        self.frames: list[bytes] = []
        self.ended = False

    async def upgrade(self, headers: dict[str, str] | None = None) -> None:
        request = self.protocol.connect()
        for name, value in (headers or {}).items():
            request.headers[name] = value
        self.protocol.send_request(request)
        await self.flush()
        while self.protocol.handshake_exc is None and self.protocol.state.name == "CONNECTING":
            await self.read()

    async def enter(self, client_id: str = "c1", client_type: str = "browser") -> None:
        """Upgrade, hello, server_info."""
        await self.upgrade()
        await self.say(HELLO % (client_id.encode(), client_type.encode()))
        await self.next()

    async def say(self, text: bytes) -> None:
        self.protocol.send_text(text)
        await self.flush()

    async def flush(self) -> None:
        loop = asyncio.get_running_loop()
        for data in self.protocol.data_to_send():
            if data:
                with contextlib.suppress(BrokenPipeError):  # read() finds the end
                    await asyncio.wait_for(loop.sock_sendall(self.socket, data), 5)

    async def read(self) -> None:
        """Takes what comes next, or the end."""
        loop = asyncio.get_running_loop()
        try:
            data = await asyncio.wait_for(loop.sock_recv(self.socket, 1 << 20), 5)
        except ConnectionResetError:
            data = b""
        if data:
            self.protocol.receive_data(data)
        else:
            self.ended = True
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Frame) and event.opcode.name in ("TEXT", "BINARY"):
                self.frames.append(bytes(event.data))
        await self.flush()

    async def next(self) -> bytes:
        """The next message. Raises EOFError at the end."""
        while not self.frames:
            if self.ended:
                raise EOFError
            await self.read()
        return self.frames.pop(0)

    async def closed(self) -> tuple[int | None, str | None]:
        """Reads to the end; the code and reason of the close frame."""
        while not self.ended:
            await self.read()
        return self.protocol.close_code, self.protocol.close_reason

    def close(self) -> None:
        self.socket.close()
