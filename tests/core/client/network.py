"""Both clients behind one call, and listeners that are anything but a daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from anyio import to_thread

from sereno.core.client.aio import Client
from sereno.core.client.blocking import SyncClient
from sereno.core.client.target import Target
from sereno.core.protocol.messages import Pong
from sereno.core.protocol.requests import Ping

Reach = Callable[[Target], Awaitable[str]]
"""Connects, asks one thing, closes; gives the name of the server. Raises ClientError."""


async def by_loop(target: Target, timeout_s: float = 10.0) -> str:
    async with await Client.connect_to(target, timeout_s=timeout_s) as client:
        assert isinstance(await client.request(Ping(request_id="")), Pong)
        return client.server.server_id


async def by_blocking(target: Target, timeout_s: float = 10.0) -> str:
    def talk() -> str:
        with SyncClient.reach(target, timeout_s=timeout_s) as client:
            assert isinstance(client.request(Ping(request_id="")), Pong)
            return client.server.server_id

    return await to_thread.run_sync(talk)


@asynccontextmanager
async def saying(words: bytes, *, first: bool = False) -> AsyncIterator[Target]:
    """Answers whatever comes with these bytes and closes; `first`: before anything comes."""

    open_: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        try:
            if not first:
                await reader.readuntil(b"\r\n\r\n")
            writer.write(words)
            await writer.drain()
            writer.write_eof()
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client had enough.
        finally:
            writer.close()
            open_.discard(writer)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield Target(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        async with asyncio.timeout(5):
            while open_:
                await asyncio.sleep(0.001)
