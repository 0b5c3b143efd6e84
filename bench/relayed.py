"""Both ends behind a relay, each in a process of its own.

Run as a program: `python -m bench.relayed WHAT PORT …`.
`daemon` KIND: answers what clients ask; `ready` when the relay is. KIND `sealed` encrypts with the
official apps' channel (NaCl), `plain` does not; used keys are kept in memory here, not on disk.
`client` KIND SIZE COUNT: JSON: seconds for COUNT messages of SIZE bytes from the daemon, and
milliseconds of each of some hundred that go there and back.
`hold` COUNT: COUNT connections, both of their sockets, until a line comes on stdin.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import time
from collections import deque

import anyio

from bench.knocking import upgrade
from sereno.relay_client import keys
from sereno.relay_client.connector import Connector, DataSocket, RelayState, dial_client
from sereno.relay_client.endpoints import Endpoint
from sereno.relay_client.nacl.client import ClientChannel
from sereno.relay_client.nacl.daemon import DaemonChannel
from sereno.relay_client.nacl.effects import Claim, Close, Deliver, Effect, Opened, Send

SERVER_ID = "srv_benchBENCHbe"
SECRET = b"bench: the daemon's secret key!!"
ECHOES = 300
WARMING = 100
HOLD_AT_ONCE = 32
_ASKED = "stream "


class Plain:
    """Messages as they are."""

    def __init__(self, socket: DataSocket) -> None:
        self.socket = socket
        socket.widen()

    async def start(self) -> None:
        pass

    async def receive(self) -> str | bytes:
        return await self.socket.receive()

    async def send(self, message: str | bytes) -> None:
        await self.socket.send(message)


class Sealed(Plain):
    """Messages through the NaCl channel; `secret`: of this end."""

    def __init__(self, socket: DataSocket, channel: DaemonChannel | ClientChannel) -> None:
        super().__init__(socket)
        self.channel = channel
        self.open = False
        self.came: deque[str | bytes] = deque()

    async def start(self) -> None:
        if isinstance(self.channel, ClientChannel):
            await self._carry_out(self.channel.start(time.monotonic()))
        while not self.open:
            await self._carry_out(self.channel.receive(await self.socket.receive()))

    async def receive(self) -> str | bytes:
        while not self.came:
            await self._carry_out(self.channel.receive(await self.socket.receive()))
        return self.came.popleft()

    async def send(self, message: str | bytes) -> None:
        await self._carry_out(self.channel.send(message))

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(text):
                    await self.socket.send(text)
                case Deliver(message):
                    self.came.append(message)
                case Opened():
                    self.open = True
                case Claim() if isinstance(self.channel, DaemonChannel):
                    await self._carry_out(self.channel.claimed(True))
                case Close():
                    raise RuntimeError(f"the channel ended: {effect.cause.words}")


async def daemon(port: int, kind: str) -> None:
    async def opened(socket: DataSocket) -> None:
        talk = Plain(socket)
        if kind == "sealed":
            talk = Sealed(socket, DaemonChannel(SECRET, os.urandom, time.monotonic()))
        await talk.start()
        while True:
            message = await talk.receive()
            if isinstance(message, str) and message.startswith(_ASKED):
                _, size, number = message.split()
                piece = "x" * int(size)
                for _ in range(int(number)):
                    await talk.send(piece)
            else:
                await talk.send(message)

    def told(state: RelayState) -> None:
        if state.phase == "ready":
            print("ready", flush=True)

    where = Endpoint("127.0.0.1", port, tls=False)
    await Connector(where, SERVER_ID, opened, state=told, random=random.random).run()


async def client(port: int, kind: str, size: int, number: int) -> None:
    socket = await dial_client(Endpoint("127.0.0.1", port, tls=False), SERVER_ID)
    talk = Plain(socket)
    if kind == "sealed":
        daemon_key = keys.public_of(SECRET)
        talk = Sealed(socket, ClientChannel(daemon_key, os.urandom(32), os.urandom))
    await talk.send("x") if kind == "plain" else await talk.start()
    if kind == "plain":
        await talk.receive()
    else:  # The daemon's side is open with the first message that it can read.
        await talk.send("x")
        await talk.receive()
    await _stream(talk, size, WARMING)
    seconds = await _stream(talk, size, number)
    piece = "y" * size
    taken = []
    for _ in range(ECHOES):
        begin = time.perf_counter()
        await talk.send(piece)
        await talk.receive()
        taken.append((time.perf_counter() - begin) * 1e3)
    print(json.dumps({"seconds": seconds, "echoes": sorted(taken)}), flush=True)
    await socket.close()


async def _stream(talk: Plain, size: int, number: int) -> float:
    begin = time.perf_counter()
    await talk.send(f"{_ASKED}{size} {number}")
    for _ in range(number):
        assert len(await talk.receive()) == size
    return time.perf_counter() - begin


async def hold(port: int, number: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    ends: list[asyncio.StreamWriter] = []
    left = iter(range(number))

    async def enter(query: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade(port).replace(b"/ws ", f"/ws?v=2&{query} ".encode(), 1))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        ends.append(writer)

    async def worker() -> None:
        for one in left:
            place = f"serverId=srv_{one // 50}&connectionId=c{one}"
            await enter(f"role=client&{place}")
            await enter(f"role=server&{place}")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(HOLD_AT_ONCE):
            tasks.create_task(worker())
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for writer in ends:
        writer.transport.abort()


def main() -> None:
    match sys.argv[1:]:
        case ["daemon", port, kind]:
            anyio.run(daemon, int(port), kind)
        case ["client", port, kind, size, number]:
            anyio.run(client, int(port), kind, int(size), int(number))
        case ["hold", port, number]:
            anyio.run(hold, int(port), int(number))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
