"""A connector that runs in the test's own loop, and all that it told of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from sereno.relay_client.connector import Connector, DataSocket, RelayState, SocketClosed
from sereno.relay_client.endpoints import Endpoint
from tests.relay_server.running import LIMIT_S

__all__ = ["SERVER_ID", "Watched", "closing_of", "connector", "echo", "said"]

SERVER_ID = "srv_AAECAwQFBgcI"


async def echo(socket: DataSocket) -> None:
    while True:
        await socket.send(await socket.receive())


@dataclass
class Watched:
    """A connector that runs, and all states that it told."""

    connector: Connector
    states: list[RelayState] = field(default_factory=list)
    changed: anyio.Event = field(default_factory=anyio.Event)

    def told(self, state: RelayState) -> None:
        self.states.append(state)
        self.changed.set()
        self.changed = anyio.Event()

    async def until(
        self, phase: str, number: int = 1, *, of: Callable[[RelayState], bool] = lambda _: True
    ) -> RelayState:
        """Of the states of this phase, and of this kind, the `number`th."""
        with anyio.fail_after(LIMIT_S):
            while True:
                found = [one for one in self.states if one.phase == phase and of(one)]
                if len(found) >= number:
                    return found[number - 1]
                await self.changed.wait()


@asynccontextmanager
async def connector(
    endpoint: Endpoint,
    opened: Callable[[DataSocket], Awaitable[None]] = echo,
    **options: Any,
) -> AsyncIterator[Watched]:
    """It waits for nothing between its tries, unless told otherwise."""
    options = {"random": lambda: 0.0, **options}
    watched: Watched

    def told(state: RelayState) -> None:
        watched.told(state)

    watched = Watched(Connector(endpoint, SERVER_ID, opened, state=told, **options))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.connector.run)
        try:
            yield watched
        finally:
            tasks.cancel_scope.cancel()


async def closing_of(socket: DataSocket) -> tuple[int, str]:
    """Code and reason with which it was closed; what came before is passed over."""
    with anyio.fail_after(LIMIT_S):
        while True:
            try:
                await socket.receive()
            except SocketClosed as closed:
                return closed.code, closed.reason


async def said(socket: DataSocket) -> str | bytes:
    with anyio.fail_after(LIMIT_S):
        return await socket.receive()
