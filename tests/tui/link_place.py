"""A link in front of a scripted client: what its tests stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import anyio

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import (
    FetchAgentHistoryResult,
    PageInfo,
    ProvidersSnapshot,
)
from sereno.core.protocol.requests import (
    FetchAgentHistory,
    FetchAgents,
    GetProvidersSnapshot,
)
from sereno.core.protocol.values import Wire
from sereno.tui.link import DaemonLink
from sereno.tui.model import FleetModel, Phase
from tests.tui import sample

AGENTS = sample.fleet()
THIRD = AGENTS[2].id


class ScriptedClient:
    """Answers from a table; `push` is what the daemon says by itself."""

    def __init__(self, agents: Sequence[AgentSnapshot] = AGENTS) -> None:
        self.asked: list[Wire] = []
        self.closed = False
        self.replies: dict[type[Wire], Callable[[Any], Wire]] = {
            FetchAgents: lambda _: sample.listing(agents),
            FetchAgentHistory: lambda _: FetchAgentHistoryResult(
                request_id="h",
                entries=[],
                page_info=PageInfo(next_cursor=None, prev_cursor=None, has_more=False),
            ),
            GetProvidersSnapshot: lambda _: ProvidersSnapshot(
                request_id="p", entries=sample.providers(), generated_at="now"
            ),
        }
        self._send, self._receive = anyio.create_memory_object_stream[Wire | Exception](100)

    async def request(self, message: Wire, timeout_s: float | None = None) -> Wire:
        self.asked.append(message)
        await anyio.lowlevel.checkpoint()
        return self.replies[type(message)](message)

    async def send(self, message: Wire) -> None:
        self.asked.append(message)

    async def messages(self) -> AsyncIterator[Wire]:
        async for each in self._receive:
            if isinstance(each, Exception):
                raise each
            yield each

    async def push(self, each: Wire | Exception) -> None:
        await self._send.send(each)

    async def aclose(self) -> None:
        self.closed = True
        self._send.close()
        self._receive.close()

    def count(self, kind: type[Wire]) -> int:
        return sum(isinstance(each, kind) for each in self.asked)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.005)


class Running:
    """A link in front of scripted clients, one for each connection."""

    def __init__(self, *clients: ScriptedClient | Exception) -> None:
        self.waiting = list(clients)
        self.model = FleetModel()
        self.link = DaemonLink(self._connect)

    async def _connect(self) -> ScriptedClient:
        if not self.waiting:
            await anyio.sleep_forever()
        client = self.waiting.pop(0)
        if isinstance(client, Exception):
            raise client
        return client

    async def __aenter__(self) -> Running:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self.link.run, self.model)
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(*error)

    async def ready(self) -> None:
        await until(lambda: self.model.connection.phase is Phase.READY)
        await until(lambda: self.model.providers_known)
