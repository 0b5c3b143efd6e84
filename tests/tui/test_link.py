"""The link against a scripted client: first list, gaps, resync, losses."""

from __future__ import annotations

import pytest

from sereno.core.client.errors import ConnectionLost, NoDaemon
from sereno.core.protocol.requests import (
    FetchAgents,
    FetchTimeline,
)
from sereno.core.protocol.timeline import AssistantMessage
from sereno.core.protocol.values import Wire
from sereno.tui import link as link_module
from sereno.tui.link_api import ActError
from sereno.tui.link_pace import Pace
from sereno.tui.link_words import NO_DAEMON, Stopped
from sereno.tui.model import Phase
from tests.tui import sample
from tests.tui.link_place import AGENTS, THIRD, Running, ScriptedClient, until
from tests.tui.test_timeline import page, text


async def test_the_list_comes_first_and_then_what_can_wait() -> None:
    client = ScriptedClient()
    async with Running(client) as running:
        await running.ready()
        assert len(running.model.agents) == 7
        assert not running.model.virgin, "there are agents: nobody asked for the history"
    assert client.closed


async def test_a_new_home_is_found_by_its_empty_history() -> None:
    async with Running(ScriptedClient([])) as running:
        await running.ready()
        assert running.model.virgin


async def test_every_page_of_agents_is_fetched() -> None:
    client = ScriptedClient()

    def paged(request: FetchAgents) -> Wire:
        assert not isinstance(request.page, type(None))
        first = request.page.cursor != "two"  # type: ignore[union-attr]
        part = sample.listing(AGENTS[:4] if first else AGENTS[4:])
        part.page_info.next_cursor = "two" if first else None
        part.page_info.has_more = first
        return part

    client.replies[FetchAgents] = paged
    async with Running(client) as running:
        await running.ready()
        assert len(running.model.agents) == 7
        assert client.count(FetchAgents) == 2


async def test_a_followed_timeline_is_fetched_once() -> None:
    client = ScriptedClient()
    client.replies[FetchTimeline] = lambda _: page(1, [text("a"), text("b")])
    async with Running(client) as running:
        await running.ready()
        running.link.follow([THIRD])
        running.link.follow([THIRD])
        timeline = running.model.agents[THIRD].timeline
        await until(lambda: timeline.loaded)
        assert timeline.blocks[0].text == "ab"
        assert timeline.kept
        running.link.follow([THIRD])
        assert client.count(FetchTimeline) == 1
        running.link.follow([AGENTS[0].id, AGENTS[1].id])
        assert not timeline.kept


async def test_a_gap_is_fetched_after_the_last_known_row() -> None:
    client = ScriptedClient()
    replies = [page(1, [text("a")]), page(2, [text("b"), text("c"), text("d")], "after")]
    client.replies[FetchTimeline] = lambda _: replies.pop(0)
    async with Running(client) as running:
        await running.ready()
        running.link.follow([THIRD])
        timeline = running.model.agents[THIRD].timeline
        await until(lambda: timeline.loaded)
        await client.push(sample.row(THIRD, 4, AssistantMessage(text="d")))
        timeline.epoch = "e1"
        await until(lambda: client.count(FetchTimeline) == 2)
        await until(lambda: timeline.last_seq == 4)
        asked = client.asked[-1]
        assert isinstance(asked, FetchTimeline)
        assert asked.direction == "after"
        assert asked.cursor.seq == 1  # type: ignore[union-attr]
        assert timeline.blocks[0].text == "abcd"


async def test_a_far_gap_fetches_the_tail_anew() -> None:
    client = ScriptedClient()
    replies = [
        page(1, [text("a")], epoch=sample.EPOCH),
        page(2, [text("b")], "after", epoch=sample.EPOCH, newest=9000),
        page(8999, [text("y"), text("z")], epoch=sample.EPOCH, older=True),
    ]
    client.replies[FetchTimeline] = lambda _: replies.pop(0)
    async with Running(client) as running:
        await running.ready()
        running.link.follow([THIRD])
        timeline = running.model.agents[THIRD].timeline
        await until(lambda: timeline.loaded)
        await client.push(sample.row(THIRD, 9000, AssistantMessage(text="z")))
        await until(lambda: timeline.last_seq == 9000)
        assert timeline.blocks[0].text == "yz"
        assert timeline.has_older


async def test_a_gap_of_what_is_not_shown_costs_no_request() -> None:
    client = ScriptedClient()
    async with Running(client) as running:
        await running.ready()
        await client.push(sample.row(THIRD, 1, AssistantMessage(text="a")))
        await client.push(sample.row(THIRD, 5, AssistantMessage(text="e")))
        await client.push(sample.row(THIRD, 6, AssistantMessage(text="f")))
        state = running.model.agents[THIRD]
        await until(lambda: state.timeline.last_seq == 6)
        assert client.count(FetchTimeline) == 0
        assert not state.timeline.loaded


async def test_after_a_loss_it_connects_again_and_closes_the_gap() -> None:
    first, second = ScriptedClient(), ScriptedClient()
    first.replies[FetchTimeline] = lambda _: page(1, [text("a")])
    second.replies[FetchTimeline] = lambda request: page(2, [text("b")], request.direction)
    async with Running(first, NoDaemon("no_daemon", "Nobody listens"), second) as running:
        await running.ready()
        running.link.follow([THIRD])
        timeline = running.model.agents[THIRD].timeline
        await until(lambda: timeline.loaded)
        await first.push(ConnectionLost("The daemon went away"))
        await until(lambda: running.model.connection.phase is Phase.LOST)
        assert "went away" in running.model.connection.words
        await until(lambda: running.model.connection.phase is Phase.READY)
        await until(lambda: timeline.last_seq == 2)
        assert timeline.blocks[0].text == "ab"
        assert first.closed


async def test_a_daemon_that_was_stopped_is_said_and_not_called_lost() -> None:
    async with Running(Stopped()) as running:
        await until(lambda: running.model.connection.phase is Phase.STOPPED)
        assert running.model.connection.words == NO_DAEMON


async def test_nobody_there_twice_means_that_none_runs() -> None:
    nobody = NoDaemon("no_daemon", "no daemon runs for this home", "open `sereno`")
    async with Running(nobody, nobody) as running:
        await until(lambda: running.model.connection.phase is not Phase.STARTING)
        assert running.model.connection.words == "no daemon runs for this home; trying again"
        await until(lambda: running.model.connection.phase is Phase.STOPPED)
        assert running.model.connection.words == NO_DAEMON


async def test_a_daemon_that_is_started_from_here_is_called_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link_module, "near", lambda: Pace(3600.0, 3600.0))
    started: list[str] = []

    async def start() -> None:
        started.append("yes")

    async with Running(Stopped(), ScriptedClient()) as running:
        running.link._start = start
        await until(lambda: running.model.connection.phase is Phase.STOPPED)
        await running.link.start_daemon()
        await running.ready()
        assert started == ["yes"]


async def test_a_daemon_that_cannot_be_started_leaves_what_was_said() -> None:
    async with Running(Stopped()) as running:
        await until(lambda: running.model.connection.phase is Phase.STOPPED)
        with pytest.raises(ActError, match="sereno daemon start"):
            await running.link.start_daemon()
        assert running.model.connection.phase is Phase.STOPPED
