"""The history screen with real keys: bringing back, importing one and all, filtering, failing."""

from __future__ import annotations

import pytest

from sereno.core.protocol.additions import UnarchiveAgentResult
from sereno.core.protocol.importing import (
    AgentResumed,
    ImportAgent,
    ListProviderSessions,
    ProviderSessions,
    SessionsProblem,
)
from sereno.core.protocol.messages import AgentUpserted, FetchAgentHistoryResult, PageInfo
from sereno.core.protocol.requests import FetchAgentHistory
from sereno.core.protocol.values import UnsetType, given
from sereno.tui.messages import ImportSession, Unarchive
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.confirm.screen import Confirm
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.history.screen import HistoryScreen
from tests.tui import sample
from tests.tui.link_place import Running, ScriptedClient
from tests.tui.scenes import NARROW, WIDE, alive, settle, shown, with_history

WHERE = f"{sample.HOME}/src/shop"


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_what_is_here_already_is_not_offered_and_trouble_is_whole(
    size: tuple[int, int],
) -> None:
    app = sample.app(with_history())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        words = " ".join(shown(app).split())
        assert "2 to import 2 archived" in words
        assert "Why is the cart slow?" in words
        assert "Spike: voice" in words
        assert "Known already" not in words
        assert "gave no answer within 20 s. Try `opencode session list` by hand." in words


async def test_enter_imports_a_session_and_opens_it() -> None:
    link = with_history()
    made = sample.agent(30, "Why is the cart slow?", provider="claude")
    link.reply = AgentResumed(request_id="i", agent_id=made.id, agent=made)
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        app.model.apply(AgentUpserted(agent=made))
        await pilot.press("g", "enter")
        await settle(pilot)
        (act,) = [each for each in link.acts if isinstance(each, ImportSession)]
        assert (act.provider, act.session_id, act.folder) == ("claude", "0192-a", WHERE)
        assert isinstance(app.screen, AgentScreen)
        assert app.screen.agent_id == made.id


async def test_enter_brings_an_archived_agent_back_and_opens_it_when_it_is_there() -> None:
    link = with_history()
    link.reply = UnarchiveAgentResult(request_id="u", agent_id=link.past[0].id, error=None)
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        await pilot.press("enter")  # The cursor stays with its row when sessions come above it.
        await settle(pilot)
        assert Unarchive(link.past[0].id) in link.acts
        assert isinstance(app.screen, HistoryScreen), "it is not in the list yet"
        app.model.apply(AgentUpserted(agent=sample.agent(21, "Old parser")))
        await settle(pilot)
        assert isinstance(app.screen, AgentScreen)


async def test_all_are_imported_after_a_question() -> None:
    link = with_history()
    made = sample.agent(30, "One of them")
    link.reply = AgentResumed(request_id="i", agent_id=made.id, agent=made)
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        await pilot.press("I")
        assert isinstance(app.screen, Confirm)
        assert "Import 2 sessions?" in shown(app)
        await alive(app)
        await pilot.press("y")
        await settle(pilot)
        ids = [each.session_id for each in link.acts if isinstance(each, ImportSession)]
        assert ids == ["0192-a", "0192-b"]
        assert isinstance(app.screen, HistoryScreen)
        assert "0 to import" in shown(app)


async def test_a_refusal_is_said_and_the_row_stays() -> None:
    link = with_history()
    link.refusal = "The program does not know this session."
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "does not know this session. Try again." in shown(app)
        assert "2 to import" in shown(app)


async def test_the_filter_and_the_way_back() -> None:
    app = sample.app(with_history())
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        await pilot.press("slash", *"codex", "enter")
        await settle(pilot)
        assert "Add a currency" in shown(app)
        assert "the cart slow" not in shown(app)
        await pilot.press("escape")
        assert "the cart slow" in shown(app)
        await pilot.press("escape")
        assert isinstance(app.screen, FleetScreen)


async def test_an_empty_history_says_so() -> None:
    app = sample.app()
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        assert "nothing was archived, and no program" in shown(app)


async def test_the_link_asks_and_takes_over() -> None:
    client = ScriptedClient()
    made = sample.agent(31, "Taken over")
    problem = SessionsProblem("codex", "It gave no answer.")
    client.replies[ListProviderSessions] = lambda asked: ProviderSessions(
        request_id="s", cwd=asked.cwd, sessions=[], problems=[problem]
    )
    client.replies[ImportAgent] = lambda _: AgentResumed(
        request_id="i", agent_id=made.id, agent=made
    )
    async with Running(client) as running:
        await running.ready()
        found = await running.link.sessions(WHERE)
        assert (found.cwd, found.problems) == (WHERE, [problem])
        act = ImportSession("", provider="codex", session_id="s-1", folder=WHERE)
        reply = await running.link.perform(act)
        assert isinstance(reply, AgentResumed)
        assert running.model.agents[made.id].title == "Taken over"
        (asked,) = [each for each in client.asked if isinstance(each, ImportAgent)]
        assert (asked.provider, asked.session_id, asked.cwd) == ("codex", "s-1", WHERE)


async def test_the_link_gives_the_archived_of_all_pages_newest_first() -> None:
    client = ScriptedClient()
    pages = {
        "": [sample.agent(1, "Old", updated=900, archived_at="x"), sample.agent(2, "Here")],
        "more": [sample.agent(3, "New", updated=5, archived_at="x")],
    }

    def answer(asked: FetchAgentHistory) -> FetchAgentHistoryResult:
        assert not isinstance(asked.page, UnsetType)
        cursor = given(asked.page.cursor, None) or ""
        after = None if cursor else "more"
        info = PageInfo(next_cursor=after, prev_cursor=None, has_more=bool(after))
        entries = sample.listing(pages[cursor]).entries
        return FetchAgentHistoryResult(request_id="h", entries=entries, page_info=info)

    client.replies[FetchAgentHistory] = answer
    async with Running(client) as running:
        await running.ready()
        assert [each.title for each in await running.link.archived()] == ["New", "Old"]
