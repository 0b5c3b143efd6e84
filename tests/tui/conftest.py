"""What the tests of the terminal share: nobody waits for the calm of an app, and idle is idle."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import textual.app
import textual.css.stylesheet
import textual.pilot
from textual._compositor import Compositor
from textual.pilot import Pilot

from sereno.tui import app
from tests.tui import frames, parsed
from tests.tui.idle import steady, wait_for_idle, wait_for_screen

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A screen with real keys is much work: beside four others it may take its time."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(150))


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Screens are looked at more often in tests."""
    monkeypatch.setattr(app, "CALM_TICK", 0.05)
    monkeypatch.setattr(app, "BUSY_TICK", 0.04)


@pytest.fixture(autouse=True)
def _honest_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot goes on when the app has done its work, not when the machine gave it no time."""
    monkeypatch.setattr(textual.app, "wait_for_idle", wait_for_idle)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", wait_for_idle)
    monkeypatch.setattr(Pilot, "_wait_for_screen", wait_for_screen)


@pytest.fixture(autouse=True)
def _one_frame_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compositor, "render_update", frames.render_update)


@pytest.fixture(autouse=True)
def _styles_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual.css.stylesheet, "parse", parsed.parse)
    monkeypatch.setattr(textual.css.stylesheet, "tokenize_values", parsed.tokenize_values)


@pytest.fixture
def snap_compare(snap_compare: Callable[..., bool]) -> Callable[..., bool]:
    """The plugin's, which takes its picture only when the screen has come to rest."""

    def compare(app: Any, *, run_before: Callable[[Pilot[Any]], Any], **more: Any) -> bool:
        async def before(pilot: Pilot[Any]) -> None:
            led = run_before(pilot)
            if inspect.isawaitable(led):
                await led
            await steady(pilot)

        return snap_compare(app, run_before=before, **more)

    return compare
