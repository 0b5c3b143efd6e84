"""Patience with a program, and its end: getting ready, ending a turn, listening; and its place.

Tasks of one process's Live (live.py); each only ever changes the agent by a step under its lock.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from sereno.core.agents import life
from sereno.core.agents.record import Failure
from sereno.core.agents.states import ALIVE, IN_TURN, Event, State

if TYPE_CHECKING:
    from sereno.core.agents.agent import Agent

__all__ = ["refresh_place", "watch_input", "watch_place", "watch_time"]

log = logging.getLogger(__name__)


async def watch_time(agent: Agent) -> None:
    """Holds the program to the time that it may take to get ready, and to end a turn."""
    timings = agent.context.timings
    while True:
        state, turn = agent.record.state, agent.record.turn
        limit = {State.STARTING: timings.start, State.CANCELING: timings.cancel}.get(state)
        with anyio.move_on_after(math.inf if limit is None else limit):
            while (agent.record.state, agent.record.turn) == (state, turn):
                await agent.changed.wait()
            continue
        async with agent.lock:
            if (agent.record.state, agent.record.turn) == (state, turn):
                await _too_slow(agent, state)


async def watch_input(agent: Agent, unheard: anyio.Event) -> None:
    """A program that was told something and cannot hear it would let its turn hang for ever."""
    await unheard.wait()
    # One that exits just now has better words for it.
    await anyio.sleep(agent.context.timings.deaf)
    async with agent.lock:
        step = agent.step()
        if step.record.state not in ALIVE or step.record.state is State.ENDING:
            return
        failure = Failure(
            "The program closed its input: nothing can be said to it any more.",
            "deaf",
            "Send the prompt again; it goes to a new process.",
        )
        life.break_down(step, failure, agent.context.server_id)
        await agent.try_commit(step)


async def watch_place(agent: Agent) -> None:
    """After each turn: the agent may have switched the branch, or made a repository."""
    while True:
        while agent.record.state not in IN_TURN:
            await agent.changed.wait()
        while agent.record.state in IN_TURN:
            await agent.changed.wait()
        await refresh_place(agent)


async def refresh_place(agent: Agent) -> None:
    """Reads the agent's placement anew, in a thread; tells it only where it changed."""
    try:
        place = await anyio.to_thread.run_sync(agent.context.place, agent.record.cwd)
    except OSError as error:
        log.info("agent %s: its folder could not be looked at: %s", agent.id, error)
        return
    async with agent.lock:
        if place != agent.record.placement and not agent.deleted:
            step = agent.step()
            step.set(placement=place)
            step.say_state()
            await agent.try_commit(step)


async def _too_slow(agent: Agent, state: State) -> None:
    step = agent.step()
    if state is State.STARTING:
        seconds = f"{agent.context.timings.start:g}"
        tail = f" Its last words: {agent.stderr[-1]}" if agent.stderr else ""
        failure = Failure(
            f"The program did not say that it is ready within {seconds} s.{tail}",
            "start_timeout",
            "Look into the agent's log, check that its command speaks ACP, and send a prompt to "
            "try again.",
        )
        life.break_down(step, failure, agent.context.server_id)
    else:
        step.log("warn", "agent", "The turn did not end when asked: ending the process.")
        step.audit("daemon", "agent.end", reason="interrupt ignored")
        step.move(Event.END)
        step.say_state()
    await agent.try_commit(step)
