"""The link against a scripted client: first list, gaps, resync, losses, acts and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import anyio
import pytest

from sereno.core.client.errors import ConnectionLost, NoDaemon
from sereno.core.client.errors import RpcError as Refused
from sereno.core.protocol.additions import (
    EndAgentResult,
    ReadLogResult,
    TakeBackPromptResult,
)
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import (
    AgentCreated,
    AgentCreateFailed,
    FetchAgentHistoryResult,
    PageInfo,
    PermissionResolvedPush,
    ProvidersSnapshot,
    RpcError,
    SendMessageResult,
    TimelinePage,
)
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.requests import (
    CreateAgent as CreateRequest,
)
from sereno.core.protocol.requests import (
    FetchAgentHistory,
    FetchAgents,
    FetchTimeline,
    GetProvidersSnapshot,
    PermissionAnswer,
    SendMessage,
)
from sereno.core.protocol.timeline import AssistantMessage
from sereno.core.protocol.values import Wire
from sereno.tui import link as link_module
from sereno.tui import messages
from sereno.tui.link import ClientLike, DaemonLink
from sereno.tui.link_api import ActError
from sereno.tui.link_pace import Pace
from sereno.tui.link_words import NO_DAEMON, Stopped
from sereno.tui.model import FleetModel, Phase
from tests.tui import sample
from tests.tui.test_timeline import page, text

AGENTS = sample.fleet()
THIRD = AGENTS[2].id


class ScriptedClient:
    """Answers from a table; `push` is what the daemon says by itself."""

    def __init__(self, agents: Sequence[AgentSnapshot] = AGENTS) -> None:
        self.asked: list[Wire] = []
        self.closed = False
        self.replies: dict[type[Wire], Callable[[Any], Wire]] = {
            FetchAgents: lambda _: sample.listing(agents),
            FetchAgentHistory: lambda _: FetchAgentHistoryResult(
                request_id="h",
                entries=[],
                page_info=PageInfo(next_cursor=None, prev_cursor=None, has_more=False),
            ),
            GetProvidersSnapshot: lambda _: ProvidersSnapshot(
                request_id="p", entries=sample.providers(), generated_at="now"
            ),
        }
        self._send, self._receive = anyio.create_memory_object_stream[Wire | Exception](100)

    async def request(self, message: Wire, timeout_s: float | None = None) -> Wire:
        self.asked.append(message)
        await anyio.lowlevel.checkpoint()
        return self.replies[type(message)](message)

    async def send(self, message: Wire) -> None:
        self.asked.append(message)

    async def messages(self) -> AsyncIterator[Wire]:
        async for each in self._receive:
            if isinstance(each, Exception):
                raise each
            yield each

    async def push(self, each: Wire | Exception) -> None:
        await self._send.send(each)

    async def aclose(self) -> None:
        self.closed = True
        self._send.close()
        self._receive.close()

    def count(self, kind: type[Wire]) -> int:
        return sum(isinstance(each, kind) for each in self.asked)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.005)


class Running:
    """A link in front of scripted clients, one for each connection."""

    def __init__(self, *clients: ScriptedClient | Exception) -> None:
        self.waiting = list(clients)
        self.model = FleetModel()
        self.link = DaemonLink(self._connect)

    async def _connect(self) -> ScriptedClient:
        if not self.waiting:
            await anyio.sleep_forever()
        client = self.waiting.pop(0)
        if isinstance(client, Exception):
            raise client
        return client

    async def __aenter__(self) -> Running:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self.link.run, self.model)
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(*error)

    async def ready(self) -> None:
        await until(lambda: self.model.connection.phase is Phase.READY)
        await until(lambda: self.model.providers_known)


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


async def test_an_act_without_a_daemon_names_the_key_that_starts_one() -> None:
    async with Running(Stopped()) as running:
        await until(lambda: running.model.connection.phase is Phase.STOPPED)
        with pytest.raises(ActError) as refused:
            await running.link.perform(messages.Interrupt(THIRD))
        assert refused.value.words == NO_DAEMON
        assert "ctrl+x r" in refused.value.next_step


async def test_nothing_can_be_done_without_a_connection() -> None:
    async def never() -> ClientLike:
        await anyio.sleep_forever()
        raise AssertionError("it slept for ever")

    link = DaemonLink(never)
    with pytest.raises(ActError, match="not reachable"):
        await link.perform(messages.Interrupt("a"))


async def test_acts_become_requests_and_refusals_words() -> None:
    client = ScriptedClient()
    replies: list[Wire] = [
        SendMessageResult(request_id="m", agent_id=THIRD, accepted=True, error=None),
        SendMessageResult(request_id="m", agent_id=THIRD, accepted=False, error="Queue is full"),
    ]
    client.replies[SendMessage] = lambda _: replies.pop(0)
    async with Running(client) as running:
        await running.ready()
        await running.link.perform(messages.SendPrompt(THIRD, "hi", "m1", "interrupt"))
        asked = client.asked[-1]
        assert isinstance(asked, SendMessage)
        assert (asked.text, asked.message_id, asked.delivery) == ("hi", "m1", "interrupt")
        with pytest.raises(ActError, match="Queue is full"):
            await running.link.perform(messages.SendPrompt(THIRD, "hi", "m2"))


async def test_a_refused_call_keeps_its_next_step() -> None:
    client = ScriptedClient()

    def refuse(_: Wire) -> Wire:
        raise Refused("not_found", "Agent not found: x", "See: sereno ls")

    client.replies[SendMessage] = refuse
    async with Running(client) as running:
        await running.ready()
        with pytest.raises(ActError, match=r"Agent not found: x\. See: sereno ls"):
            await running.link.perform(messages.SendPrompt("x", "hi", "m"))


async def test_a_created_agent_is_known_before_its_update_comes() -> None:
    client = ScriptedClient([])
    client.replies[CreateRequest] = lambda _: AgentCreated(
        request_id="c", agent_id=THIRD, agent=AGENTS[2]
    )
    async with Running(client) as running:
        await running.ready()
        act = messages.CreateAgent("", provider="demo", folder="/srv", task="do")
        await running.link.perform(act)
        assert THIRD in running.model.agents


async def test_a_failed_start_says_why_and_what_to_do() -> None:
    client = ScriptedClient([])
    client.replies[CreateRequest] = lambda _: AgentCreateFailed(
        request_id="c", error="codex-acp was not found", next_step="Install it."
    )
    async with Running(client) as running:
        await running.ready()
        act = messages.CreateAgent("", provider="codex", folder="/srv", task="")
        with pytest.raises(ActError, match="was not found Install it"):
            await running.link.perform(act)


def answer(agent_id: str = THIRD) -> messages.Answer:
    return messages.Answer(agent_id, "request-1", Allow())


async def test_an_answer_ends_with_what_became_of_the_request() -> None:
    client = ScriptedClient()
    async with Running(client) as running, anyio.create_task_group() as tasks:
        await running.ready()
        done: list[Wire | None] = []

        async def press() -> None:
            done.append(await running.link.perform(answer()))

        tasks.start_soon(press)
        await until(lambda: client.count(PermissionAnswer) == 1)
        push = PermissionResolvedPush(
            agent_id=THIRD, request_id="request-1", resolution=Allow(), answered_by="you"
        )
        await client.push(push)
        await until(lambda: done)
        assert done == [push]


async def test_an_answer_that_came_too_late_says_so() -> None:
    client = ScriptedClient()
    async with Running(client) as running, anyio.create_task_group() as tasks:
        await running.ready()
        refused: list[str] = []

        async def press() -> None:
            try:
                await running.link.perform(answer())
            except ActError as error:
                refused.append(str(error))

        tasks.start_soon(press)
        await until(lambda: client.count(PermissionAnswer) == 1)
        await client.push(RpcError(request_id="request-1", error="Answered by Pixel 9"))
        await until(lambda: refused)
        assert refused == ["Answered by Pixel 9"]


async def test_an_answer_is_given_up_when_the_daemon_goes() -> None:
    client = ScriptedClient()
    async with Running(client) as running, anyio.create_task_group() as tasks:
        await running.ready()
        refused: list[str] = []

        async def press() -> None:
            try:
                await running.link.perform(answer())
            except ActError as error:
                refused.append(str(error))

        tasks.start_soon(press)
        await until(lambda: client.count(PermissionAnswer) == 1)
        await client.push(ConnectionLost("gone"))
        await until(lambda: refused)
        assert "went away" in refused[0]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            TakeBackPromptResult(
                request_id="t", agent_id="a", prompt_id=None, text=None, error="It was sent already"
            ),
            "sent already",
        ),
        (
            EndAgentResult(
                request_id="e", agent_id="a", verified=False, remaining=[7, 8], error=None
            ),
            "7, 8",
        ),
    ],
)
def test_refusals(reply: Wire, words: str) -> None:
    from sereno.tui.requests import refusal

    told = refusal(reply)
    assert told is not None
    assert words in told[0]


async def test_older_pages_are_asked_for_once_at_a_time() -> None:
    client = ScriptedClient()
    pages: list[TimelinePage] = [
        page(5, [text("e")], older=True),
        page(1, [text("a"), text("b"), text("c"), text("d")], "before"),
    ]
    client.replies[FetchTimeline] = lambda _: pages.pop(0)
    async with Running(client) as running:
        await running.ready()
        running.link.follow([THIRD])
        timeline = running.model.agents[THIRD].timeline
        await until(lambda: timeline.loaded)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(running.link.perform, messages.LoadOlder(THIRD))
        assert timeline.blocks[0].text == "abcde"
        assert client.count(FetchTimeline) == 2
        assert not timeline.has_older


async def test_reading_a_log() -> None:
    from sereno.core.protocol.additions import ReadLog

    client = ScriptedClient()
    client.replies[ReadLog] = lambda request: ReadLogResult(
        request_id="l", source=request.source, lines=[], start_cursor=0, end_cursor=9,
        has_older=False, error=None,
    )  # fmt: skip
    async with Running(client) as running:
        await running.ready()
        reply = await running.link.read_log("daemon", "after", 4, 100)
        assert reply.end_cursor == 9
        asked = client.asked[-1]
        assert isinstance(asked, ReadLog)
        assert (asked.direction, asked.cursor, asked.limit) == ("after", 4, 100)
