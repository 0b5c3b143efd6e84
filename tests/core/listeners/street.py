"""Sessions behind a real TCP address, with the real gate; and clients that speak to it raw."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import anyio

from sereno.core.listeners.crowd import Crowd
from sereno.core.listeners.doorkeeper import Doorkeeper
from sereno.core.listeners.front import Front
from sereno.core.listeners.tcp import TcpListener
from sereno.core.listeners.tls import TlsContext
from sereno.core.listeners.verify import Verifier
from sereno.core.security.gate import Gate, GateSettings
from sereno.core.security.passwords import hash_new
from sereno.core.security.same_user import Owner, Sight
from sereno.core.security.sockets import sights_of
from sereno.core.security.tokens import digest
from sereno.core.sessions.channel import Peer
from tests.core.listeners.house import RawClient
from tests.core.sessions.house import Door, door

TOKEN = "sereno-token-of-the-tests"
PASSWORD = "correct-horse-battery"
STATUS = {"status": "server_info", "serverId": "srv_test", "hostname": "box", "version": "1"}


@cache
def hashed(password: str = PASSWORD, cost: int = 4) -> str:
    """Cheap, so that tests are; what a real one costs is measured where that is the question."""
    return hash_new(password, cost)


def settings(**changes: Any) -> GateSettings:
    values: dict[str, Any] = {"uid": os.geteuid(), "token_digest": digest(TOKEN)}
    return GateSettings(**(values | changes))


@dataclass
class Street:
    """A door, its gate, and one TCP address."""

    door: Door
    gate: Gate
    front: Front
    listener: TcpListener
    address: tuple[str, int]
    tasks: anyio.abc.TaskGroup

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws"

    def client(self, **options: Any) -> RawClient:
        """Connected, nothing said."""
        return RawClient(self.address, self.ws, **options)


def listening(host: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.bind((host, 0))
    made.listen(1024)
    made.setblocking(False)
    return made


@asynccontextmanager
async def street(
    rules: GateSettings | None = None,
    *,
    host: str = "127.0.0.1",
    tls: TlsContext | None = None,
    is_agent: Callable[[int], bool] = lambda _: False,
    sights: Callable[[Sequence[socket.socket]], Sequence[Owner | Sight]] = sights_of,
    verify: Callable[[str, str], Any] | None = None,
    crowd: Crowd[Any] | None = None,
    most: int = 1_000,
    state: Path | None = None,
) -> AsyncIterator[Street]:
    gate = Gate(settings() if rules is None else rules)
    listener = listening(host)
    async with door(state=state) as house, anyio.create_task_group() as tasks:
        keeper = Doorkeeper(gate, verify=verify or Verifier(), is_agent=is_agent, sights=sights)
        front = Front(
            house.sessions,
            keeper,
            tasks=tasks,
            status=lambda: STATUS,
            shelf=house.files,
            most=most,
            crowd=crowd,
        )
        tcp = TcpListener(listener, front, tls=tls)
        tcp.start()
        address = listener.getsockname()[:2]
        try:
            yield Street(house, gate, front, tcp, address, tasks)
        finally:
            tcp.stop()
            house.sessions.close(1001, "The test is over")
            await tcp.wait_closed(5)
            listener.close()
        assert len(front.crowd) == 0


async def ask(address: tuple[str, int], head: bytes | str, *, seconds: float = 5) -> bytes:
    """Sends these bytes and reads to the end."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(head.encode() if isinstance(head, str) else head)
        await writer.drain()
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def get(path: str = "/api/status", host: str = "localhost", **headers: str) -> str:
    """The head of a request; underscores in names become hyphens."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n"


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split(b" ", 2)[1])


def peers(place: Street) -> list[Peer]:
    return [channel.peer for channel in place.listener._channels]


async def until(wanted: Any) -> None:
    with anyio.fail_after(5):
        while not wanted():
            await anyio.sleep(0.005)
