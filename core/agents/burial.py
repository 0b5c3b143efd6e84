"""The last things done for a process: its journal read to the end, its tree swept, its folder
removed, and the agent told why.

Each returns whether it is settled; False: the store refused, do it again. Called by live.py, which
owns the process.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from sereno.core.agents import life
from sereno.core.agents.lacking import what_is_lacking
from sereno.core.agents.leftovers import clear
from sereno.core.agents.portions import portions
from sereno.core.agents.record import Failure
from sereno.core.agents.states import State
from sereno.core.agents.step import Step
from sereno.core.runners.model import RunnerError

if TYPE_CHECKING:
    from sereno.core.agents.agent import Agent
    from sereno.core.agents.live import Live

__all__ = ["LEFT_ALONE", "break_off", "bury", "collapse", "tidy"]

log = logging.getLogger(__name__)
LEFT_ALONE = frozenset({"no_answer", "unreachable", "refused", "version"})
"""Failures to reach a runner that lives: only the person may end it."""
MOST_TRIES = 60


async def bury(live: Live) -> bool:
    """The runner is dead: what it wrote until then, once; then whatever it left running."""
    agent, runners = live.agent, live.agent.context.runners
    async with agent.lock:
        frames = await runners.read_journal(live.folder, agent.base.progress.position)
        for some in portions(frames):
            if not await agent.try_commit(await agent.feed(some)):
                return False
    live.result = await runners.sweep(live.folder)
    async with agent.lock:
        if agent.alive:
            step = agent.step()
            if agent.record.state is State.ENDING:
                agent.process_over(step, None, None)
            else:
                _runner_gone(agent, step)
            if not await agent.try_commit(step):
                return False
    await tidy(live)
    return True


def _runner_gone(agent: Agent, step: Step) -> None:
    agent.receive_rest(step)
    if agent.driver is not None:
        wanted = agent.driver.exited(None, None, "\n".join(agent.stderr))
        # Its own words for this would blame the program.
        agent.take(step, [one for one in wanted if not isinstance(one, life.ENDINGS)])
    failure = Failure(
        "The process that held this agent's program was killed; the program was ended too.",
        "runner_gone",
        "Send a prompt to go on; what it had said until then is kept.",
    )
    life.break_down(step, failure, agent.context.server_id)


async def break_off(live: Live, failure: Failure, *, nothing_runs: bool) -> bool:
    """The runner could not be started, or cannot be used."""
    agent = live.agent
    async with agent.lock:
        step = agent.step()
        life.break_down(step, failure, agent.context.server_id)
        if not await agent.try_commit(step):
            return False
    if failure.code not in LEFT_ALONE:
        await (tidy(live) if nothing_runs else _clear(live))
    return True


async def collapse(live: Live, error: Exception) -> None:
    """A mistake of ours must not take other agents down: this one is broken off, in words."""
    agent = live.agent
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    failure = Failure(
        f"Sereno failed while it drove this agent: {type(error).__name__}: {error}.",
        "internal",
        "Please report it with the daemon's log; send a prompt to try again.",
    )
    if isinstance(error, RunnerError):
        failure = Failure(error.message, error.code, error.next_step)
    async with agent.lock:
        if not agent.deleted:
            agent.roll_back()
            step = agent.step()
            life.break_down(step, failure, agent.context.server_id)
            await agent.try_commit(step)
    await _clear(live)


async def tidy(live: Live) -> None:
    """Removes the folder of a run whose processes are gone."""

    async def remove() -> None:
        await anyio.to_thread.run_sync(live.agent.context.runners.remove, live.folder)

    try:
        await _patiently(live, remove)
    except (RunnerError, OSError) as error:
        log.warning("agent %s: %s was not removed: %s", live.agent.id, live.folder, error)


async def _clear(live: Live) -> None:
    async def end_and_remove() -> None:
        live.result = await clear(live.agent.context, live.folder)

    try:
        await _patiently(live, end_and_remove)
    except (RunnerError, OSError) as error:
        log.error("agent %s: %s could not be cleaned up: %s", live.agent.id, live.folder, error)


async def _patiently(live: Live, work: Callable[[], Awaitable[None]]) -> None:
    """Again while the machine lacks what it takes: what is not ended now would run on beside the
    agent's next program."""
    for _ in range(MOST_TRIES):
        try:
            return await work()
        except OSError as error:
            if what_is_lacking(error) is None:
                raise
            log.warning("agent %s: %s is cleaned up later: %s", live.agent.id, live.folder, error)
        await anyio.sleep(live.agent.context.timings.retry)
    return await work()
