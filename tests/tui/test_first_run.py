"""The first screen on a machine without agent programs: what is ready first, hints whole."""

from __future__ import annotations

import pytest

from sereno.tui.screens.first_run.screen import FirstRunScreen
from tests.tui import sample
from tests.tui.scenes import SCENES, bare, play
from tests.tui.test_app import shown

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
