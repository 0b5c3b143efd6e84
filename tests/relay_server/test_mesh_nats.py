"""The shell around NATS, with a stand-in for the library: what a broker that dies at a bad moment
does, which no real one can be made to do on purpose."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import anyio
import pytest

from sereno.relay_server import mesh_nats
from sereno.relay_server.mesh_nats import Bridge


class Client:
    """Of nats-py, as far as it is used. `made`: all of them; the first one never calls back."""

    made: list[Client]
    hangs = False

    def __init__(self) -> None:
        self.is_connected = False
        self.closed = 0
        Client.made.append(self)

    async def connect(self, *_: object, **__: object) -> None:
        if Client.hangs and len(Client.made) == 1:
            await asyncio.Event().wait()
        self.is_connected = True

    async def subscribe(self, *_: object, **__: object) -> None: ...

    async def flush(self, *_: object) -> None: ...

    async def close(self) -> None:
        self.closed += 1
        self.is_connected = False


class Nobody:
    """Mesh and hub of a node that has nothing to say."""

    name, node = "a", "n"
    notes: list[str]

    def __init__(self) -> None:
        self.notes = []
        self.meshed: object = None

    def take(self) -> list[object]:
        return []

    def tick(self) -> None: ...


@pytest.fixture
async def bridge(monkeypatch: pytest.MonkeyPatch) -> Any:
    Client.made, Client.hangs = [], False
    monkeypatch.setattr(mesh_nats, "Client", Client)
    monkeypatch.setattr(mesh_nats, "_BETWEEN_ATTEMPTS_S", (0.0, 0.01))
    monkeypatch.setattr(mesh_nats, "_LOOK_S", 0.01)
    monkeypatch.setattr(mesh_nats, "_ATTEMPT_S", 0.05)
    nobody = cast(Any, Nobody())
    made = Bridge(nobody, nobody, ["nats://x"])
    yield made
    await made.close()


async def until_dialled(times: int) -> None:
    with anyio.fail_after(5):
        while len(Client.made) < times or not Client.made[-1].is_connected:
            await anyio.sleep(0.005)


async def test_a_connection_that_ended_without_a_word_is_made_again(bridge: Bridge) -> None:
    await bridge.open()
    assert bridge.connected
    Client.made[0].is_connected = False
    await until_dialled(2)
    assert Client.made[0].closed == 1
    assert bridge.connected


async def test_an_attempt_that_hangs_is_given_up(bridge: Bridge) -> None:
    Client.hangs = True
    await bridge.open()
    await until_dialled(2)
    assert Client.made[0].closed == 1
    assert bridge.connected
