"""The times of the product: tests bring others, so here they are held to what docs/keys.md says."""

from __future__ import annotations

import time
from pathlib import Path

from sereno.tui.app import SerenoApp
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.leader.screen import LeaderScreen
from sereno.tui.times import Times
from sereno.tui.widgets.request_panel_gate import DEAD_S, QUIET_S
from tests.tui import sample
from tests.tui.idle import until
from tests.tui.scenes import settle

DOCUMENT = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_product_has_the_times_that_are_documented() -> None:
    times = SerenoApp(sample.StillLink(), cwd=Path("/")).times
    said = " ".join(DOCUMENT.read_text().split())
    assert f"forgotten after {times.leader:g} s" in said
    assert f"within {times.twice:g} s detach" in said
    assert f"counts {times.dead:g} s after the question appeared" in said
    assert f"no key came for {QUIET_S:g} s" in said
    assert f"its keys count {DEAD_S:g} s after that" in said
    assert times == Times()


def test_the_product_counts_on_a_clock_that_cannot_be_set() -> None:
    assert SerenoApp(sample.StillLink(), cwd=Path("/")).monotonic is time.monotonic


async def test_the_leader_is_forgotten_by_itself() -> None:
    app = sample.app(times=Times(leader=0.01))
    async with app.run_test() as pilot:
        await settle(pilot)
        await app.action_leader()
        assert isinstance(app.screen, LeaderScreen)
        await until(pilot, lambda: isinstance(app.screen, FleetScreen))
