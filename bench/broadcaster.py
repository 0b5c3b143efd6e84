"""The limit beside which streaming is measured: a bare `websockets` broadcaster.

Run as a program: `python bench/broadcaster.py PLACE COUNT SIZE`; PLACE is a unix socket, or `tcp:0`
for a port that it prints. It waits for a line on stdin, then sends COUNT messages of SIZE bytes to
all its clients with `websockets.broadcast`, as fast as they take them.
"""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve, unix_serve

HIGH_WATER = 4 << 20


async def run(path: str, count: int, size: int) -> None:
    clients: set[ServerConnection] = set()

    async def hold(connection: ServerConnection) -> None:
        clients.add(connection)
        await connection.wait_closed()
        clients.discard(connection)

    serving = (
        serve(hold, "127.0.0.1", 0, compression=None, max_size=None)
        if path == "tcp:0"
        else unix_serve(hold, path, compression=None, max_size=None)
    )
    async with serving as server:
        place = f"tcp:{server.sockets[0].getsockname()[1]}" if path == "tcp:0" else path
        print(f"listening {place}", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for number in range(count):
            text = f'{{"type":"tool_call","row":{number},"text":"'
            broadcast(clients, text + "x" * (size - len(text) - 2) + '"}')
            await asyncio.sleep(0)
            while any(one.transport.get_write_buffer_size() > HIGH_WATER for one in clients):
                await asyncio.sleep(0.001)
        print("sent", flush=True)
        while clients:
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
