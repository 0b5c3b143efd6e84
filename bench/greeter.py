"""The limit beside which a door is measured: a bare `websockets` server that greets.

Run as a program: `python -m bench.greeter [CERT KEY]`; prints `listening PORT`. It reads one
message of each client and answers with one of a server_info's size, and asks nobody who they are.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys

from websockets.asyncio.server import ServerConnection, serve

GREETING = json.dumps(
    {
        "type": "session",
        "message": {
            "type": "status",
            "payload": {"status": "server_info", "serverId": "srv_bare", "filler": "x" * 300},
        },
    }
)


async def greet(connection: ServerConnection) -> None:
    await connection.recv()
    await connection.send(GREETING)
    await connection.wait_closed()


async def main() -> None:
    tls = None
    if sys.argv[1:]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[1], sys.argv[2])
    async with serve(greet, "127.0.0.1", 0, ssl=tls, compression=None, backlog=1024) as server:
        print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
