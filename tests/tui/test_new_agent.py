"""The form of a new agent with keys: lists of values, files and images, danger, trust."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from sereno.core.protocol.agents import Mode, Model, ProviderEntry
from sereno.tui.app import SerenoApp
from sereno.tui.messages import CreateAgent
from sereno.tui.requests import of
from sereno.tui.screens.choose.screen import ChooseOne
from sereno.tui.screens.new_agent.screen import NewAgentScreen
from sereno.tui.screens.new_agent.task import TaskText
from sereno.tui.widgets.choice import Choice, Option
from sereno.tui.widgets.file_picker import FilePicker
from sereno.tui.widgets.footer import Footer
from tests.tui import sample
from tests.tui.idle import until
from tests.tui.scenes import NARROW, WIDE, settle, shown

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
MODES = [
    Mode(id="default", label="Ask always"),
    Mode(id="bypassPermissions", label="Bypass permissions", color_tier="dangerous",
         description="Runs everything."),
]  # fmt: skip
MODELS = [Model(provider="claude", id=f"m{n}", label=f"Model {n}") for n in range(30)]


def link() -> sample.StillLink:
    made = sample.StillLink(sample.fleet())
    made.providers = [
        ProviderEntry(
            provider="claude", status="ready", enabled=True, label="Claude Code", modes=MODES,
            models=MODELS, default_mode_id="default", command=["claude"], version="2.1.4",
        ),
        *sample.providers()[1:],
    ]  # fmt: skip
    return made


@asynccontextmanager
async def form(
    folder: Path | None = None, size: tuple[int, int] = WIDE
) -> AsyncIterator[tuple[SerenoApp, Pilot[str], sample.StillLink]]:
    still = link()
    app = sample.app(still)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        if folder is not None:
            app.screen.query_one("#folder", Input).value = str(folder)
            await settle(pilot)
        yield app, pilot, still


def started(still: sample.StillLink) -> list[CreateAgent]:
    return [act for act in still.acts if isinstance(act, CreateAgent)]


async def start(app: SerenoApp) -> None:
    """What `ctrl+x s` does; the leader itself waits two seconds, whatever the machine does."""
    (action,) = [each.action for each in NewAgentScreen.FOLLOWERS if each.key == "s"]
    await app.run_action(action, default_namespace=app.screen)


def text(app: SerenoApp) -> str:
    return " ".join(shown(app).split())


# -- choices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_enter_on_a_choice_shows_all_values_and_takes_one(size: tuple[int, int]) -> None:
    async with form(size=size) as (app, pilot, _):
        choice = app.screen.query_one("#model", Choice)
        choice.focus()
        await pilot.pause()
        assert ("enter", "all of them") in app.screen.query_one(Footer).keys
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ChooseOne))
        await settle(pilot)
        assert "Model 3" in text(app)
        await pilot.press(*"17")
        await settle(pilot)
        assert "Model 17" in text(app)
        assert "Model 3" not in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NewAgentScreen))
        assert choice.value == "m17"
        assert choice.has_focus


async def test_a_list_of_values_is_moved_through_and_left_as_it_was() -> None:
    async with form() as (app, pilot, _):
        choice = app.screen.query_one("#model", Choice)
        choice.take("m4")
        choice.focus()
        await pilot.press("enter", "down", "down", "escape")
        await until(pilot, lambda: isinstance(app.screen, NewAgentScreen))
        assert choice.value == "m4"
        await pilot.press("enter", "down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, NewAgentScreen))
        assert choice.value == "m6", "it begins at the value that is chosen"


async def test_where_nothing_matches_enter_takes_nothing() -> None:
    async with form() as (app, pilot, _):
        app.screen.query_one("#model", Choice).focus()
        await pilot.press("enter", *"zzz")
        await settle(pilot)
        assert "nothing matches" in text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ChooseOne)


async def test_enter_goes_on_where_there_is_nothing_to_choose_and_in_the_folder() -> None:
    async with form() as (app, pilot, _):
        choice = app.screen.query_one("#mode", Choice)
        choice.show(choice.options[:1])
        choice.focus()
        await pilot.press("enter")
        assert app.screen.query_one("#folder", Input).has_focus
        await pilot.press("enter")
        assert app.screen.query_one("#task", TaskText).has_focus
        await pilot.press("a", "enter", "b")
        assert app.screen.query_one("#task", TaskText).text == "a\nb"


LONG = "Works here, in a sandbox; asks before edits and commands that are not known as harmless."


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_what_is_cut_beside_a_value_stands_whole_below(size: tuple[int, int]) -> None:
    async with form(size=size) as (app, pilot, _):
        choice = app.screen.query_one("#mode", Choice)
        choice.show([Option("a", "Ask", LONG), Option("p", "Plan", "Looks")])
        about = app.screen.query_one("#about", Static)
        assert not about.display
        choice.focus()
        await settle(pilot)
        assert LONG in text(app)
        await pilot.press("right")
        await settle(pilot)
        assert not about.display, "it stands beside it, once"
        assert text(app).count("Looks") == 1
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ChooseOne)
        assert LONG not in text(app)
        await pilot.press("up")
        await settle(pilot)
        assert LONG in text(app).replace("│ │ ", "")


# -- files and images --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_file_is_completed_in_the_task(size: tuple[int, int]) -> None:
    async with form(size=size) as (app, pilot, _):
        task = app.screen.query_one("#task", TaskText)
        await pilot.press(*"see", "space", "at", *"cart.p")
        picker = app.screen.query_one(FilePicker)
        await until(pilot, lambda: picker.is_open)
        await pilot.pause()
        assert "src/checkout/cart.py" in text(app)
        assert task.size.height >= 2, "what is typed is still seen"
        await pilot.press("enter")
        await until(pilot, lambda: not picker.is_open)
        assert task.text == "see @src/checkout/cart.py "
        await pilot.press("at")
        await until(pilot, lambda: picker.is_open)
        await pilot.press("escape")
        await until(pilot, lambda: not picker.is_open)
        assert isinstance(app.screen, NewAgentScreen), "the first esc closes the list only"


async def test_images_go_with_the_task_and_are_named_before(tmp_path: Path) -> None:
    (tmp_path / "cart.png").write_bytes(PNG)
    async with form(tmp_path) as (app, pilot, still):
        app.screen.query_one("#task", TaskText).put("Like @cart.png please")
        await settle(pilot)
        assert "1 image goes with it: cart.png" in text(app)
        await start(app)
        await until(pilot, lambda: started(still))
        (act,) = started(still)
        assert act.task == "Like @cart.png please"
        assert base64.b64decode(act.images[0].data) == PNG
        assert of(act).images == list(act.images)  # type: ignore[attr-defined]


async def test_an_image_that_is_none_stops_the_start_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "cart.png").write_bytes(b"no picture")
    async with form(tmp_path) as (app, pilot, still):
        app.screen.query_one("#task", TaskText).put("@cart.png")
        await start(app)
        await settle(pilot)
        assert "cart.png is not what its name says. Nothing was sent" in text(app)
        assert not started(still)
        app.screen.query_one("#task", TaskText).put("go")
        await start(app)
        await until(pilot, lambda: started(still))


# -- danger ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_dangerous_mode_is_begun_in_by_a_second_start_only(size: tuple[int, int]) -> None:
    async with form(size=size) as (app, pilot, still):
        mode = app.screen.query_one("#mode", Choice)
        mode.focus()
        await pilot.press("right")
        assert "dangerous!" in text(app)
        await start(app)
        await settle(pilot)
        said = 'In "Bypass permissions" nothing is asked before it happens.'
        assert said in text(app)
        assert not started(still)
        await pilot.press("left", "right")
        await start(app)
        await settle(pilot)
        assert not started(still), "another choice in between: it is said again"
        await start(app)
        await until(pilot, lambda: started(still))
        assert started(still)[0].mode_id == "bypassPermissions"


# -- trust -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_what_the_folder_brings_is_said_before_the_start(
    size: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text("{}")
    (tmp_path / ".mcp.json").write_text("{}")
    async with form(tmp_path, size) as (app, pilot, _):
        told = app.screen.query_one("#trust", Static)
        await until(pilot, lambda: told.display)
        words = " ".join(str(told.render()).split())
        assert ".claude/settings.json, .mcp.json: left out, unless trusted_folders" in words
        assert "[providers.claude] in config.toml" in words
        assert "left out, unless" in text(app), "it is on the screen"
        app.screen.query_one("#agent", Choice).take("codex")
        await until(pilot, lambda: not told.display)  # Codex has no such thing.


async def test_where_a_folder_brings_nothing_nothing_is_said(tmp_path: Path) -> None:
    async with form(tmp_path) as (app, pilot, _):
        await settle(pilot)
        assert not app.screen.query_one("#trust", Static).display


def test_picture_of_the_list_of_values(snap_compare: Any) -> None:
    async def ready(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        pilot.app.screen.query_one("#model", Choice).focus()
        await pilot.press("enter", *"1")
        await settle(pilot)

    assert snap_compare(sample.app(link()), terminal_size=NARROW, run_before=ready)


async def test_what_is_wrong_is_seen_also_where_the_form_is_full(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text("{}")
    (tmp_path / "cart.png").write_bytes(b"no picture")
    async with form(tmp_path, NARROW) as (app, pilot, _):
        app.screen.query_one("#task", TaskText).put("@cart.png")
        await settle(pilot)
        await start(app)
        await settle(pilot)
        await until(pilot, lambda: "take the @ away to send it." in text(app))


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_the_footer_names_the_way_out(size: tuple[int, int]) -> None:
    async with form(size=size) as (app, pilot, _):
        await settle(pilot)
        assert "esc back" in text(app)
        assert "F1 keys" in text(app)
