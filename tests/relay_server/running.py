"""A relay on loopback in the test's own loop, and clients of `websockets` that speak to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.server import RelayServer
from sereno.relay_server.settings import Address, Settings

LIMIT_S = 10.0
QUICK = Timing(tick=0.02)


@dataclass
class Running:
    server: RelayServer

    @property
    def url(self) -> str:
        return self.server.listening[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def target(self, role: str, connection: str | None, server_id: str, version: int) -> str:
        query = {"serverId": server_id, "role": role, "v": str(version)}
        if connection is not None:
            query["connectionId"] = connection
        return f"{self.url}/ws?{urlencode(query)}"

    async def open(
        self,
        role: str,
        connection: str | None = None,
        *,
        server_id: str = "srv_AAECAwQFBgcI",
        version: int = 2,
        **options: Any,
    ) -> ClientConnection:
        options = {"compression": None, "proxy": None, "ping_interval": None, **options}
        return await connect(self.target(role, connection, server_id, version), **options)

    async def http(self, request: str) -> tuple[int, str]:
        """Status and body of one request, its first line and more headers as given."""
        with anyio.fail_after(LIMIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write((request + "\r\nHost: relay\r\n\r\n").encode())
            answer = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body


@asynccontextmanager
async def relay(
    limits: Limits | None = None,
    timing: Timing = QUICK,
    *,
    tls: tuple[Path, Path] | None = None,
    **more: Any,
) -> AsyncIterator[Running]:
    where = (Address("127.0.0.1", 0),)
    addresses: dict[str, Any] = {"plain": where}
    if tls is not None:
        addresses = {"tls": where, "cert": tls[0], "key": tls[1]}
    settings = Settings(limits=limits or Limits(), timing=timing, **addresses, **more)
    server = RelayServer(settings)
    await server.start()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.run)
        try:
            yield Running(server)
        finally:
            server.stop()


async def heard(socket: ClientConnection) -> Any:
    """The next message; control messages as what their JSON means."""
    with anyio.fail_after(LIMIT_S):
        message = await socket.recv()
    if isinstance(message, str) and message.startswith("{"):
        return json.loads(message)
    return message


async def ended(socket: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the relay closed it; what came before is passed over."""
    with anyio.fail_after(LIMIT_S), contextlib.suppress(ConnectionClosed):
        while True:
            await socket.recv()
    assert socket.protocol.close_rcvd is not None, "cut off without a close"
    return socket.protocol.close_rcvd.code, socket.protocol.close_rcvd.reason
