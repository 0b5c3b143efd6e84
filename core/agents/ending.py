"""The end of an agent's program, wished by a person or by parking: over the whole process tree, and
verified. Also what is done to an agent after its end: hiding it, removing it.

How the tree is ended is the runner's concern (core/runners), when it is asked to live.py's.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread

from sereno.core.agents.agent import Agent
from sereno.core.agents.errors import NotPossible
from sereno.core.agents.leftovers import clear
from sereno.core.agents.states import Event, State
from sereno.core.agents.step import Step
from sereno.core.agents.views import Ended
from sereno.core.runners.model import RunnerError
from sereno.core.security.audit import digest
from sereno.core.store import agents as rows
from sereno.core.store import audit
from sereno.core.store.audit import Entry
from sereno.core.store.errors import StoreError

__all__ = ["archive", "delete", "end", "ended"]

MOST_ENDS = 10


async def end(agent: Agent, *, by: str) -> Ended:
    try:
        await _say_end(agent, by)
    except StoreError:
        # A full disk must not keep a program running that somebody wants to stop.
        if agent.live is None or agent.live.over.is_set():
            raise
        folder = agent.folder
        await agent.live.end_now()
        return Ended(await _still_running(agent, folder))
    return await ended(agent)


async def ended(agent: Agent) -> Ended:
    """Waits for the end of the run that is being ended, and says what of it is left.

    Only of that run: a prompt that came meanwhile may have begun the next one by then.
    """
    live, folder = agent.live, agent.folder
    if live is not None:
        folder = live.folder
        await live.over.wait()
    if await _still_running(agent, folder):
        with contextlib.suppress(RunnerError, OSError):
            await clear(agent.context, folder)
    return Ended(await _still_running(agent, folder))


async def _say_end(agent: Agent, by: str) -> None:
    async with agent.act() as step:
        if agent.alive and step.record.state is not State.ENDING:
            step.audit(by, "agent.end")
            step.set(held=True)
            step.move(Event.END)
            step.say_state()
            await agent.commit(step)
        elif agent.alive and step.record.parked:
            # It was only to rest: now what comes to wait stays where it is.
            step.audit(by, "agent.end")
            step.set(held=True, parked=False)
            step.say_state()
            await agent.commit(step)
        elif step.record.state is State.BROKEN:
            step.move(Event.END)
            step.say_state()
            await agent.commit(step)
        if agent.alive and agent.live is None:
            # Nobody drives it: its provider is not configured any more.
            agent.run_process(fresh=False)


async def _still_running(agent: Agent, folder: Path) -> tuple[int, ...]:
    """Pids of a run, asked of the system: an end is verified, never assumed.

    Raises NotPossible where nobody can tell just now.
    """
    try:
        rows = await anyio.to_thread.run_sync(agent.context.runners.processes, folder)
    except (OSError, RunnerError) as error:
        raise NotPossible(
            "not_verified",
            f"Agent {agent.id[:8]} was told to end, but whether anything of it is left cannot be "
            f"seen now: {error}.",
            "Try again in a moment.",
        ) from error
    return tuple(row.pid for row in rows)


@contextlib.asynccontextmanager
async def _at_its_end(agent: Agent, by: str) -> AsyncIterator[Step]:
    """Ends the agent and gives the open step in which it has no process: a prompt that came in
    between may have begun the next run, which is ended too.

    Raises NotPossible where somebody begins one again and again.
    """
    for _ in range(MOST_ENDS):
        await end(agent, by=by)
        async with agent.act() as step:
            if not agent.alive and (agent.live is None or agent.live.over.is_set()):
                yield step
                return
        if agent.refused is not None:
            # It was ended, but that could not be stored, so what follows cannot be either.
            raise agent.refused
    raise NotPossible(
        "not_ended",
        f"Agent {agent.id[:8]} is started again each time it is ended.",
        "See who sends it prompts (`sereno inspect`), and try again.",
    )


async def archive(agent: Agent, *, by: str) -> None:
    async with _at_its_end(agent, by) as step:
        if step.record.archived_ms is None:
            step.audit(by, "agent.archived")
            step.set(archived_ms=step.now_ms, attention=None)
            step.say_state()
            await agent.commit(step)


async def delete(agent: Agent, *, by: str) -> None:
    async with _at_its_end(agent, by) as step:
        entry = Entry(step.now_ms, by, "agent.deleted", agent.id)

        def write(connection: sqlite3.Connection) -> None:
            rows.delete(connection, agent.id)
            audit.add(connection, [entry], digest)

        with anyio.CancelScope(shield=True):
            await agent.context.database.write(write)
            agent.deleted = True
            agent.wake()
    folder = agent.context.home.agent(agent.id)
    await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
