"""What the app says besides its screens: news on the footer, and a daemon that is gone."""

from __future__ import annotations

import pytest
from textual.widgets._toast import Toast

from sereno.core.protocol.messages import AgentUpserted
from sereno.tui.lines import plain, width_of
from sereno.tui.link_words import NO_DAEMON
from sereno.tui.messages import ArchiveAgent
from sereno.tui.model import Connection, Phase
from sereno.tui.news import News, news_lines
from sereno.tui.screens.agent.screen import AgentScreen
from tests.tui import sample
from tests.tui.idle import until
from tests.tui.scenes import NARROW, WIDE, settle, shown


def test_a_short_message_stands_on_the_rule() -> None:
    (line,) = news_lines(News("Archived."), 30, 2) or [()]
    assert plain(line) == "─ Archived. " + "─" * 18
    assert width_of(line) == 30


def test_a_longer_one_takes_the_lines_of_the_keys_and_no_more() -> None:
    words = "The name is taken by another agent. Choose another one."
    lines = news_lines(News(words, "error"), 40, 2)
    assert lines is not None
    assert " ".join(plain(line).strip() for line in lines) == words
    assert news_lines(News(words * 3, "error"), 40, 2) is None


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_news_hide_nothing_and_go(size: tuple[int, int]) -> None:
    app = sample.app()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        before = shown(app).splitlines()
        app.notify("Something happened.")
        await pilot.pause()
        now = shown(app).splitlines()
        changed = [place for place, line in enumerate(before) if line != now[place]]
        assert [now[place].strip("─ ") for place in changed] == ["Something happened."]
        app.notify("Something else happened.", timeout=0.01)
        assert app.news is not None, "it comes before it goes"
        await until(pilot, lambda: app.news is None)
        assert shown(app).splitlines() == before


async def test_news_of_a_screen_that_opens_just_now_stand_on_its_footer() -> None:
    app = sample.app()
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await settle(pilot)
        app.open_agent(sample.fleet()[2].id)
        app.notify("ctrl+x d leaves.", timeout=60)
        await settle(pilot)
        assert isinstance(app.screen, AgentScreen)
        assert "─ ctrl+x d leaves. ─" in shown(app)
        assert not app.screen.query(Toast)


async def test_the_fleet_is_new_when_it_is_seen_again() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("L")
        await settle(pilot)
        app.model.apply(AgentUpserted(agent=sample.agent(9, "New under the log")))
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert "New under the log" in shown(app)


async def test_what_is_too_long_for_the_footer_is_said_in_a_box() -> None:
    app = sample.app()
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await settle(pilot)
        app.notify("word " * 60, severity="error")
        await pilot.pause()
        await pilot.pause()
        assert len(app.screen.query(Toast)) == 1


async def test_the_word_about_undo_is_true_where_it_is_read() -> None:
    for where, words in (("fleet", "Archived. u brings it back."), ("agent", "u in the fleet")):
        app = sample.app(sample.StillLink(sample.fleet()))
        async with app.run_test(size=NARROW) as pilot:
            await settle(pilot)
            if where == "agent":
                app.open_agent(sample.fleet()[2].id)
                await settle(pilot)
            app.post_message(ArchiveAgent(sample.fleet()[0].id))
            await settle(pilot)
            assert isinstance(app.screen, AgentScreen) is (where == "agent")
            assert words in shown(app)


def gone() -> sample.StillLink:
    return sample.StillLink(sample.fleet(), connection=Connection(Phase.STOPPED, NO_DAEMON))


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_without_a_daemon_a_key_starts_one(size: tuple[int, int]) -> None:
    link = gone()
    app = sample.app(link)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert f"! {NO_DAEMON}" in shown(app)
        assert "s starts one" in shown(app)
        await pilot.press("s")
        await settle(pilot)
        assert link.starts == 1
        assert NO_DAEMON not in shown(app)


async def test_the_leader_starts_a_daemon_from_an_agents_screen() -> None:
    link = gone()
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("ctrl+x", "r")
        await settle(pilot)
        assert link.starts == 1


async def test_a_daemon_that_runs_is_not_started_again() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        assert link.starts == 0
        assert "A daemon runs already." in shown(app)


async def test_why_no_daemon_could_be_started_is_said() -> None:
    link = gone()
    link.refusal = "The database is damaged."
    app = sample.app(link)
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        assert "The database is damaged. Try again." in shown(app)
