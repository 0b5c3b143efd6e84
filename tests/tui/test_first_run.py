"""The first screen on a machine without agent programs: what is ready first, hints whole."""

from __future__ import annotations

import pytest

from sereno.core.protocol.agents import Mode
from sereno.tui.messages import CreateAgent
from sereno.tui.screens.first_run.screen import FirstRunScreen
from sereno.tui.widgets.choice import Choice
from tests.tui import sample
from tests.tui.scenes import SCENES, bare, play, settle, shown

SIZES = [(100, 30), (80, 24), (60, 20)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_how_to_install_is_whole_on_the_row_that_is_chosen(size: tuple[int, int]) -> None:
    app = sample.app(bare())
    async with app.run_test(size=size) as pilot:
        await play(pilot, SCENES["first_run_missing"].keys)
        assert isinstance(app.screen, FirstRunScreen)
        words = " ".join(shown(app).split())
        hint = "npm install -g @agentclientprotocol/claude-agent-acp"
        assert f"claude was not found. Install it: {hint}" in words
        assert "choose one to see how to install it" in words


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_what_is_ready_stands_first_and_is_offered(size: tuple[int, int]) -> None:
    app = sample.app(bare())
    async with app.run_test(size=size) as pilot:
        await play(pilot, ())
        text = shown(app)
        assert text.index("Demo") < text.index("not found: Claude")
        assert "[ Demo" in text
        assert "Explain this repository" in text


def dangerous() -> sample.StillLink:
    """A new home whose first agent has a mode in which nothing is asked."""
    link = sample.StillLink(virgin=True)
    link.providers = sample.providers()
    link.providers[0].modes = [
        Mode(id="ask", label="Ask always"),
        Mode(id="bypass", label="Bypass permissions", color_tier="dangerous"),
    ]
    return link


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_dangerous_mode_is_begun_in_by_a_second_enter_only(size: tuple[int, int]) -> None:
    link = dangerous()
    app = sample.app(link)
    async with app.run_test(size=size) as pilot:
        await play(pilot, ())
        screen = app.screen
        screen.query_one("#mode", Choice).focus()
        await pilot.press("right")
        screen.query_one("#task").focus()
        await pilot.press("enter")
        await settle(pilot)
        words = " ".join(shown(app).split())
        assert 'In "Bypass permissions" nothing is asked before it happens.' in words
        assert "enter once more: start it so." in words
        assert not link.acts
        screen.query_one("#mode", Choice).focus()
        await pilot.press("left", "right")
        assert "nothing is asked" not in shown(app)
        screen.query_one("#task").focus()
        await pilot.press("enter")
        await settle(pilot)
        assert not link.acts, "another choice in between: it is said again"
        await pilot.press("enter")
        await settle(pilot)
        (act,) = [each for each in link.acts if isinstance(each, CreateAgent)]
        assert act.mode_id == "bypass"


async def test_a_mode_that_asks_is_begun_in_at_once() -> None:
    link = dangerous()
    app = sample.app(link)
    async with app.run_test(size=(80, 24)) as pilot:
        await play(pilot, ("enter",))
        assert [act.mode_id for act in link.acts if isinstance(act, CreateAgent)] == ["ask"]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_field_with_values_says_how_they_are_changed(size: tuple[int, int]) -> None:
    app = sample.app(bare())
    async with app.run_test(size=size) as pilot:
        await play(pilot, ())
        assert "left right change" not in shown(app)
        app.screen.query_one("#agent", Choice).focus()
        await settle(pilot)
        assert "left right change" in shown(app)
