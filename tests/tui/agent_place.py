"""An agent's screen in front of a still link, for tests with keys; and how to wait for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from textual.pilot import Pilot

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentUpserted
from sereno.core.protocol.timeline import TimelineItem
from sereno.tui.app import SerenoApp
from sereno.tui.messages import Act
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.widgets.composer import Composer
from sereno.tui.widgets.talk import Talk
from tests.tui import sample
from tests.tui.idle import passing, until

__all__ = ["Place", "place"]

ActType = TypeVar("ActType", bound=Act)


class Place:
    """The screen, its parts, and what was asked of the daemon."""

    def __init__(self, app: SerenoApp, pilot: Pilot[str], link: sample.StillLink) -> None:
        self.app, self.pilot, self.link = app, pilot, link
        self._updates = 0
        self._seq = 1000

    @property
    def screen(self) -> AgentScreen:
        screen = self.app.screen
        assert isinstance(screen, AgentScreen)
        return screen

    @property
    def composer(self) -> Composer:
        return self.screen.composer

    @property
    def talk(self) -> Talk:
        return self.screen.talk

    @property
    def agent_id(self) -> str:
        return self.link.agents[0].id

    def acts(self, kind: type[ActType]) -> list[ActType]:
        return [act for act in self.link.acts if isinstance(act, kind)]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Text as a terminal sends it, key by key."""
        for character in text:
            name = {" ": "space", "\n": "ctrl+j", "@": "at", "/": "slash"}.get(character, character)
            await self.pilot.press(name)

    async def until(self, true: Callable[[], bool]) -> None:
        await until(self.pilot, true)

    async def update(self, **more: Any) -> None:
        """A newer snapshot of the agent from the daemon."""
        self._updates += 1
        more.setdefault("status", "running")
        snapshot = sample.agent(1, "Tax", updated=-self._updates, **more)
        self.app.model.apply(AgentUpserted(agent=snapshot))
        await self.settle()

    async def say(self, *items: TimelineItem) -> None:
        """New rows of the timeline."""
        timeline = self.app.model.agents[self.agent_id].timeline
        for item in items:
            self.app.model.apply(sample.row(self.agent_id, timeline.last_seq + 1, item))
        await self.settle()

    async def settle(self) -> None:
        self.app.model.take_changes()
        self.screen.refresh_all()
        await self.pilot.pause()

    def hint(self) -> str:
        return self.words("#hint")

    def words(self, selector: str) -> str:
        """The text of one of the screen's drawn parts."""
        lines = self.screen.query_one(selector)._lines  # type: ignore[attr-defined]
        return "\n".join("".join(text for text, _ in line) for line in lines)


@asynccontextmanager
async def place(
    items: Sequence[TimelineItem] = (),
    *,
    size: tuple[int, int] = (100, 30),
    agent: AgentSnapshot | None = None,
    **more: Any,
) -> AsyncIterator[Place]:
    """The screen of agent 1, open and drawn."""
    more.setdefault("status", "idle")
    link = sample.StillLink([agent or sample.agent(1, "Tax", **more)], items={1: list(items)})
    app = sample.app(link)
    async with app.run_test(size=size) as pilot:
        here = Place(app, pilot, link)
        await passing(pilot, lambda: bool(app.model.agents) and app.model.loaded)
        app.open_agent(link.agents[0].id)
        await passing(pilot, lambda: isinstance(app.screen, AgentScreen))
        await passing(
            pilot, lambda: bool(app.screen.query("#composer")) and here.composer.has_focus
        )
        await here.settle()
        yield here
