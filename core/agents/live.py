"""An agent's process: starting or finding it, reading what it says, writing what it must hear,
and burying it when it is gone.

One task per process, owned by the fleet. It knows runners and time; what the frames mean is the
driver's and the agent's concern.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from sereno.core.agents.beginning import setup_of
from sereno.core.agents.burial import LEFT_ALONE, break_off, bury, collapse, tidy
from sereno.core.agents.lacking import what_is_lacking
from sereno.core.agents.portions import portions
from sereno.core.agents.record import Failure
from sereno.core.agents.states import ALIVE, State
from sereno.core.agents.step import Step
from sereno.core.agents.watch import watch_input, watch_place, watch_time
from sereno.core.runners.model import (
    EndResult,
    RunnerError,
    RunnerGone,
    RunnerSpec,
    RunnerStartError,
)
from sereno.core.store import writes
from sereno.core.store.errors import StoreError

if TYPE_CHECKING:
    from sereno.core.agents.agent import Agent
    from sereno.core.runners.link import RunnerLink

__all__ = ["Live"]

log = logging.getLogger(__name__)

ACKNOWLEDGED_BYTES = 65_536
STARTING_RUNNER = 1.0
"""Seconds in which a runner that somebody began to start shows itself; it takes 0.05."""
SLOW_RUNNER = 15.0
"""Seconds that one may take that was seen to be started."""
MOST_REFUSALS = 5
END_SLACK = 15.0
MAY_PASS = LEFT_ALONE - {"version"}
"""What may be wrong with attaching on a machine that is busy just now."""
MIB = 1 << 20


class Live:
    """`over` is set when nothing is left of the process; `result` then says so, verified."""

    def __init__(self, agent: Agent, *, fresh: bool) -> None:
        self.agent = agent
        self.run_number = agent.base.progress.run
        self.folder: Path = agent.context.home.agent(agent.id) / str(self.run_number)
        self.link: RunnerLink | None = None
        self.result = EndResult(())
        self.over = anyio.Event()
        self._fresh = fresh
        self._scope: anyio.CancelScope | None = None
        self._again = False
        self._fenced = False
        self._refusals = 0
        self._failed_attaches = 0
        self._outbox: deque[writes.Intent] = deque()
        self._connected = False
        self._to_write = anyio.Event()
        self._to_end = anyio.Event()
        self._to_flush = anyio.Event()
        self._ended = anyio.Event()
        self._unheard = anyio.Event()
        self._acknowledged = 0

    # Called by the agent, under its lock -----------------------------------------------------

    def committed(self, step: Step) -> None:
        """After each commit: what must be written, and whether the process must go."""
        if self._connected and step.intents:
            self._outbox.extend(step.intents)
            self._to_write.set()
        if self.agent.record.state not in ALIVE or self.agent.record.state is State.ENDING:
            self._to_end.set()

    async def end_now(self) -> None:
        """Ends the process though that could not be stored; the store hears of it later."""
        self._to_end.set()
        with anyio.move_on_after(self.agent.context.config.end_grace_seconds + END_SLACK):
            await self._ended.wait()

    def unheard(self) -> None:
        """The program closed its input before it was told everything."""
        self._unheard.set()

    def reconnect(self, *, fenced: bool = False) -> None:
        """The step was lost: read the journal again from what is committed.

        `fenced`: another daemon drives this agent now; leave it alone.
        """
        self._again, self._fenced = True, fenced
        if self._scope is not None:
            self._scope.cancel()

    # The task --------------------------------------------------------------------------------

    async def run(self) -> None:
        """A mistake of ours with one agent must not take the others down: nothing is raised."""
        try:
            await self._drive()
        except Exception:
            log.exception("agent %s: after a mistake of ours", self.agent.id)
        finally:
            self.over.set()
            self.agent.wake()
        try:
            await self._afterwards()
        except Exception:
            log.exception("agent %s: what waits was not started", self.agent.id)

    async def _drive(self) -> None:
        try:
            if self.agent.unreadable is not None:
                raise self.agent.unreadable
            while await self._once():
                await self._pause()
        except Exception as error:
            log.exception("agent %s", self.agent.id)
            await collapse(self, error)

    async def _pause(self) -> None:
        """Before the next connection. A full disk may be emptied; a step that the database cannot
        take at all would come again for ever."""
        refused = self.agent.refused
        hopeless = refused is not None and refused.code == "failed"
        self._refusals = self._refusals + 1 if hopeless else 0
        if refused is not None and self._refusals >= MOST_REFUSALS:
            raise refused
        await anyio.sleep(self.agent.context.timings.retry if self._again else 0)

    async def _once(self) -> bool:
        """As `_connection`; what the machine lacks for a while is no fault of the agent's."""
        try:
            return await self._connection()
        except Exception as error:
            lacking = what_is_lacking(error)
            if lacking is None:
                raise
            log.warning("agent %s: tried again: %s", self.agent.id, lacking)
            async with self.agent.lock:
                self.agent.roll_back()
            return not self._fenced

    async def _connection(self) -> bool:
        """One connection to the runner; True when there must be another."""
        if not await self._settle():
            return not self._fenced
        self._again = False
        try:
            link = await self._connect()
        except RunnerGone:
            return self._must_repeat(await bury(self))
        except RunnerError as error:
            if error.code in MAY_PASS and self._failed_attaches < MOST_REFUSALS:
                log.warning("agent %s: %s", self.agent.id, error)
                self._failed_attaches += 1
                self._again = True
                return True
            nothing_runs = isinstance(error, RunnerStartError)
            failure = Failure(error.message, error.code, error.next_step)
            settled = await break_off(self, failure, nothing_runs=nothing_runs)
            return self._must_repeat(settled)
        self._failed_attaches = 0
        try:
            await self._serve(link)
        finally:
            self.link, self._connected = None, False
            with anyio.CancelScope(shield=True):
                await link.aclose()
        if self._fenced:
            return False
        if self._again or self.agent.alive:
            # Attaching again tells a lost connection from a dead runner.
            return True
        await tidy(self)
        return False

    def _must_repeat(self, settled: bool) -> bool:
        return not settled and not self._fenced

    async def _settle(self) -> bool:
        """What was read and not yet stored, before anything is read from there on."""
        async with self.agent.lock:
            if self.agent.has_step and not await self.agent.try_commit(self.agent.step()):
                return False
            self.agent.read_again()
        return True

    async def _connect(self) -> RunnerLink:
        runners = self.agent.context.runners
        position = self.agent.base.progress.position
        if self._fresh:
            await runners.start(self._spec())
            self._fresh = False
        try:
            return await runners.attach(self.folder, position)
        except RunnerGone:
            if await self._never_started():
                await tidy(self)
                await runners.start(self._spec())
        # It may have got ready while it was looked for; one that is dead is gone again.
        return await runners.attach(self.folder, position)

    async def _never_started(self) -> bool:
        """The daemon before us may have died between its commit and the runner's start."""
        agent, runners = self.agent, self.agent.context.runners
        if agent.record.state is not State.STARTING or agent.base.progress.position:
            return False
        with anyio.move_on_after(STARTING_RUNNER):
            while not runners.started(self.folder):  # noqa: ASYNC110
                await anyio.sleep(0.05)
        # A slow one is not started a second time: two programs would be told the same.
        with anyio.move_on_after(SLOW_RUNNER) as patience:
            while self._under_way():  # noqa: ASYNC110
                await anyio.sleep(0.05)
        if patience.cancelled_caught:
            raise RunnerError(
                "no_answer",
                f"The runner of agent {agent.id} is being started and does not get ready.",
                "Is the machine very busy? Stop the agent and start it again.",
            )
        return not runners.started(self.folder)

    def _under_way(self) -> bool:
        runners = self.agent.context.runners
        return runners.claimed(self.folder) and not runners.started(self.folder)

    def _spec(self) -> RunnerSpec:
        agent, context = self.agent, self.agent.context
        provider = context.catalog.get(agent.record.provider)
        assert provider is not None
        return RunnerSpec(
            agent_id=agent.id,
            folder=self.folder,
            command=provider.launch(
                setup_of(agent.record, self.run_number), agent.record.session_id, os.environ
            ),
            cwd=Path(agent.record.cwd),
            env=provider.env(os.environ),
            journal_limit=context.config.journal_limit_mb * MIB,
        )

    async def _serve(self, link: RunnerLink) -> None:
        agent = self.agent
        async with agent.lock:
            try:
                waiting = await agent.context.database.read(
                    lambda c: writes.waiting(c, agent.id, self.run_number)
                )
            except StoreError as error:
                log.error("agent %s: %s", agent.id, error)
                self._again = True
                return
            self._outbox = deque(waiting)
            self.link, self._connected = link, True
            self._to_write.set()
            if agent.record.state is State.ENDING or not agent.alive:
                self._to_end.set()
        async with anyio.create_task_group() as group:
            self._scope = group.cancel_scope
            group.start_soon(self._write, link)
            group.start_soon(self._flush)
            group.start_soon(watch_time, self.agent)
            group.start_soon(watch_place, self.agent)
            group.start_soon(watch_input, self.agent, self._unheard)
            group.start_soon(self._end, link)
            await self._read(link)
            if not agent.alive:
                await self._ended.wait()
            group.cancel_scope.cancel()
        self._scope = None

    async def _read(self, link: RunnerLink) -> None:
        """Frames into steps, until the runner is gone, the link closed, or the store refuses."""
        agent = self.agent
        window = agent.context.timings.text_window
        async for batch in link.frames():
            for frames in portions(batch):
                if self._to_end.is_set():
                    # A flood must not delay its own end; what is left is read afterwards.
                    await self._ended.wait()
                async with agent.lock:
                    if self._again or self._fenced:
                        # The driver went back to what is committed: these frames come again.
                        return
                    step = await agent.feed(frames)
                    due = agent.context.monotonic() - agent.committed_at >= window
                    if not (due or step.urgent or step.large):
                        self._to_flush.set()
                    elif not await agent.try_commit(step):
                        return
                if not agent.alive:
                    # Nothing more can come; the runner goes when it is told to (_end, tidy).
                    return
                await self._acknowledge(link)
        self._fenced = self._fenced or link.closed_because == "replaced"

    async def _acknowledge(self, link: RunnerLink) -> None:
        position = self.agent.base.progress.position
        if position - self._acknowledged >= ACKNOWLEDGED_BYTES:
            self._acknowledged = position
            await link.acknowledge(position)

    async def _flush(self) -> None:
        """Commits text that waited for its window to end."""
        agent = self.agent
        while True:
            await self._to_flush.wait()
            self._to_flush = anyio.Event()
            window = agent.context.timings.text_window
            await anyio.sleep(max(0, agent.committed_at + window - agent.context.monotonic()))
            async with agent.lock:
                if agent.has_step:
                    await agent.try_commit(agent.step())

    async def _write(self, link: RunnerLink) -> None:
        while True:
            await self._to_write.wait()
            self._to_write = anyio.Event()
            while self._outbox:
                intent = self._outbox[0]
                try:
                    await link.write(intent.write_id, intent.data)
                except RunnerError as error:
                    if error.code == "too_long":
                        raise
                    # Not lost: what the journal does not confirm is sent again.
                    log.info("agent %s: not written yet: %s", self.agent.id, error)
                    return
                self._outbox.popleft()

    async def _end(self, link: RunnerLink) -> None:
        await self._to_end.wait()
        try:
            self.result = await link.end(self.agent.context.config.end_grace_seconds)
        except RunnerError as error:
            log.warning("agent %s: %s", self.agent.id, error)
        self._ended.set()
        # What it had said is read to the end, unless that is a flood.
        await anyio.sleep(self.agent.context.timings.drain)
        agent = self.agent
        async with agent.lock:
            if agent.alive:
                step = agent.step()
                step.log("warn", "agent", "Ended; the rest of its output was too much to read.")
                agent.process_over(step, None, None)
                await agent.try_commit(step)
        if self._scope is not None:
            self._scope.cancel()

    async def _afterwards(self) -> None:
        """A prompt that cut off a turn which would not end is still to be run."""
        agent = self.agent
        async with agent.lock:
            if not agent.alive and not agent.deleted:
                await agent.try_commit(agent.step(), start=True)
