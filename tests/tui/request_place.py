"""Somebody at the agent screen with requests, and a clock that they hold in their hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentUpserted
from sereno.core.protocol.permissions import PermissionAction, PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.app import SerenoApp
from sereno.tui.messages import Answer
from sereno.tui.screens.agent.pager import RequestPager
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.widgets.request_panel import RequestPanel
from sereno.tui.widgets.request_panel_gate import BURST_S, DEAD_S, QUIET_S
from tests.tui import sample
from tests.tui.idle import passing, until

ONCE = PermissionAction(id="once", label="Allow", behavior="allow")
ALWAYS = PermissionAction(
    id="always", label="Always allow psql in this session", behavior="allow", standing=True
)
REJECT = PermissionAction(id="reject", label="Reject", behavior="deny")


def asks(number: int, command: str = "make deploy", **more: Any) -> PermissionRequest:
    detail = ShellDetail(command=command, cwd=f"{sample.HOME}/src/shop")
    return sample.request(number, detail, 60 - number, **more)


class Person:
    """Somebody at the agent screen, with a clock that they hold in their hand."""

    def __init__(self, app: SerenoApp, pilot: Pilot[str], link: sample.StillLink) -> None:
        self.app, self.pilot, self.link = app, pilot, link
        self.now = 1000.0
        self.updates = 0

    @property
    def screen(self) -> AgentScreen:
        screen = self.app.screen
        assert isinstance(screen, AgentScreen)
        return screen

    @property
    def panel(self) -> RequestPanel:
        return self.screen.panel

    @property
    def answers(self) -> list[Answer]:
        return [act for act in self.link.acts if isinstance(act, Answer)]

    def agent(self, *requests: PermissionRequest) -> AgentSnapshot:
        self.updates += 1
        return sample.agent(
            1, "Tax", status="running", pending=requests, updated=-self.updates, since=10
        )

    async def requests(self, *requests: PermissionRequest) -> None:
        """The daemon says which requests are open."""
        self.app.model.apply(AgentUpserted(agent=self.agent(*requests)))
        await self.settle()

    async def settle(self) -> None:
        self.screen.model_changed(self.app.model.take_changes())
        self.screen.refresh_all()
        await self.pilot.pause()
        await self.pilot.pause()

    async def wait(self, seconds: float) -> None:
        """The clock goes on, and what was due at it happens."""
        panel = self.panel
        first = min(seconds, BURST_S + 0.01)
        for step in (first, seconds - first):
            self.now += step
            panel._woken()
        panel._look_around()
        await self.pilot.pause()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Keys at human speed: each a second after the last."""
        for key in keys:
            await self.pilot.press(key)
            await self.wait(1.0)

    async def look(self) -> None:
        """Waits until the request has taken the keyboard and its keys work."""
        await self.wait(QUIET_S + 0.1)
        await self.until(lambda: self.panel.has_focus)
        await self.wait(DEAD_S + 0.1)

    async def page(self) -> None:
        """Opens the pager on the whole text and waits until it listens."""
        panel = self.panel
        await self.pilot.press("v")
        self.now += 1.0
        panel._woken()
        await self.until(lambda: isinstance(self.app.screen, RequestPager))
        await self.until(lambda: self.app.focused is not None and self.app.focused.id == "text")
        await self.pilot.pause()

    async def until(self, true: Callable[[], bool]) -> None:
        await until(self.pilot, true)


@asynccontextmanager
async def person_at(
    *requests: PermissionRequest, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Person]:
    link = sample.StillLink([sample.agent(1, "Tax", status="running", pending=requests)])
    app = sample.app(link)
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot, link)
        app.monotonic = lambda: person.now
        await passing(pilot, lambda: bool(app.model.agents))
        app.open_agent(link.agents[0].id)
        await passing(pilot, lambda: isinstance(app.screen, AgentScreen))
        await passing(pilot, lambda: bool(app.screen.query("#composer")))
        await person.settle()
        yield person


def shown(person: Person) -> str:
    return "\n".join("".join(text for text, _ in line) for line in person.panel.sheet.lines)
