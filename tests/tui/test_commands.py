"""The palette with real keys: words, aliases, and commands with an argument, in every place."""

from __future__ import annotations

import anyio
import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from sereno.tui.app import Leave, SerenoApp
from sereno.tui.messages import EndAgent, Rename
from sereno.tui.screens.confirm.screen import Confirm
from sereno.tui.screens.confirm.text import AskText
from sereno.tui.screens.log.screen import LogScreen
from sereno.tui.screens.new_agent.screen import NewAgentScreen
from sereno.tui.widgets.rows import RowList
from tests.tui import sample
from tests.tui.idle import PATIENCE, until
from tests.tui.scenes import NARROW, WIDE, settle, shown

FIRST = sample.fleet()[0].id


async def command(pilot: Pilot[str], words: str, offered: str) -> None:
    """Opens the palette, types the words, and takes the first offer once `offered` is shown."""
    app = pilot.app
    assert isinstance(app, SerenoApp)
    await pilot.press("ctrl+p", *keys(words))
    await until(pilot, lambda: offered in shown(app))
    await pilot.press("enter")
    with anyio.fail_after(PATIENCE):
        while any(isinstance(screen, CommandPalette) for screen in app.screen_stack):
            await pilot.pause(0.02)
    await settle(pilot)


def keys(words: str) -> list[str]:
    return ["space" if character == " " else character for character in words]


@pytest.mark.parametrize("place", ["fleet", "agent"])
async def test_rename_takes_the_new_name(place: str) -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        if place == "agent":
            app.open_agent(FIRST)
            await settle(pilot)
        await command(pilot, "rename foo bar", "give it this title")
        assert [each for each in link.acts if isinstance(each, Rename)] == [
            Rename(FIRST, "foo bar")
        ]


async def test_rename_alone_asks() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await command(pilot, "rename", "another title ...")
        assert isinstance(app.screen, AskText)


@pytest.mark.parametrize("words", ["q", "quit", "detach"])
async def test_ways_to_leave_by_words(words: str) -> None:
    app = sample.app()
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("colon", *keys(words))
        await until(pilot, lambda: "leave; the agents keep" in shown(app))
        await pilot.press("enter")
        with anyio.fail_after(PATIENCE):
            while app.return_value is None:
                await pilot.pause(0.02)
        assert app.return_value == Leave.DETACH


async def test_stop_is_confirmed_from_an_agents_screen_too() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        app.open_agent(FIRST)
        await settle(pilot)
        await command(pilot, "stop", "end its processes ...")
        assert isinstance(app.screen, Confirm)
        assert not [each for each in link.acts if isinstance(each, EndAgent)]


async def test_new_takes_the_task_and_filter_the_words() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await command(pilot, "filter api", "only agents with these words")
        assert len(app.screen.query_one("#agents", RowList)._rows) == 2
        await command(pilot, "new fix the door", "new agent with this task")
        assert isinstance(app.screen, NewAgentScreen)
        assert "fix the door" in shown(app)


async def test_the_log_of_an_agent_by_its_name() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await command(pilot, "log notes", "its stderr and events")
        assert isinstance(app.screen, LogScreen)
        assert "[Notes]" in shown(app)


async def test_a_daemon_is_started_by_words() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await command(pilot, "daemon start", "where none runs")
        assert "A daemon runs already." in shown(app)
