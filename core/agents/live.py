"""An agent's process: starting or finding it, reading what it says, writing what it must hear,
and burying it when it is gone.

One task per process, owned by the fleet. It knows runners and time; what the frames mean is the
driver's and the agent's concern.
"""

from __future__ import annotations

import logging
import math
import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from sereno.core.agents import life
from sereno.core.agents.leftovers import clear
from sereno.core.agents.record import Failure
from sereno.core.agents.states import ALIVE, Event, State
from sereno.core.agents.step import Step
from sereno.core.runners.model import (
    EndResult,
    RunnerError,
    RunnerGone,
    RunnerSpec,
    RunnerStartError,
)
from sereno.core.store import writes

if TYPE_CHECKING:
    from sereno.core.agents.agent import Agent
    from sereno.core.runners.link import RunnerLink

__all__ = ["Live"]

log = logging.getLogger(__name__)

ACKNOWLEDGED_BYTES = 65_536
STARTING_RUNNER = 1.0
"""Seconds in which a runner that somebody began to start shows itself; it takes 0.05."""
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
        self._outbox: deque[writes.Intent] = deque()
        self._connected = False
        self._to_write = anyio.Event()
        self._to_end = anyio.Event()
        self._to_flush = anyio.Event()
        self._ended = anyio.Event()
        self._acknowledged = 0

    # Called by the agent, under its lock -----------------------------------------------------

    def committed(self, step: Step) -> None:
        """After each commit: what must be written, and whether the process must go."""
        if self._connected and step.intents:
            self._outbox.extend(step.intents)
            self._to_write.set()
        if self.agent.record.state not in ALIVE or self.agent.record.state is State.ENDING:
            self._to_end.set()

    def reconnect(self, *, fenced: bool = False) -> None:
        """The step was lost: read the journal again from what is committed.

        `fenced`: another daemon drives this agent now; leave it alone.
        """
        self._again, self._fenced = True, fenced
        if self._scope is not None:
            self._scope.cancel()

    # The task --------------------------------------------------------------------------------

    async def run(self) -> None:
        try:
            while await self._once():  # noqa: ASYNC110 - a pause, not a poll
                await anyio.sleep(self.agent.context.timings.retry if self._again else 0)
        except Exception as error:
            # A mistake of ours with one agent must not take the others down.
            log.exception("agent %s", self.agent.id)
            await self._collapse(error)
        finally:
            self.over.set()
            self.agent.wake()
        await self._afterwards()

    async def _once(self) -> bool:
        """One connection to the runner; True when there must be another."""
        if not await self._settle():
            return not self._fenced
        self._again = False
        try:
            link = await self._connect()
        except RunnerGone:
            return not await self._bury()
        except RunnerError as error:
            nothing_runs = isinstance(error, RunnerStartError)
            failure = Failure(error.message, error.code, error.next_step)
            return not await self._break(failure, nothing_runs=nothing_runs)
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
        await self._tidy()
        return False

    async def _settle(self) -> bool:
        """What was read and not yet stored, before anything is read from there on."""
        async with self.agent.lock:
            if self.agent.has_step:
                return await self.agent.try_commit(self.agent.step())
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
            if not await self._never_started():
                raise
        await self._tidy()
        await runners.start(self._spec())
        return await runners.attach(self.folder, position)

    async def _never_started(self) -> bool:
        """The daemon before us may have died between its commit and the runner's start."""
        agent = self.agent
        if agent.record.state is not State.STARTING or agent.base.progress.position:
            return False
        with anyio.move_on_after(STARTING_RUNNER):
            while not agent.context.runners.started(self.folder):  # noqa: ASYNC110
                await anyio.sleep(0.05)
        return not agent.context.runners.started(self.folder)

    def _spec(self) -> RunnerSpec:
        agent, context = self.agent, self.agent.context
        provider = context.catalog.get(agent.record.provider)
        assert provider is not None
        return RunnerSpec(
            agent_id=agent.id,
            folder=self.folder,
            command=tuple(provider.command),
            cwd=Path(agent.record.cwd),
            env=provider.env(os.environ),
            journal_limit=context.config.journal_limit_mb * MIB,
        )

    async def _serve(self, link: RunnerLink) -> None:
        agent = self.agent
        async with agent.lock:
            waiting = await agent.context.database.read(
                lambda c: writes.waiting(c, agent.id, self.run_number)
            )
            self._outbox = deque(waiting)
            self.link, self._connected = link, True
            self._to_write.set()
            if agent.record.state is State.ENDING or not agent.alive:
                self._to_end.set()
        async with anyio.create_task_group() as group:
            self._scope = group.cancel_scope
            group.start_soon(self._write, link)
            group.start_soon(self._flush)
            group.start_soon(self._watch)
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
            async with agent.lock:
                if self._again or self._fenced:
                    # The driver went back to what is committed: these frames come again.
                    return
                step = await agent.feed(batch)
                if step.urgent or agent.context.monotonic() - agent.committed_at >= window:
                    if not await agent.try_commit(step):
                        return
                else:
                    self._to_flush.set()
            if not agent.alive:
                # Nothing more can come; the runner goes when it is told to (_end, _tidy).
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

    async def _watch(self) -> None:
        """Holds the program to the time that it may take to get ready, and to end a turn."""
        agent, timings = self.agent, self.agent.context.timings
        while True:
            state, turn = agent.record.state, agent.record.turn
            limit = {State.STARTING: timings.start, State.CANCELING: timings.cancel}.get(state)
            with anyio.move_on_after(math.inf if limit is None else limit):
                while (agent.record.state, agent.record.turn) == (state, turn):
                    await agent.changed.wait()
                continue
            async with agent.lock:
                if (agent.record.state, agent.record.turn) == (state, turn):
                    await self._too_slow(state)

    async def _too_slow(self, state: State) -> None:
        agent = self.agent
        step = agent.step()
        if state is State.STARTING:
            seconds = f"{agent.context.timings.start:g}"
            tail = f" Its last words: {agent.stderr[-1]}" if agent.stderr else ""
            failure = Failure(
                f"The program did not say that it is ready within {seconds} s.{tail}",
                "start_timeout",
                "Look into the agent's log, check that its command speaks ACP, and send a prompt "
                "to try again.",
            )
            life.break_down(step, failure, agent.context.server_id)
        else:
            step.log("warn", "agent", "The turn did not end when asked: ending the process.")
            step.audit("daemon", "agent.end", reason="interrupt ignored")
            step.move(Event.END)
            step.say_state()
        await agent.try_commit(step)

    # When it is gone ---------------------------------------------------------------------------

    async def _bury(self) -> bool:
        """The runner is dead: its journal to the end, once; then whatever it left behind.

        False where the store refused: then it is to be done again.
        """
        agent, runners = self.agent, self.agent.context.runners
        async with agent.lock:
            frames = await runners.read_journal(self.folder, agent.base.progress.position)
            if not await agent.try_commit(await agent.feed(frames)):
                return self._fenced
        self.result = await runners.sweep(self.folder)
        async with agent.lock:
            if agent.alive:
                step = agent.step()
                if agent.record.state is State.ENDING:
                    agent.process_over(step, None, None)
                else:
                    self._runner_gone(step)
                if not await agent.try_commit(step):
                    return self._fenced
        await self._tidy()
        return True

    def _runner_gone(self, step: Step) -> None:
        agent = self.agent
        if agent.driver is not None:
            wanted = agent.driver.exited(None, None, "\n".join(agent.stderr))
            # Its own words for this would blame the program.
            kept = [one for one in wanted if not isinstance(one, life.ENDINGS)]
            agent.take(step, kept)
        failure = Failure(
            "The process that held this agent's program was killed; the program was ended too.",
            "runner_gone",
            "Send a prompt to go on; what it had said until then is kept.",
        )
        life.break_down(step, failure, agent.context.server_id)

    async def _break(self, failure: Failure, *, nothing_runs: bool) -> bool:
        """The runner cannot be used: says so. False where the store refused."""
        async with self.agent.lock:
            step = self.agent.step()
            life.break_down(step, failure, self.agent.context.server_id)
            if not await self.agent.try_commit(step):
                return self._fenced
        if nothing_runs:
            await self._tidy()
        else:
            await self._clear()
        return True

    async def _clear(self) -> None:
        try:
            self.result = await clear(self.agent.context, self.folder)
        except (RunnerError, OSError) as error:
            log.error("agent %s: %s could not be cleaned up: %s", self.agent.id, self.folder, error)

    async def _collapse(self, error: Exception) -> None:
        agent = self.agent
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        async with agent.lock:
            agent.roll_back()
            step = agent.step()
            failure = Failure(
                f"Sereno failed while it drove this agent: {type(error).__name__}: {error}.",
                "internal",
                "Please report it with the daemon's log; send a prompt to try again.",
            )
            if isinstance(error, RunnerError):
                failure = Failure(error.message, error.code, error.next_step)
            life.break_down(step, failure, agent.context.server_id)
            await agent.try_commit(step)
        await self._clear()

    async def _tidy(self) -> None:
        try:
            await anyio.to_thread.run_sync(self.agent.context.runners.remove, self.folder)
        except (RunnerError, OSError) as error:
            log.warning("agent %s: %s was not removed: %s", self.agent.id, self.folder, error)

    async def _afterwards(self) -> None:
        """A prompt that cut off a turn which would not end is still to be run."""
        agent = self.agent
        async with agent.lock:
            if not agent.alive and not agent.deleted:
                await agent.try_commit(agent.step(), start=True)
