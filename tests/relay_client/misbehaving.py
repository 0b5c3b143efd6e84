"""What stands in a relay's place, or in its way, and does not do what it should."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

__all__ = ["Socket", "Wire", "for_ever", "liar", "reading", "wire"]


@dataclass(eq=False)
class Wire:
    """Passes bytes on to `target`, a port on loopback; refuses while there is none."""

    port: int = 0
    target: int | None = None
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def freeze(self) -> None:
        """Nothing passes any more, and nothing is closed: half-open."""
        self.passing.clear()

    def cut(self) -> None:
        """Every connection is reset."""
        for end in tuple(self._ends):
            end.transport.abort()

    def arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            if self.target is None:
                return
            there, other = await asyncio.open_connection("127.0.0.1", self.target)
            self._ends.add(other)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._pass, reader, other)
                await self._pass(there, writer)
                tasks.cancel_scope.cancel()
        except OSError:
            pass  # Whoever it was went away: so does this end.
        finally:
            for end in filter(None, (writer, other)):
                self._ends.discard(end)
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                await self.passing.wait()
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()


@asynccontextmanager
async def wire(target: int | None = None) -> AsyncIterator[Wire]:
    between = Wire(target=target)
    between.passing.set()
    server = await asyncio.start_server(between.arrived, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        between.passing.set()
        between.cut()
        await asyncio.gather(*between.tasks)
        await server.wait_closed()


@dataclass(frozen=True)
class Socket:
    """One that was opened at a liar; `connection_id`: None on the control socket."""

    wire: ServerConnection
    connection_id: str | None

    async def say(self, message: object) -> None:
        await self.wire.send(json.dumps(message))


@asynccontextmanager
async def liar(
    behave: Callable[[Socket], Awaitable[None]],
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    before: Callable[[str | None], Awaitable[None]] | None = None,
) -> AsyncIterator[str]:
    """A relay that does with each socket what `behave` says, then closes it; gives its URL.
    `before` has its way before the upgrade is answered."""

    open_now: set[anyio.CancelScope] = set()

    async def arrived(connection: ServerConnection) -> None:
        assert connection.request is not None
        with contextlib.suppress(ConnectionClosed), anyio.CancelScope() as scope:
            open_now.add(scope)
            await behave(Socket(connection, _connection_id(connection.request)))

    async def asked(_: ServerConnection, request: Request) -> None:
        if before is not None:
            await before(_connection_id(request))

    options: dict[str, object] = {"compression": None, "ping_interval": None, "close_timeout": 1}
    options["process_request"] = asked
    async with serve(arrived, host, 0, ssl=tls, **options) as server:  # type: ignore[arg-type]
        port = server.sockets[0].getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        try:
            yield f"{'ws' if tls is None else 'wss'}://{name}:{port}"
        finally:
            for scope in open_now:
                scope.cancel()
            for connection in server.connections:
                connection.transport.abort()


def _connection_id(request: Request) -> str | None:
    found = parse_qs(urlsplit(request.path).query).get("connectionId")
    return found[0] if found else None


async def for_ever(_: object) -> None:
    await anyio.sleep_forever()


async def reading(socket: Socket) -> None:
    """Until the other end closes it."""
    async for _ in socket.wire:
        pass
