"""All agents of one daemon: the only door from sessions to agents.

Finds agents by id, prefix or title, makes new ones, and passes every wish on to the agent that it
concerns (acts.py). It holds no rule about an agent's life itself.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import anyio
import anyio.abc
import anyio.to_thread

from sereno.core.agents import acts, adoption, creation, ending, inspection, page
from sereno.core.agents.agent import Agent
from sereno.core.agents.announce import removed
from sereno.core.agents.burial import LEFT_ALONE
from sereno.core.agents.context import Context, Publisher, Runners, Timings
from sereno.core.agents.errors import UnknownAgent
from sereno.core.agents.identify import identify
from sereno.core.agents.leftovers import Use, clear_others
from sereno.core.agents.live import Live
from sereno.core.agents.parking import park, park_idle
from sereno.core.agents.requests import entry_of
from sereno.core.agents.restore import load
from sereno.core.agents.running import real_runners
from sereno.core.agents.states import State
from sereno.core.agents.step import Base, Step
from sereno.core.agents.views import (
    AgentView,
    Ended,
    Inspection,
    LogPage,
    Principal,
    PromptResult,
    TakenBack,
    WaitOutcome,
)
from sereno.core.agents.watch import refresh_place
from sereno.core.protocol.additions import LedgerEntry
from sereno.core.protocol.agents import ProjectPlacement
from sereno.core.protocol.permissions import PermissionResponse
from sereno.core.protocol.requests import CreateAgent, FetchTimeline, Image
from sereno.core.protocol.values import given
from sereno.core.store import agents as agent_rows
from sereno.core.store import requests as ledger
from sereno.core.store.agents import Progress
from sereno.core.store.database import Database
from sereno.core.workspaces.placement import read_placement

if TYPE_CHECKING:
    from sereno.core.agents.adoption import Adoption
    from sereno.core.config import Config
    from sereno.core.home import Home
    from sereno.core.providers.catalog import Catalog

__all__ = ["Fleet", "Publisher", "real_runners"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Fleet:
    """Every method may raise AgentError (errors.py) and StoreError (core/store/errors.py).

    Methods take the full agent id unless they say "identifier"; use `resolve` for those. `by` is
    who asked, in words: it goes to the ledger, the audit and other clients' screens.
    """

    def __init__(
        self,
        *,
        database: Database,
        catalog: Catalog,
        publisher: Publisher,
        home: Home,
        config: Config,
        server_id: str,
        clock: Callable[[], int] = _now_ms,
        place: Callable[[str], ProjectPlacement] = read_placement,
        runners: Runners | None = None,
        timings: Timings | None = None,
    ) -> None:
        """`clock`: epoch milliseconds. `place`: reads a folder's placement; called in a thread."""
        self.context = Context(
            database=database,
            catalog=catalog,
            publisher=publisher,
            home=home,
            config=config.agents,
            server_id=server_id,
            clock=clock,
            monotonic=time.monotonic,
            place=place,
            runners=runners or real_runners(),
            timings=timings or Timings(),
        )
        self._agents: dict[str, Agent] = {}
        self._group: anyio.abc.TaskGroup | None = None

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Loads every agent (then `started`), attaches the runners, and owns all tasks of all
        agents until it is cancelled. Leaving ends no agent. `await task_group.start(fleet.run)`.
        """
        for base in await self.context.database.read(load):
            self._agents[base.record.id] = Agent(self.context, base, self._spawn)
        async with anyio.create_task_group() as group:
            self._group = group
            group.start_soon(clear_others, self.context, self._use)
            group.start_soon(self._refresh_places)
            group.start_soon(park_idle, self.context, lambda: [*self._agents.values()])
            for agent in list(self._agents.values()):
                await self._wake_up(agent)
            task_status.started()
            await anyio.sleep_forever()

    def _use(self, agent_id: str, run: int) -> Use:
        agent = self._agents.get(agent_id)
        if agent is None or run > agent.base.progress.run:
            return Use.UNKNOWN
        if run < agent.base.progress.run:
            return Use.OVER
        failure = agent.record.failure
        unreachable = failure is not None and failure.code in LEFT_ALONE
        driven = agent.live is not None and not agent.live.over.is_set()
        return Use.OURS if agent.alive or driven or unreachable else Use.OVER

    async def _wake_up(self, agent: Agent) -> None:
        """Takes up a living agent where the last daemon left it; starts what was still wanted."""
        if not agent.provider_available:
            return
        if agent.alive:
            agent.run_process(fresh=False)
        elif agent.base.queue and not agent.record.held:
            async with agent.lock:
                await agent.try_commit(agent.step(), start=True)

    async def _refresh_places(self) -> None:
        """Branches may have been switched while no daemon looked."""
        for agent in list(self._agents.values()):
            if agent.record.archived_ms is None:
                await refresh_place(agent)

    def _spawn(self, live: Live) -> None:
        assert self._group is not None, "the fleet does not run"
        self._group.start_soon(live.run)

    def _agent(self, agent_id: str) -> Agent:
        agent = self._agents.get(agent_id)
        if agent is None or not agent.made:
            raise UnknownAgent(agent_id)
        return agent

    def list(self) -> Sequence[AgentView]:
        """Every agent, archived ones too; in no order. Touches neither disk nor processes."""
        return [agent.view for agent in self._agents.values() if agent.made]

    def view(self, agent_id: str) -> AgentView:
        return self._agent(agent_id).view

    def resolve(self, identifier: str) -> str:
        """The id that an identifier means. Raises UnknownAgent, AmbiguousAgent (wire 6.2.1)."""
        titles = {agent.id: agent.record.title for agent in self._agents.values() if agent.made}
        return identify(identifier, titles)

    async def create(self, request: CreateAgent, *, by: Principal) -> AgentView:
        """Makes and starts an agent; returns when its first prompt is queued, not when it ran.

        Raises AgentError: unknown_provider, provider_disabled, cwd_missing, bad_title, …
        """
        record = await creation.first_record(self.context, request)
        agent = Agent(self.context, Base(record, Progress()), self._spawn)
        step = agent.step()
        text = given(request.initial_prompt, "")
        images, attachments = given(request.images, []), given(request.attachments, [])
        if text.strip() or images or attachments:
            message_id = given(request.client_message_id, "") or None
            row = acts.new_prompt(agent, text, by, message_id, images, attachments)
            step.enqueue(row, first=False)
        step.audit(by, "agent.created", provider=record.provider, cwd=record.cwd)
        return await self._begin(agent, step)

    async def adopt(self, wanted: Adoption, *, by: Principal) -> AgentView:
        """An agent for a session that its program keeps. Raises AgentError already_imported, …"""
        record = await adoption.adopted_record(self.context, wanted)
        self.refuse_known(record.provider, wanted.session.session_id)
        agent = Agent(self.context, Base(record, Progress()), self._spawn)
        step = agent.step()
        adoption.tell_history(step, wanted)
        step.audit(by, "agent.imported", provider=record.provider, session=record.session_id)
        return await self._begin(agent, step)

    def having(self, provider: str, session_id: str) -> str | None:
        """The agent that has this session, archived ones too."""
        wanted = (provider, session_id)
        every = (agent.record for agent in self._agents.values())
        return next((one.id for one in every if (one.provider, one.session_id) == wanted), None)

    def refuse_known(self, provider: str, session_id: str) -> None:
        """Raises AgentError already_imported."""
        if (known := self.having(provider, session_id)) is not None:
            raise adoption.already_imported(known)

    async def _begin(self, agent: Agent, step: Step) -> AgentView:
        """Commits an agent's first step, and starts it."""
        record = agent.record

        def add(connection: sqlite3.Connection) -> None:
            agent_rows.add(connection, record.id, record.created_ms, b"{}")

        # Known before its first news go out, shown only once it is committed.
        self._agents[agent.id] = agent
        try:
            async with agent.lock:
                await agent.commit_and_start(step, wanted=True, also=add)
        except BaseException:
            if not agent.made:
                del self._agents[agent.id]
            raise
        return agent.view

    async def prompt(
        self,
        agent_id: str,
        text: str,
        *,
        by: Principal,
        message_id: str | None = None,
        delivery: Literal["queue", "interrupt"] = "queue",
        images: Sequence[Image] = (),
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> PromptResult:
        """Committed when it returns. Starts the program where none runs; unarchives. A message id
        that was seen before runs nothing twice (but starts a failed agent with it again)."""
        return await acts.prompt(
            self._agent(agent_id),
            text,
            by=by,
            message_id=message_id,
            delivery=delivery,
            images=images,
            attachments=attachments,
        )

    async def take_back(
        self, agent_id: str, prompt_id: str | None, *, by: Principal
    ) -> TakenBack | None:
        """Takes a queued prompt (None: the newest) out of the queue; None where it is too late."""
        return await acts.take_back(self._agent(agent_id), prompt_id, by=by)

    async def start(self, agent_id: str, *, by: Principal) -> AgentView:
        """Starts (again) the program of an agent that has none, and what waits in its queue."""
        await acts.start(self._agent(agent_id), by=by)
        return self.view(agent_id)

    async def interrupt(self, agent_id: str, *, by: Principal) -> AgentView:
        """Cancels the running turn, or what goes on in the background without one. Open requests
        are denied, and what is queued waits until the next prompt or `start`."""
        await acts.interrupt(self._agent(agent_id), by=by)
        return self.view(agent_id)

    async def end(self, agent_id: str, *, by: Principal) -> Ended:
        """Ends the whole process tree and says what is left. The next prompt resumes."""
        return await ending.end(self._agent(agent_id), by=by)

    async def park(self, agent_id: str, *, by: Principal) -> Ended:
        """As `end`, for one that can go on later without a loss; NotPossible for any other."""
        return await park(self._agent(agent_id), by=by)

    async def archive(self, agent_id: str, *, by: Principal) -> AgentView:
        """Ends the agent and hides it; its timeline stays."""
        await ending.archive(self._agent(agent_id), by=by)
        return self.view(agent_id)

    async def unarchive(self, agent_id: str, *, by: Principal) -> AgentView:
        await acts.unarchive(self._agent(agent_id), by=by)
        return self.view(agent_id)

    async def delete(self, agent_id: str, *, by: Principal) -> None:
        """Ends the agent and removes everything of it but the audit."""
        await ending.delete(self._agent(agent_id), by=by)
        self._agents.pop(agent_id, None)
        self.context.publisher.publish(removed(agent_id))

    async def update(
        self,
        agent_id: str,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        by: Principal,
    ) -> AgentView:
        """Sets the title and merges labels. Raises AgentError nothing_to_update, bad_title."""
        await acts.update(self._agent(agent_id), name=name, labels=labels, by=by)
        return self.view(agent_id)

    async def set_mode(self, agent_id: str, mode_id: str, *, by: Principal) -> AgentView:
        """Raises AgentError unknown_mode."""
        await acts.set_mode(self._agent(agent_id), mode_id, by=by)
        return self.view(agent_id)

    async def set_model(self, agent_id: str, model_id: str | None, *, by: Principal) -> AgentView:
        await acts.set_model(self._agent(agent_id), model_id, by=by)
        return self.view(agent_id)

    async def set_thinking(
        self, agent_id: str, option_id: str | None, *, by: Principal
    ) -> AgentView:
        await acts.set_thinking(self._agent(agent_id), option_id, by=by)
        return self.view(agent_id)

    async def clear_attention(self, agent_ids: Iterable[str]) -> Sequence[AgentView]:
        """Marks agents as seen; unknown ids are left out of the answer."""
        known = [self._agents[agent_id] for agent_id in agent_ids if agent_id in self._agents]
        for agent in known:
            await acts.clear_attention(agent)
        return [agent.view for agent in known]

    async def answer(
        self, agent_id: str, request_id: str, response: PermissionResponse, *, by: Principal
    ) -> None:
        """Answers a request for permission; committed before the agent hears of it.

        Raises RequestGone (one answer wins; says whose), AgentError for an impossible answer.
        """
        await acts.answer(self._agent(agent_id), request_id, response, by=by)

    async def requests(self, *, closed: bool = False, limit: int = 200) -> Sequence[LedgerEntry]:
        """The ledger: open requests oldest first; with `closed` all of them, newest first."""

        def find(connection: sqlite3.Connection) -> Sequence[LedgerEntry]:
            rows = ledger.every(connection, limit) if closed else ledger.open_of(connection)
            return [entry_of(row) for row in rows[:limit]]

        return await self.context.database.read(find)

    async def timeline(self, request: FetchTimeline) -> bytes:
        """The answer to a timeline fetch as a whole encoded frame, made off the loop (6.7)."""
        agent = self._agent(request.agent_id)
        shown, epoch = agent.view.snapshot, agent.record.epoch
        return await self.context.database.read(
            lambda connection: page.read_page(connection, request, shown, epoch)
        )

    async def wait(self, agent_id: str, timeout_s: float | None) -> WaitOutcome:
        """Until the agent is idle, failed or asks (wire 6.6.5), or the time is over."""
        agent = self._agent(agent_id)
        if not await acts.deadline(agent, timeout_s):
            return WaitOutcome("timeout", agent.view, None, None)
        # As it stands now: the answer of somebody else may move it while the text is read.
        base, view = agent.base, agent.view
        said = await self.context.database.read(lambda c: page.last_message(c, agent_id))
        if base.requests:
            return WaitOutcome("permission", view, None, said)
        if base.record.state in (State.FAILED, State.BROKEN):
            error = base.record.failure.message if base.record.failure else "Agent failed"
            return WaitOutcome("error", view, error, said)
        return WaitOutcome("idle", view, None, said)

    async def inspect(self, agent_id: str) -> Inspection:
        return await inspection.inspect(self._agent(agent_id))

    async def log(
        self,
        agent_id: str,
        direction: Literal["tail", "before", "after"] = "tail",
        cursor: int | None = None,
        limit: int = 500,
    ) -> LogPage:
        """The agent's stderr and diagnostics. A cursor is a line's number: `before` gives the
        lines under it, `after` those above it; `start_cursor`/`end_cursor` are the first and last
        number given (0, 0 when there is none)."""
        self._agent(agent_id)
        return await self.context.database.read(
            lambda connection: inspection.read_log(connection, agent_id, direction, cursor, limit)
        )
