"""The limit beside which the relay is measured: a plain WebSocket forwarder on `websockets`.

Run as a program: `python -m bench.forwarder`; prints `listening PORT`. It speaks as much of the
relay's protocol as the same ends need, keeps no limits, holds nobody back and looks after nobody.
"""

from __future__ import annotations

import asyncio
import json
from itertools import count
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

MOST = 2**27
_numbers = count()


class Forwarder:
    """The first frame of a client waits until its daemon has come."""

    def __init__(self) -> None:
        self.controls: dict[str, ServerConnection] = {}
        self.data: dict[str, asyncio.Future[ServerConnection]] = {}
        self.clients: dict[str, ServerConnection] = {}

    async def arrived(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = {k: v[0] for k, v in parse_qs(urlsplit(socket.request.path).query).items()}
        try:
            if query["role"] == "client":
                await self.client(socket, query["serverId"])
            elif "connectionId" in query:
                await self.server(socket, query["connectionId"])
            else:
                self.controls[query["serverId"]] = socket
                await socket.send('{"type":"sync","connectionIds":[]}')
                await socket.wait_closed()
        except ConnectionClosed:
            pass  # Its other end closes too, below.

    async def client(self, socket: ServerConnection, server_id: str) -> None:
        name = f"c{next(_numbers)}"
        self.clients[name] = socket
        there = self.data[name] = asyncio.get_running_loop().create_future()
        await self.controls[server_id].send(json.dumps({"type": "connected", "connectionId": name}))
        other = await there
        try:
            async for message in socket:
                await other.send(message)
        finally:
            await other.close()

    async def server(self, socket: ServerConnection, name: str) -> None:
        self.data[name].set_result(socket)
        other = self.clients[name]
        try:
            async for message in socket:
                await other.send(message)
        finally:
            await other.close()


async def main() -> None:
    options = {"compression": None, "ping_interval": None, "max_size": MOST, "backlog": 1024}
    async with serve(Forwarder().arrived, "127.0.0.1", 0, **options) as server:  # type: ignore[arg-type]
        print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
