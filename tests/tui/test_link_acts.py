"""What the link does for the person: acts, answers, refusals, older pages, logs."""

from __future__ import annotations

import anyio
import pytest

from sereno.core.client.errors import ConnectionLost
from sereno.core.client.errors import RpcError as Refused
from sereno.core.protocol.additions import (
    EndAgentResult,
    ReadLogResult,
    TakeBackPromptResult,
)
from sereno.core.protocol.messages import (
    AgentCreated,
    AgentCreateFailed,
    PermissionResolvedPush,
    RpcError,
    SendMessageResult,
    TimelinePage,
)
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.requests import (
    CreateAgent as CreateRequest,
)
from sereno.core.protocol.requests import (
    FetchTimeline,
    PermissionAnswer,
    SendMessage,
)
from sereno.core.protocol.values import Wire
from sereno.tui import messages
from sereno.tui.link import ClientLike, DaemonLink
from sereno.tui.link_api import ActError
from sereno.tui.link_words import NO_DAEMON, Stopped
from sereno.tui.model import Phase
from tests.tui.link_place import AGENTS, THIRD, Running, ScriptedClient, until
from tests.tui.test_timeline import page, text


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
