"""Nodes and the broker die again and again under sessions that go on speaking.

Nothing may be lost on a connection that stays open, and every session must be back within 10 s.
SERENO_TEST_NODE_KILLS=100 does what the release needs; by default it is short.
"""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass, field

import anyio
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from sereno.relay_server.limits import Timing
from tests.relay_server.nodes import Broker, Nodes, broker, nodes
from tests.relay_server.running import heard

pytestmark = pytest.mark.nats

KILLS = int(os.environ.get("SERENO_TEST_NODE_KILLS", "5"))
BACK_S = 10.0
TIMING = Timing(tick=0.02, beat=0.1, lost=0.8)
GONE = (ConnectionClosed, InvalidHandshake, OSError, EOFError)


@dataclass
class Sessions:
    """Daemons that echo and clients that number what they say, each dialing any node again."""

    running: Nodes
    chance: random.Random
    lost: list[str] = field(default_factory=list)
    echoes: dict[str, int] = field(default_factory=dict)
    closed: int = 0

    async def open(self, role: str, connection: str | None, server_id: str) -> ClientConnection:
        """As behind a balancer: some node that is up."""
        name = self.chance.choice(list(self.running.up))
        return await self.running[name].open(role, connection, server_id=server_id, open_timeout=2)

    async def daemon(self, server_id: str) -> None:
        async with anyio.create_task_group() as tasks:
            served: set[str] = set()
            while True:
                try:
                    async with await self.open("server", None, server_id) as control:
                        while True:
                            told = await control.recv()
                            assert isinstance(told, str)
                            self._serve(tasks, server_id, told, served)
                except GONE:
                    await anyio.sleep(0.05 + self.chance.random() / 10)

    def _serve(
        self, tasks: anyio.abc.TaskGroup, server_id: str, told: str, served: set[str]
    ) -> None:
        message = json.loads(told)
        names = message.get("connectionIds", [message.get("connectionId")])
        for name in names:
            if name and message["type"] != "disconnected" and name not in served:
                served.add(name)
                tasks.start_soon(self._echo, server_id, name, served)

    async def _echo(self, server_id: str, connection: str, served: set[str]) -> None:
        number = 0
        try:
            async with await self.open("server", connection, server_id) as data:
                while True:
                    frame = await data.recv()
                    assert isinstance(frame, str)
                    number += 1
                    if not frame.startswith(f"{number}:"):
                        self.lost.append(f"the daemon waited for {number}, came {frame[:9]}")
                    await data.send(frame)
        except GONE:
            self.closed += 1
        finally:
            served.discard(connection)

    async def client(self, server_id: str, name: str) -> None:
        while True:
            try:
                async with await self.open("client", None, server_id) as socket:
                    await self._speak(socket, f"{server_id} {name}")
            except GONE:
                self.closed += 1
                await anyio.sleep(0.05 + self.chance.random() / 10)

    async def _speak(self, socket: ClientConnection, name: str) -> None:
        number = answered = 0
        while True:
            for _ in range(3):
                number += 1
                await socket.send(f"{number}:{'x' * self.chance.choice((1, 300, 70_000))}")
            while answered < number:
                answered += 1
                try:
                    frame = await heard(socket)
                except TimeoutError:
                    self.lost.append(f"{name}: {answered} never came back, and it is open")
                    return
                if not frame.startswith(f"{answered}:"):
                    self.lost.append(f"{name} waited for {answered}, came {frame[:9]}")
            self.echoes[name] = self.echoes.get(name, 0) + 1
            await anyio.sleep(0.01)

    async def all_back(self) -> float:
        """Seconds until every client was answered anew."""
        began, before = time.monotonic(), dict(self.echoes)
        with anyio.fail_after(BACK_S):
            while any(self.echoes[name] < count + 2 for name, count in before.items()):
                await anyio.sleep(0.02)
        return time.monotonic() - began


async def _kill(running: Nodes, nats: Broker, chance: random.Random, number: int) -> None:
    """A node; each fifth time the broker, which comes back after a while."""
    if number % 5 == 4:
        nats.kill()
        await anyio.sleep(chance.random())
        nats.start()
        return
    await running.kill(chance.choice(list(running.up)))


async def test_nodes_die_and_nothing_is_lost_on_what_stays_open() -> None:
    chance = random.Random(5)
    worst = 0.0
    with broker() as nats:
        await nats.answers()
        async with nodes(nats.url, "a", "b", "c", timing=TIMING) as running:
            sessions = Sessions(running, chance)
            async with anyio.create_task_group() as tasks:
                for server_id in ("one", "two"):
                    tasks.start_soon(sessions.daemon, server_id)
                    for name in "xy":
                        sessions.echoes[f"{server_id} {name}"] = 0
                        tasks.start_soon(sessions.client, server_id, name)
                await sessions.all_back()
                for number in range(KILLS):
                    await _kill(running, nats, chance, number)
                    worst = max(worst, await sessions.all_back())
                    for name in {"a", "b", "c"} - set(running.up):
                        await running.start(name)
                    assert sessions.lost == []
                tasks.cancel_scope.cancel()
    assert sessions.closed > 0, "nobody noticed: this tested nothing"
    print(
        f"{KILLS} kills, {sum(sessions.echoes.values())} echoes, back after {worst:.1f} s at most"
    )
