"""The session at a daemon: it feeds the model, closes gaps, connects again, and does the acts.

The only place of the UI that awaits a client. How to connect is the caller's word (start.py):
through memory to the embedded daemon, or over the unix socket to one that runs. anyio is loaded
when the first connection is made: the first frame does without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from sereno.core.client.errors import ClientError
from sereno.core.protocol.messages import (
    AgentUpserted,
    FetchAgentHistoryResult,
    FetchAgentsResult,
    PermissionResolvedPush,
    ProvidersSnapshot,
    RpcError,
    TimelinePage,
)
from sereno.core.protocol.requests import (
    FetchAgentHistory,
    FetchAgents,
    FetchTimeline,
    GetProvidersSnapshot,
    Page,
    PermissionAnswer,
    Subscribe,
)
from sereno.core.protocol.timeline import Cursor
from sereno.core.protocol.values import UNSET, Wire
from sereno.tui import requests
from sereno.tui.link_api import ActError
from sereno.tui.link_pace import Pace, counting, near
from sereno.tui.link_questions import Questions
from sereno.tui.link_words import (
    Stopped,
    cause,
    first,
    nobody_starts,
    refused,
    unconnected,
    unreachable,
)
from sereno.tui.messages import Act, Answer, LoadOlder
from sereno.tui.model import Connection, FleetModel, Phase
from sereno.tui.timeline import Taken, Timeline

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["ClientLike", "DaemonLink"]

TAIL = 200
"""Rows that are fetched when a timeline is first shown."""
FAR = 2000
"""A gap wider than this is not closed: the tail is fetched anew."""
ANSWER_SECONDS = 15.0


class ClientLike(Protocol):
    """What the link needs of core/client/aio.py's Client."""

    async def request(self, message: Wire, timeout_s: float | None = ...) -> Wire: ...
    async def send(self, message: Wire) -> None: ...
    def messages(self) -> AsyncIterator[Wire]: ...
    async def aclose(self) -> None: ...


class DaemonLink(Questions):
    """Keeps one FleetModel in step with one daemon."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[ClientLike]],
        *,
        embedded: Callable[[], bool] = lambda: False,
        start: Callable[[], Awaitable[None]] = nobody_starts,
        remote: str = "",
        pace: Pace | None = None,
    ) -> None:
        """`connect` raises ClientError or OSError when nobody answers; Stopped: on purpose.

        `start` makes a daemon run in the background, or raises ActError. `remote`: the name of the
        machine on which the daemon is, where that is another one. `pace`: of calling again.
        """
        self._remote = remote
        self._pace = pace or near()
        self._connect = connect
        self._embedded = embedded
        self._start = start
        self._again = asyncio.Event()
        self._client: ClientLike | None = None
        self._model = FleetModel()
        self._tasks: TaskGroup | None = None
        self._followed: tuple[str, ...] = ()
        self._answers: dict[str, asyncio.Future[Wire]] = {}

    # -- life ----------------------------------------------------------------------------------

    async def run(self, model: FleetModel) -> None:
        """Connects, and connects again after a loss, for as long as it is not cancelled."""
        self._model = model
        if self._remote:
            model.connected(Connection(Phase.STARTING, "connecting", remote=self._remote))
        while True:
            try:
                client = await self._connect()
            except (Stopped, ClientError, OSError) as error:
                trouble = unconnected(error, again=self._pace.again)
                wait = self._pace.failed(error)
            else:
                began = time.monotonic()
                words = await self._session(client)
                trouble = Connection(Phase.LOST, f"{words}; trying again")
                wait = self._pace.lost(time.monotonic() - began)
            await self._pause(replace(trouble, remote=self._remote), wait)

    async def _pause(self, trouble: Connection, seconds: float) -> None:
        """Before the next call, saying when it is; a daemon that was started ends it at once."""
        end = time.monotonic() + seconds
        self._again.clear()
        while not self._again.is_set() and (left := end - time.monotonic()) > 0:
            self._model.connected(counting(trouble, left))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, 1.0)):
                    await self._again.wait()

    async def start_daemon(self) -> None:
        """See Link. What the connection was is said again when it fails."""
        before = self._model.connection
        self._model.connected(Connection(Phase.STARTING, "connecting", remote=self._remote))
        try:
            await self._start()
        except ActError:
            self._model.connected(before)
            raise
        self._pace.called()
        self._again.set()

    async def _session(self, client: ClientLike) -> str:
        """One connection, from the first request to its end; returns why it ended."""
        import anyio

        words = "the daemon closed the connection"
        try:
            async with anyio.create_task_group() as tasks:
                await self._begin(client)
                self._client, self._tasks = client, tasks
                tasks.start_soon(self._look_around, client)
                for agent_id in self._followed:
                    self._fetch_soon(agent_id)
                async for message in client.messages():
                    self._take(message)
                tasks.cancel_scope.cancel()
        except* (ClientError, OSError) as group:
            words = cause(first(group))
        finally:
            self._client = self._tasks = None
            self._give_up_answers()
            with anyio.CancelScope(shield=True), anyio.move_on_after(1.0):
                await client.aclose()
        return words

    async def _begin(self, client: ClientLike) -> None:
        """The list of agents, with the subscription that keeps it new."""
        entries = []
        cursor: str | None = None
        while True:
            request = FetchAgents(
                request_id="",
                page=Page(limit=200, cursor=UNSET if cursor is None else cursor),
                subscribe=Subscribe() if cursor is None else UNSET,
            )
            reply = await client.request(request)
            assert isinstance(reply, FetchAgentsResult)
            entries += reply.entries
            cursor = reply.page_info.next_cursor
            if cursor is None or not reply.page_info.has_more:
                break
        reply.entries = entries
        for state in self._model.agents.values():
            if state.id not in self._followed:
                state.timeline = Timeline()
        self._model.apply(reply)
        here = self._embedded()
        self._model.connected(Connection(Phase.READY, "ready", here, self._remote))

    async def _look_around(self, client: ClientLike) -> None:
        """What can wait until the list is on the screen: providers, and whether this is new."""
        if not self._model.agents:
            history = await client.request(FetchAgentHistory(request_id="", page=Page(limit=1)))
            if isinstance(history, FetchAgentHistoryResult):
                self._model.found_history(nothing=not history.entries)
        snapshot = await client.request(GetProvidersSnapshot(request_id=""))
        if isinstance(snapshot, ProvidersSnapshot):
            self._model.apply(snapshot)

    # -- the model -----------------------------------------------------------------------------

    def _take(self, message: Wire) -> None:
        taken = self._model.apply(message)
        match message:
            case PermissionResolvedPush(request_id=name) | RpcError(request_id=name):
                waiting = self._answers.pop(name, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            case _:
                pass
        if taken in (Taken.GAP, Taken.RESET):
            agent_id: str = message.agent_id  # type: ignore[attr-defined]
            if agent_id in self._followed:
                self._fetch_soon(agent_id)
            else:
                self._model.agents[agent_id].timeline = Timeline()

    def follow(self, agent_ids: Sequence[str]) -> None:
        """These agents are on the screen: their timelines are fetched, and kept without gaps."""
        wanted = tuple(agent_ids)
        if wanted != self._followed:
            for agent_id in set(self._followed) - set(wanted):
                if agent_id in self._model.agents:
                    self._model.agents[agent_id].timeline.kept = False
            self._followed = wanted
        for agent_id in wanted:
            state = self._model.agents.get(agent_id)
            if state is not None:
                state.timeline.kept = len(wanted) == 1
                if not state.timeline.loaded:
                    self._fetch_soon(agent_id)

    def _fetch_soon(self, agent_id: str) -> None:
        state = self._model.agents.get(agent_id)
        if state is None or self._tasks is None or state.timeline.fetching:
            return
        state.timeline.fetching = True
        self._tasks.start_soon(self._fetch, agent_id)

    async def _fetch(self, agent_id: str) -> None:
        """Brings one timeline up to date: what came after its end, or the tail when that is far."""
        while (state := self._model.agents.get(agent_id)) is not None:
            timeline = state.timeline
            timeline.fetching = True
            page = await self._page(timeline, agent_id)
            if page is None:
                timeline.fetch_failed()
                return
            far = page.window.max_seq - timeline.last_seq > FAR
            if page.direction == "after" and far and not page.reset:
                timeline.loaded, timeline.epoch = False, ""
                continue
            outcome = timeline.load(page)
            self._model.timeline_changed(agent_id)
            if outcome is Taken.APPLIED and not (page.direction == "after" and page.has_newer):
                return

    async def _page(self, timeline: Timeline, agent_id: str) -> TimelinePage | None:
        client = self._client
        if client is None:
            return None
        request = FetchTimeline(request_id="", agent_id=agent_id, direction="tail", limit=TAIL)
        if timeline.loaded and timeline.epoch:
            request.direction = "after"
            request.cursor = Cursor(epoch=timeline.epoch, seq=timeline.last_seq)
            request.limit = FAR
        try:
            reply = await client.request(request)
        except ClientError:
            return None
        return reply if isinstance(reply, TimelinePage) and reply.error is None else None

    async def _older(self, agent_id: str) -> Wire | None:
        """The page before what is here."""
        state = self._model.agents.get(agent_id)
        if state is None or state.timeline.loading_older or not state.timeline.has_older:
            return None
        timeline = state.timeline
        timeline.loading_older = True
        cursor = Cursor(epoch=timeline.epoch, seq=timeline.first_seq)
        request = FetchTimeline(
            request_id="", agent_id=agent_id, direction="before", cursor=cursor, limit=TAIL
        )
        try:
            reply = await self._ask(request)
        except ActError:
            timeline.loading_older = False
            raise
        if isinstance(reply, TimelinePage):
            timeline.load_older(reply)
            self._model.timeline_changed(agent_id)
        return reply

    # -- acts and questions --------------------------------------------------------------------

    async def perform(self, act: Act) -> Wire | None:
        """Does what the person wants.

        Raises:
            ActError: the daemon refused, or is not there; cause and next step in words.
        """
        match act:
            case LoadOlder(agent_id=agent_id):
                return await self._older(agent_id)
            case Answer():
                return await self._answer(act)
            case _:
                pass
        reply = await self._ask(requests.of(act))
        refusal = requests.refusal(reply)
        if refusal is not None:
            raise ActError(*refusal)
        created = requests.created(reply)
        if created is not None:
            self._model.apply(AgentUpserted(agent=created))
        return reply

    async def _answer(self, act: Answer) -> Wire:
        """An answer has no reply of its own: what became of the request says it (wire 6.8)."""
        import anyio

        client = self._reachable()
        outcome: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()
        self._answers[act.request_id] = outcome
        answer = PermissionAnswer(
            agent_id=act.agent_id, request_id=act.request_id, response=act.response
        )
        try:
            await client.send(answer)
            with anyio.fail_after(ANSWER_SECONDS):
                reply = await outcome
        except TimeoutError as error:
            words = "The daemon did not say what became of the answer."
            raise ActError(words, "If the request is still shown, answer again.") from error
        except (ClientError, OSError) as error:
            raise refused(error) from error
        finally:
            self._answers.pop(act.request_id, None)
        refusal = requests.refusal(reply)
        if refusal is not None:
            raise ActError(*refusal)
        return reply

    def _give_up_answers(self) -> None:
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ClientError("connection_lost", "The daemon went away"))
        self._answers.clear()

    def _reachable(self) -> ClientLike:
        if self._client is None:
            raise unreachable(self._model.connection.phase)
        return self._client

    async def _ask(self, request: Wire, timeout_s: float | None = None) -> Wire:
        client = self._reachable()
        try:
            if timeout_s is None:
                return await client.request(request)
            return await client.request(request, timeout_s=timeout_s)
        except (ClientError, OSError) as error:
            raise refused(error) from error
