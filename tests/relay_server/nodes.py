"""Several nodes of a relay in the test's own loop, joined by a real nats-server of their own."""

from __future__ import annotations

import random
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import anyio
import anyio.abc

from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.mesh import Mesh
from sereno.relay_server.server import RelayServer
from sereno.relay_server.settings import Address, Settings
from tests.conftest import nats_server
from tests.relay_server.running import LIMIT_S, Running

MESHED = Timing(tick=0.02, beat=0.1, lost=1.0)


@dataclass
class Broker:
    """A nats-server on a port that stays the same when it comes back."""

    program: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "-a", "127.0.0.1", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def answers(self) -> None:
        async def try_once() -> bool:
            try:
                stream = await anyio.connect_tcp("127.0.0.1", self.port)
            except OSError:
                return False
            async with stream:
                return (await stream.receive()).startswith(b"INFO")

        with anyio.fail_after(LIMIT_S):
            while not await try_once():
                await anyio.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _free_port() -> int:
    """Below those that the system gives to whoever dials: nodes that dial a broker which is gone
    could be given its port, be connected with themselves, and keep it from coming back."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


@contextmanager
def broker() -> Iterator[Broker]:
    """For tests marked `nats`."""
    program = nats_server()
    assert program is not None, "mark the test with `nats`"
    started = Broker(program, _free_port())
    started.start()
    try:
        yield started
    finally:
        started.kill()


@dataclass
class Nodes:
    """Nodes by name. One that is killed says nothing to anybody."""

    tasks: anyio.abc.TaskGroup
    url: str
    timing: Timing
    limits: Limits
    up: dict[str, Running] = field(default_factory=dict)
    _scopes: dict[str, anyio.CancelScope] = field(default_factory=dict)
    _ended: dict[str, anyio.Event] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Running:
        return self.up[name]

    async def start(self, *names: str) -> None:
        async with anyio.create_task_group() as starts:
            for name in names:
                starts.start_soon(self._start, name)
        await self.met()

    async def _start(self, name: str) -> None:
        settings = Settings(
            plain=(Address("127.0.0.1", 0),),
            limits=self.limits,
            timing=self.timing,
            nats=(self.url,),
            node=name,
        )
        server = RelayServer(settings)
        await server.start()
        self._scopes[name], self._ended[name] = anyio.CancelScope(), anyio.Event()
        self.tasks.start_soon(self._run, name, server)
        self.up[name] = Running(server)

    async def _run(self, name: str, server: RelayServer) -> None:
        try:
            with self._scopes[name]:
                await server.run()
        finally:
            self._ended[name].set()

    async def kill(self, name: str) -> None:
        del self.up[name]
        self._scopes[name].cancel()
        await self._ended[name].wait()

    async def stop(self, name: str) -> None:
        self.up.pop(name).server.stop()
        await self._ended[name].wait()

    async def met(self) -> None:
        """Every node knows every other one."""
        await until(lambda: all(self.known(name) == len(self.up) - 1 for name in self.up))

    def known(self, name: str) -> int:
        return self._mesh(name).nodes

    def knows_id(self, name: str) -> bool:
        """Whether it heard that another node owns an id."""
        return self._mesh(name).ids_elsewhere > 0

    def _mesh(self, name: str) -> Mesh:
        bridge = self.up[name].server.bridge
        assert bridge is not None
        return bridge.mesh


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(LIMIT_S):
        while not condition():
            await anyio.sleep(0.01)


@asynccontextmanager
async def nodes(
    url: str, *names: str, timing: Timing = MESHED, limits: Limits | None = None
) -> AsyncIterator[Nodes]:
    async with anyio.create_task_group() as tasks:
        running = Nodes(tasks, url, timing, limits or Limits())
        await running.start(*names)
        try:
            yield running
        finally:
            for name in list(running.up):
                await running.stop(name)
