"""The first frame: a whole one that takes keys, before anything that it does not need is begun."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import anyio
import pytest
from textual.css.stylesheet import Stylesheet

from sereno.tui.app import HERE, LATER_STYLES, STYLES, SerenoApp
from sereno.tui.model import FleetModel
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.help.screen import HelpScreen
from sereno.tui.theme import DARK, LIGHT
from tests.tui import sample
from tests.tui.idle import PATIENCE
from tests.tui.scenes import settle, shown

WIDE, NARROW = (100, 30), (60, 20)

FOR_LATER = (
    "anyio",
    "click",
    "markdown_it",
    "pygments",
    "sqlite3",
    "textual.widgets._text_area",
    "tomlkit",
    "websockets",
    "sereno.core.agents",
    "sereno.core.client.aio",
    "sereno.core.daemon",
    "sereno.core.providers",
    "sereno.core.sessions",
    "sereno.core.store",
    "sereno.tui.pane_view",
    "sereno.tui.screens.agent.screen",
    "sereno.tui.screens.commands",
    "sereno.tui.screens.first_run.screen",
    "sereno.tui.screens.help.screen",
    "sereno.tui.screens.log.screen",
    "sereno.tui.screens.new_agent.view",
    "sereno.tui.widgets.blocks",
    "sereno.tui.widgets.composer",
    "sereno.tui.widgets.markdown",
    "sereno.tui.widgets.request_panel",
    "sereno.tui.widgets.talk",
)
"""Modules that the first frame does without, by name or with all below it."""

LOADED = """
import sys, sereno.tui.cli.commands.ui, sereno.tui.start
def classes(place, values):
    for one in values:
        if isinstance(one, type) and one.__module__ == place:
            yield one
            yield from classes(place, list(vars(one).values()))
print(*sorted(sys.modules))
print(*(
    name for name, module in list(sys.modules.items()) if name.startswith("sereno.")
    and any("__dataclass_fields__" in vars(one) for one in classes(name, vars(module).values()))
))
"""
"""Names the modules that are loaded for the first frame, then those of ours with a dataclass."""


class SilentLink(sample.StillLink):
    """A daemon that is still starting; keeps what stood on the screen when it was first asked."""

    def __init__(self) -> None:
        super().__init__()
        self.app: SerenoApp | None = None
        self.before: str | None = None

    async def run(self, model: FleetModel) -> None:
        assert self.app is not None
        self.before = shown(self.app)
        await anyio.sleep_forever()


async def asked(link: SilentLink) -> str:
    with anyio.fail_after(PATIENCE):
        while link.before is None:
            await anyio.sleep(0.01)
    return link.before


def silent() -> tuple[SilentLink, SerenoApp]:
    link = SilentLink()
    link.app = sample.app(link)
    return link, link.app


def test_loading_the_ui_loads_nothing_that_the_first_frame_does_without() -> None:
    told = subprocess.run(
        [sys.executable, "-P", "-c", LOADED], capture_output=True, text=True, check=True, timeout=40
    )
    loaded, made = (line.split() for line in told.stdout.splitlines())
    assert "sereno.tui.app" in loaded
    found = [
        name for name in loaded for late in FOR_LATER if name == late or name.startswith(f"{late}.")
    ]
    assert found == []
    # Python makes the code of each dataclass when it starts; a struct of msgspec is ready. Messages
    # of Textual cannot be structs.
    assert set(made) == {"sereno.tui.messages"}


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_the_daemon_is_not_begun_before_a_whole_frame_stands(size: tuple[int, int]) -> None:
    link, app = silent()
    async with app.run_test(size=size):
        lines = (await asked(link)).splitlines()
    assert lines[0].startswith(" sereno")
    assert "starting the daemon" in lines[0]
    assert any("? keys" in line and "q detach" in line for line in lines[-3:])
    assert any("starting" in line for line in lines[1:-1])


@pytest.mark.parametrize(
    ("size", "expected"), [(WIDE, {"-wide", "-tall"}), (NARROW, {"-narrow", "-short"})]
)
async def test_the_first_frame_is_made_for_the_terminal(
    size: tuple[int, int], expected: set[str]
) -> None:
    link, app = silent()
    async with app.run_test(size=size):
        first = await asked(link)
        assert expected <= app.screen.classes
        await app.screen.run_action("app.redraw")
        await anyio.sleep(0)
        assert shown(app).splitlines()[1:] == first.splitlines()[1:]


async def test_keys_work_while_the_daemon_starts() -> None:
    link, app = silent()
    async with app.run_test(size=WIDE) as pilot:
        await asked(link)
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, FleetScreen)
        await pilot.press("q")
    assert app.return_value == "detach"


async def test_the_fleet_is_at_the_bottom() -> None:
    app = sample.app(sample.StillLink(sample.fleet()))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        app.open_log()
        app.to_fleet()
        assert [type(each) for each in app.screen_stack] == [FleetScreen]


async def test_no_place_has_the_rules_of_the_app_parsed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[Stylesheet] = []
    reparse = Stylesheet.reparse

    def counted(sheet: Stylesheet) -> None:
        parsed.append(sheet)
        reparse(sheet)

    monkeypatch.setattr(Stylesheet, "reparse", counted)
    app = sample.app(sample.StillLink(sample.fleet()))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        first = app.model.ordered()[0].id
        places: list[Callable[[], None]] = [
            partial(app.open_agent, first),
            app.open_new_agent,
            app.open_log,
            app.open_history,
            app.action_keys,
        ]
        for opened in places:
            opened()
            await settle(pilot)
            assert not isinstance(app.screen, FleetScreen)
        assert parsed == []
        app.theme = LIGHT.name
        await pilot.pause()
        assert len(parsed) == 1


def test_every_sheet_is_read() -> None:
    read = {HERE / name for name in STYLES}
    for pattern in LATER_STYLES:
        read |= set(HERE.glob(pattern))
    assert read == set(HERE.rglob("*.tcss"))


async def test_another_theme_is_seen_at_once_and_the_first_one_again() -> None:
    app = sample.app(sample.StillLink(sample.fleet()))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        for theme in (LIGHT, DARK, LIGHT):
            app.theme = theme.name
            await pilot.pause()
            assert app.screen.styles.background.hex.lower() == theme.background
