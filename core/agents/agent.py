"""One living agent: its lock, its driver, and the commit that makes a step true.

Whoever holds the lock changes the agent: a batch of frames (live.py) or a person's wish (acts.py).
What was fed to the driver stays in one open step until the next commit, so that the driver's
memory, the journal position and what came of them are always committed together. A step that
cannot be stored is forgotten and the driver goes back to what is committed.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from msgspec.structs import replace

from sereno.core.agents import life
from sereno.core.agents.announce import messages, view_of
from sereno.core.agents.auditing import apply_step
from sereno.core.agents.beginning import setup_of
from sereno.core.agents.context import Context
from sereno.core.agents.errors import AgentError, UnknownAgent
from sereno.core.agents.exits import exit_words, read_exit
from sereno.core.agents.extras import wanted_of
from sereno.core.agents.intake import Intake
from sereno.core.agents.live import Live
from sereno.core.agents.news import News, Picture, StateNews, Trouble
from sereno.core.agents.portions import pieces
from sereno.core.agents.record import AgentRecord, Failure
from sereno.core.agents.states import ALIVE, Event, State
from sereno.core.agents.step import Base, Step
from sereno.core.agents.views import AgentView
from sereno.core.providers.driver import Driver
from sereno.core.providers.effects import Effect, Ready
from sereno.core.runners.model import Frame, Stream
from sereno.core.security.sanitise import sanitise_line
from sereno.core.store.errors import StoreError

__all__ = ["Agent"]

log = logging.getLogger(__name__)

STDERR_TAIL = 30
STDERR_LINE = 2_000
STDERR_READ = 65_536
LOOP_SHARE = 0.002
"""Seconds after which others get the loop."""
HALF_LINE = 17 << 20
"""Bytes that a half line may keep back in the journal; drivers give one of 16 MiB up."""

Also = Callable[[sqlite3.Connection], None]


class Agent:
    """`base` is what is committed; `changed` is replaced, after being set, at each new state."""

    def __init__(self, context: Context, base: Base, spawn: Callable[[Live], None]) -> None:
        """`spawn` runs a Live in a task that the fleet owns."""
        self.context = context
        self.base = base
        self._spawn = spawn
        self.lock = asyncio.Lock()
        self.changed = anyio.Event()
        self.deleted = False
        self.live: Live | None = None
        self.driver: Driver | None = None
        self.stderr: deque[str] = deque(maxlen=STDERR_TAIL)
        self.committed_at = 0.0
        self.refused: StoreError | None = None
        """Why the store did not take the last step, if it did not."""
        self.unreadable: Exception | None = None
        """Why the driver could not go on from what is committed of its memory."""
        limit = min(HALF_LINE, (context.config.journal_limit_mb << 20) // 3)
        self._intake = Intake(base.progress.position, limit)
        self._step: Step | None = None
        self._view: AgentView | None = None
        if self.alive and self.provider_available:
            self.driver = self._restored_driver()

    @property
    def id(self) -> str:
        return self.base.record.id

    @property
    def record(self) -> AgentRecord:
        return self.base.record

    @property
    def folder(self) -> Path:
        """Of its present, or last, run."""
        return self.context.home.agent(self.id) / str(self.base.progress.run)

    @property
    def made(self) -> bool:
        """Committed: its first step begins its first run."""
        return self.base.progress.run > 0

    @property
    def alive(self) -> bool:
        return self.record.state in ALIVE

    @property
    def provider_available(self) -> bool:
        return self.context.catalog.get(self.record.provider) is not None

    @property
    def view(self) -> AgentView:
        """The agent as lists show it; made when somebody looks, kept until it changes."""
        if self._view is None:
            self._view = view_of(self._picture, provider_available=self.provider_available)
        return self._view

    @asynccontextmanager
    async def act(self) -> AsyncIterator[Step]:
        """The lock and the open step, for what a person wants. A refusal (AgentError) must come
        before any change; whatever else goes wrong takes the whole step back."""
        async with self.lock:
            step = self.step()
            try:
                yield step
            except AgentError:
                raise
            except Exception:
                self.roll_back()
                raise

    # Steps: all of these only under the lock ------------------------------------------------

    def step(self) -> Step:
        """The open step, or a new one. Raises UnknownAgent for an agent that was deleted."""
        if self.deleted:
            raise UnknownAgent(self.id)
        if self._step is None:
            self._step = Step(self.base, self.context.clock())
        self._step.now_ms = max(self._step.now_ms, self.context.clock())
        return self._step

    @property
    def has_step(self) -> bool:
        return self._step is not None

    def take(self, step: Step, effects: Iterable[Effect], at_ms: int | None = None) -> None:
        for effect in effects:
            if isinstance(effect, Ready):
                self._remember(effect)
            life.take(step, effect, step.now_ms if at_ms is None else at_ms, self.context.server_id)

    def _remember(self, ready: Ready) -> None:
        """What the program offers is offered for new agents too."""
        provider = self.context.catalog.get(self.record.provider)
        if provider is not None:
            provider.remember(ready)

    async def commit(self, step: Step, also: Also | None = None) -> None:
        """Stores the step, then publishes its news and sends its writes, in this order.

        `also` is written before it, in the same transaction.

        Raises:
            StoreError: nothing of the step is true; the agent stands where it stood before.
        """
        if step.record.state not in ALIVE:
            self.driver = None
        if self.refused is not None:
            # Tells clients that the trouble is over.
            step.say_state()
        rows, base, news = step.finish(self._driver_memory)

        def write(connection: sqlite3.Connection) -> None:
            if also is not None:
                also(connection)
            apply_step(connection, rows)

        # A client that leaves must not part what was committed from what is published.
        with anyio.CancelScope(shield=True):
            try:
                await self.context.database.write(write)
            except BaseException as error:
                self.roll_back(fenced=isinstance(error, StoreError) and error.code == "fenced")
                if isinstance(error, StoreError):
                    await self._refused(error)
                raise
            self._step = self._view = self.refused = None
            self.base = base
            self.committed_at = self.context.monotonic()
            await self._publish(news)
            if self.live is not None:
                self.live.committed(step)

    async def try_commit(self, step: Step, *, start: bool = False) -> bool:
        """As `commit`, for work that nobody waits for; False when the store refused."""
        try:
            if start:
                await self.commit_and_start(step)
            else:
                await self.commit(step)
        except StoreError as error:
            log.debug("agent %s: %s", self.id, error)
            return False
        return True

    async def _refused(self, error: StoreError) -> None:
        """Says once that the store refuses, to people and to the log; each retry says nothing."""
        if self.refused is not None and self.refused.code == error.code:
            self.refused = error
            return
        log.error("agent %s: %s", self.id, error)
        self.refused, self._view = error, None
        if self.made:
            await self._publish([StateNews(self._picture)])

    @property
    def _picture(self) -> Picture:
        if self.refused is None:
            return self.base.picture
        trouble = Trouble(self.refused.message, self.refused.next_step, self.context.clock())
        return replace(self.base.picture, trouble=trouble)

    async def _publish(self, news: list[News]) -> None:
        """Many rows for many clients take time: others get the loop in between, the order stays."""
        record, monotonic = self.record, self.context.monotonic
        publish = self.context.publisher.publish
        began = monotonic()
        for message in messages(
            news, agent_id=record.id, provider=record.provider, epoch=record.epoch
        ):
            publish(message)
            if monotonic() - began > LOOP_SHARE:
                await asyncio.sleep(0)
                began = monotonic()
        if any(isinstance(one, StateNews) for one in news):
            self.wake()

    def wake(self) -> None:
        changed, self.changed = self.changed, anyio.Event()
        changed.set()

    def roll_back(self, *, fenced: bool = False) -> None:
        """Forgets the open step; frames that it had taken are read again from the journal."""
        self._step = None
        self.read_again()
        self.driver = self._restored_driver() if self.alive and self.provider_available else None
        if self.live is not None:
            self.live.reconnect(fenced=fenced)

    # Frames ---------------------------------------------------------------------------------

    async def feed(self, frames: Iterable[Frame]) -> Step:
        """Takes frames into the open step; the lock is held over pauses for the loop."""
        step = self.step()
        began = self.context.monotonic()
        for frame in frames:
            for piece in pieces(self._intake.take(frame)):
                self._receive(step, piece, frame.at_ms)
                if self.context.monotonic() - began > LOOP_SHARE:
                    await asyncio.sleep(0)
                    began = self.context.monotonic()
            if frame.stream is not Stream.OUT and frame.end > step.record.heard:
                self._feed_other(step, frame)
                if self._intake.waits:
                    step.set(heard=frame.end)
            step.position = self._intake.position
            if step.record.heard and not self._intake.waits:
                step.set(heard=0)
        return step

    def _receive(self, step: Step, data: bytes, at_ms: int) -> None:
        if self.driver is not None and step.record.state in ALIVE:
            self.take(step, self.driver.receive(data), at_ms)
            self.go_on(step)

    def receive_rest(self, step: Step) -> None:
        """The program is gone: a line that it began will not be ended."""
        for piece in pieces(self._intake.rest()):
            self._receive(step, piece, step.now_ms)

    def read_again(self) -> None:
        """The next frame to come is the first one that is not committed."""
        self._intake.rewind(self.base.progress.position)

    def _feed_other(self, step: Step, frame: Frame) -> None:
        match frame.stream:
            case Stream.ERR:
                self._hear(step, frame)
            case Stream.WROTE:
                step.confirm(frame.write_id)
            case Stream.EXIT:
                end = read_exit(frame.data)
                self.process_over(step, end.code, end.signal)
            case Stream.NOTE:
                note = sanitise_line(frame.data.decode("utf-8", "replace"))
                step.log("info", "runner", note, frame.at_ms)
                if note.startswith("write_lost") and self.live is not None:
                    self.live.unheard()
            case _:
                pass

    def _hear(self, step: Step, frame: Frame) -> None:
        # Of a flood only the end can matter; decoding all of it would hold up the loop.
        text = frame.data[-STDERR_READ:].decode("utf-8", "replace")
        for line in text.splitlines()[-200:]:
            shown = sanitise_line(line)[:STDERR_LINE]
            self.stderr.append(shown)
            step.log("info", "stderr", shown, frame.at_ms)

    def process_over(self, step: Step, code: int | None, signal: int | None) -> None:
        """The program is gone: what its driver makes of that, and what state that leaves."""
        if step.record.state not in ALIVE:
            return
        starting = step.record.state is State.STARTING
        self.receive_rest(step)
        if self.driver is not None:
            self.take(step, self.driver.exited(code, signal, "\n".join(self.stderr)))
        words = exit_words(code, signal)
        step.set(exit=words)
        if step.record.state not in ALIVE:
            return
        if starting:
            failure = Failure(
                f"The program ended before it was ready ({words}).",
                "exited",
                "Its own words are in the agent's log; then send a prompt to try again.",
            )
            life.break_down(step, failure, self.context.server_id)
        else:
            life.left(step, words, self.context.server_id)

    # What follows by itself ------------------------------------------------------------------

    def go_on(self, step: Step) -> None:
        """Begins the next queued prompt, if the agent is free for it."""
        while (
            self.driver is not None
            and step.queue
            and not step.record.held
            and step.record.state in (State.IDLE, State.FAILED)
        ):
            prompt = step.queue[0]
            wanted = self.driver.prompt(wanted_of(prompt))
            life.begin_turn(step, prompt)
            self.take(step, wanted)

    async def commit_and_start(
        self, step: Step, *, wanted: bool = False, also: Also | None = None
    ) -> None:
        """Commits; an agent without a process is started when its queue or `wanted` asks for it.

        While the old process is still being buried, live.py starts the new one afterwards.
        """
        may_start = self.live is None or self.live.over.is_set()
        waiting = bool(step.queue) and not step.record.held
        starts = step.record.state not in ALIVE and may_start and (wanted or waiting)
        if starts:
            self._begin_run(step)
        await self.commit(step, also)
        if starts:
            self.run_process(fresh=True)

    def run_process(self, *, fresh: bool) -> None:
        """Gives the present run its task: `fresh` starts a runner, else it is looked for."""
        self.live = Live(self, fresh=fresh)
        self._spawn(self.live)

    def _begin_run(self, step: Step) -> None:
        """A new process is wanted: its driver's first words are part of this step."""
        record = step.record
        provider = self.context.catalog.get(record.provider)
        assert provider is not None
        step.move(Event.START)
        step.begin_run()
        self._intake.rewind(0)
        step.set(failure=None, held=False, exit=None, heard=0, run_started_ms=step.now_ms)
        step.set(parked=False, worked_ms=None)
        self.stderr.clear()
        self.unreadable = None
        self.driver = provider.driver(setup_of(step.record, step.run), None)
        step.say_state()
        self.take(step, self.driver.start(record.session_id))

    def _restored_driver(self) -> Driver | None:
        provider = self.context.catalog.get(self.record.provider)
        if provider is None or self.base.progress.driver is None:
            return None
        setup = setup_of(self.record, self.base.progress.run)
        try:
            return provider.driver(setup, self.base.progress.driver)
        except Exception as error:
            # Of another release, say. Live.py breaks it off, in words; the others go on.
            log.exception("agent %s", self.id)
            self.unreadable = error
            return None

    def _driver_memory(self) -> bytes | None:
        return None if self.driver is None else self.driver.snapshot()
