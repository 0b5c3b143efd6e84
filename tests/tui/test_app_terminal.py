"""The shell and its terminal: ways to leave, stalls, the bell, colours, the count of widgets."""

from __future__ import annotations

import pytest

from sereno.core.protocol.messages import AgentUpserted
from sereno.core.protocol.tools import ShellDetail
from sereno.tui import app as app_module
from sereno.tui.app import Leave
from sereno.tui.screens.fleet.screen import FleetScreen
from tests.tui import sample
from tests.tui.idle import until
from tests.tui.scenes import WIDE, settle, shown


@pytest.mark.parametrize("keys", [["q"], ["ctrl+x", "d"], ["ctrl+c", "ctrl+c"]])
async def test_ways_to_detach(keys: list[str]) -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        assert app.return_value == Leave.DETACH


async def test_ctrl_c_clears_a_text_before_it_means_anything_else() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("n", *"some task")
        await pilot.press("ctrl+c")
        assert app.focused is not None
        assert app.focused.text == ""  # type: ignore[attr-defined]
        assert app.return_value is None
        await pilot.press("ctrl+c")
        assert app.return_value is None, "once is not twice"


async def test_two_ctrl_c_far_apart_do_nothing() -> None:
    now = [sample.NOW_MS]
    app = sample.app()
    app._now_ms = lambda: now[0]
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+c")
        now[0] += int(app.times.twice * 1000) + 1
        await pilot.press("ctrl+c")
        assert app.return_value is None


async def test_esc_at_the_top_changes_nothing() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("escape", "escape")
        assert app.return_value is None
        assert isinstance(app.screen, FleetScreen)


async def test_a_stalled_terminal_is_not_drawn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        asked: list[object] = []

        def stalled(app: object) -> int:
            asked.append(app)
            return 3

        monkeypatch.setattr(app_module, "queued_writes", stalled)
        app.model.apply(AgentUpserted(agent=sample.agent(9, "New one", status="running")))
        await until(pilot, lambda: len(asked) > 2)
        assert not app.model.settled, "nothing was taken, so nothing was drawn"
        assert "New one" not in shown(app)
        monkeypatch.setattr(app_module, "queued_writes", lambda _app: 0)
        await settle(pilot)
        assert "New one" in shown(app)


async def test_leaving_a_stalled_terminal_hands_over_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    app = sample.app(
        before_suspend=lambda: told.append("handed over"),
        leaving=lambda seconds: told.append(f"out in {seconds} s"),
    )
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        monkeypatch.setattr(app_module, "queued_writes", lambda _app: 5)
        await pilot.press("q")
        await pilot.pause()
        assert told == ["handed over", "out in 0.5 s"]


async def test_the_bell_rings_once_and_the_title_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    raw: list[str] = []
    monkeypatch.setattr(app_module, "write_raw", lambda _app, words: raw.append(words))
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert raw.count("\x07") == 1
        assert raw[-1] == "\x1b]0;(2) sereno\x07"
        asks = sample.request(9, ShellDetail(command="ls"), 1)
        new = sample.agent(9, "New", status="running", pending=[asks])
        app.model.apply(AgentUpserted(agent=new))
        await settle(pilot)
        app.model.apply(AgentUpserted(agent=new))
        await settle(pilot)
        assert raw.count("\x07") == 2
        assert raw[-1] == "\x1b]0;(3) sereno\x07"


async def test_the_bell_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    raw: list[str] = []
    monkeypatch.setattr(app_module, "write_raw", lambda _app, words: raw.append(words))
    app = sample.app(bell=False)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert "\x07" not in raw


async def test_themes_change_what_is_painted() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        dark = app.palette
        app.theme = "sereno-light"
        await pilot.pause()
        assert app.palette is not dark
        assert app.palette.style("asks") != dark.style("asks")


async def test_without_colour_there_is_none() -> None:
    app = sample.app(no_colour=True)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default
                assert style is None or style.bgcolor is None or style.bgcolor.is_default


async def test_fewer_than_600_widgets_with_a_hundred_agents() -> None:
    agents = [sample.agent(number, f"Agent {number}") for number in range(1, 101)]
    app = sample.app(sample.StillLink(agents))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert len(list(app.screen.walk_children())) < 60
