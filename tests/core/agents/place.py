"""A daemon's worth of parts around a fleet, for tests: database, home, fleet, audience."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio

from sereno.core.agents.context import Runners, Timings
from sereno.core.agents.fleet import Fleet
from sereno.core.agents.views import AgentView
from sereno.core.config import Config
from sereno.core.home import Home, prepare
from sereno.core.protocol.agents import AgentExtra
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import AgentStream, AgentUpserted, TimelinePage
from sereno.core.protocol.requests import AgentConfig, CreateAgent, FetchTimeline
from sereno.core.protocol.timeline import Entry, ToolCall
from sereno.core.protocol.tools import PlainTextDetail
from sereno.core.protocol.values import UnsetType, Wire, given
from sereno.core.providers.catalog import Catalog
from sereno.core.store.database import Database
from tests.core.agents.fakes import Audience, FakeCatalog

BY = "tester"


def extra(view: AgentView) -> AgentExtra:
    """Sereno's part of a snapshot, which the fleet always fills."""
    found = view.snapshot.sereno
    assert not isinstance(found, UnsetType)
    return found


def numbers(entries: list[Entry]) -> list[int]:
    """The numbers of streamed tool calls, once per stored row of a final state."""
    found = []
    for entry in entries:
        item = entry.item
        if isinstance(item, ToolCall) and isinstance(item.detail, PlainTextDetail):
            word, _, number = given(item.detail.label, "").partition(" ")
            if word == "event" and item.status == "completed":
                found.append(int(number))
    return found


@dataclass
class Place:
    """One running fleet and its parts."""

    root: Path
    fleet: Fleet
    database: Database
    audience: Audience

    @property
    def cwd(self) -> str:
        folder = self.root / "work"
        folder.mkdir(exist_ok=True)
        return str(folder)

    async def create(self, prompt: str = "", provider: str = "fake", **fields: Any) -> AgentView:
        config = AgentConfig(provider=provider, cwd=self.cwd)
        request = CreateAgent(request_id="r", config=config, initial_prompt=prompt, **fields)
        return await self.fleet.create(request, by=BY)

    async def until(self, agent_id: str, wanted: Callable[[AgentView], bool]) -> AgentView:
        """Until the agent's view fulfils something; 10 s at most."""
        with anyio.fail_after(10):
            while not wanted(self.fleet.view(agent_id)):
                await self.audience.more.wait()
        return self.fleet.view(agent_id)

    async def status(self, agent_id: str, status: str) -> AgentView:
        return await self.until(agent_id, lambda view: view.snapshot.status == status)

    async def page(self, agent_id: str, **fields: Any) -> TimelinePage:
        fields = {"limit": 0, "projection": "canonical", **fields}
        request = FetchTimeline(request_id="r", agent_id=agent_id, **fields)
        page = decode_daemon_frame(await self.fleet.timeline(request))
        assert isinstance(page, TimelinePage)
        return page

    async def texts(self, agent_id: str) -> list[str]:
        """The timeline in short: the text or name of each row."""
        page = await self.page(agent_id)
        return [getattr(e.item, "text", getattr(e.item, "name", "?")) for e in page.entries]

    async def until_said(self, text: str) -> None:
        """Until the timeline holds something with this text."""
        wanted = text.encode()
        with anyio.fail_after(10):
            while not any(wanted in one.data for one in self.audience.heard):
                await self.audience.more.wait()

    def heard(self, agent_id: str) -> list[Wire]:
        return [
            decode_daemon_frame(one.data) for one in self.audience.heard if one.agent_id == agent_id
        ]

    def told(self, agent_id: str) -> list[str]:
        """What clients heard, in short: "state idle", event types, rows with their number."""
        short = []
        for message in self.heard(agent_id):
            match message:
                case AgentUpserted(agent=agent):
                    short.append(f"state {agent.status}")
                case AgentStream(event=event, seq=int(seq)):
                    short.append(f"row {seq}")
                case AgentStream(event=event):
                    short.append(str(event.__struct_config__.tag))
                case _:
                    short.append(type(message).__name__)
        return short


@asynccontextmanager
async def running(
    root: Path,
    runners: Runners | None = None,
    *,
    catalog: Any = None,
    timings: Timings | None = None,
    database: Database | None = None,
    config: Config | None = None,
) -> AsyncIterator[Place]:
    """A fleet on `root`; leaving it is what a daemon's end is: agents go on."""
    home = Home(root / "home")
    prepare(home)
    database = database or Database(home.database)
    await database.open()
    audience = Audience()
    fleet = Fleet(
        database=database,
        catalog=cast("Catalog", catalog or FakeCatalog()),
        publisher=audience,
        home=home,
        config=config or Config(),
        server_id="srv_test",
        runners=runners,
        timings=timings,
    )
    try:
        async with anyio.create_task_group() as group:
            await group.start(fleet.run)
            yield Place(root, fleet, database, audience)
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await database.close()
