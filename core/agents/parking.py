"""Parking: ending the program of an agent that has nothing to do, so that its memory is free. The
session stays with the program; the next prompt starts it again and goes on.

Parked is only who loses nothing by it: idle, nothing queued or asked, nothing at work in the
background, and a session that its program can take up again. By itself it happens only where the
person sets a time or a limit of memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import msgspec

from sereno.core.agents import ending
from sereno.core.agents.background import at_work, background
from sereno.core.agents.errors import AgentError, NotPossible
from sereno.core.agents.states import Event, State
from sereno.core.agents.views import Ended
from sereno.core.runners.model import ProcessInfo, RunnerError
from sereno.core.store.errors import StoreError

if TYPE_CHECKING:
    from sereno.core.agents.agent import Agent
    from sereno.core.agents.context import Context
    from sereno.core.agents.step import Step

__all__ = ["Idle", "Look", "due", "hindrance", "look", "park", "park_idle"]

log = logging.getLogger(__name__)
BY = "sereno (parking)"
_STATES = {
    State.STARTING: "It is being started.",
    State.RUNNING: "A turn runs.",
    State.CANCELING: "A turn is being stopped.",
    State.FAILED: "Its last turn failed, and that is to be seen.",
    State.ENDING: "It is being ended already.",
    State.CLOSED: "No program of it runs.",
    State.BROKEN: "No program of it runs.",
}


class Idle(msgspec.Struct, frozen=True):
    """An agent that may be parked. `memory_kib`: of its whole process tree."""

    agent_id: str
    since_ms: int
    memory_kib: int = 0


class Look(msgspec.Struct, frozen=True):
    """What an agent's processes take, and which of them a tool left at work."""

    memory_kib: int
    background: tuple[ProcessInfo, ...]


def due(idle: Iterable[Idle], now_ms: int, *, after_ms: int, over_kib: int) -> Sequence[str]:
    """Who is to be parked now. Pure.

    `after_ms`: idle for that long; 0 for never. `over_kib`: by how much all agents together are
    over the limit of memory; of them the longest idle go, until that much is free.
    """
    found = []
    freed = 0
    for one in sorted(idle, key=lambda one: one.since_ms):
        too_long = after_ms > 0 and now_ms - one.since_ms >= after_ms
        if too_long or freed < over_kib:
            found.append(one.agent_id)
            freed += one.memory_kib
    return found


def hindrance(agent: Agent, background: Sequence[ProcessInfo] = ()) -> str | None:
    """Why its program cannot be ended and started again without a loss; None where it can."""
    record = agent.record
    working = at_work(agent.driver)
    if record.state is not State.IDLE:
        return _STATES[record.state]
    if agent.base.requests:
        return "It asks for permission."
    if agent.base.queue:
        return "Prompts wait in its queue."
    if not agent.provider_available:
        return f"The provider {record.provider} is not configured (any more), or disabled."
    if record.last_user_ms is not None and not _resumes(agent):
        return "Its program cannot take up a session again."
    if working:
        return f"Its program has work in the background ({working})."
    if background:
        words = "; ".join(f"{row.pid} {row.command[:80]}" for row in background[:3])
        return f"What it started is still running: {words}."
    return None


def _resumes(agent: Agent) -> bool:
    record = agent.record
    able = record.reported.capabilities.supports_session_persistence
    return record.session_id is not None and able


def _since_ms(agent: Agent) -> int:
    """Since when it is idle and nothing was heard of it, nor done to it."""
    quiet_s = agent.context.monotonic() - agent.committed_at
    began_ms = agent.record.since_ms or agent.record.updated_ms
    return max(began_ms, agent.context.clock() - round(quiet_s * 1000))


async def look(agent: Agent) -> Look:
    rows = await anyio.to_thread.run_sync(agent.context.runners.processes, agent.folder)
    return Look(sum(row.memory_kib for row in rows), background(agent, rows))


async def park_idle(context: Context, agents: Callable[[], Iterable[Agent]]) -> None:
    """Looks again and again, until it is cancelled; at once gone where nothing is configured."""
    config = context.config
    if not config.park_after_minutes and not config.park_memory_mb:
        return
    while True:
        await anyio.sleep(context.timings.parking)
        living = {agent.id: agent for agent in agents() if agent.alive}
        for agent_id in await _too_many(context, living):
            await _park_quietly(living[agent_id])


async def _too_many(context: Context, living: Mapping[str, Agent]) -> Sequence[str]:
    """Who of them is to be parked now."""
    config = context.config
    looks: dict[str, Look] = {}
    if config.park_memory_mb:
        for agent in living.values():
            try:
                looks[agent.id] = await look(agent)
            except (OSError, RunnerError) as error:
                # As one that takes nothing, and goes on: the others are looked at all the same.
                log.info("agent %s: its memory is not known: %s", agent.id, error)
    used_kib = sum(one.memory_kib for one in looks.values())
    over_kib = used_kib - config.park_memory_mb * 1024 if looks else 0
    idle = [
        Idle(agent.id, _since_ms(agent), one.memory_kib if one else 0)
        for agent in living.values()
        for one in [looks.get(agent.id)]
        if hindrance(agent, one.background if one else ()) is None
    ]
    after_ms = round(config.park_after_minutes * 60_000)
    return due(idle, context.clock(), after_ms=after_ms, over_kib=over_kib)


async def _park_quietly(agent: Agent) -> None:
    try:
        await park(agent, by=BY)
    except AgentError as error:
        log.debug("agent %s is not parked: %s", agent.id, error)
    except (StoreError, RunnerError, OSError) as error:
        # Said on the agent already, or about to pass; tried again at the next look.
        log.info("agent %s was not parked: %s", agent.id, error)


async def park(agent: Agent, *, by: str) -> Ended:
    """Ends its program, verified; a prompt that comes meanwhile starts it again afterwards.

    Raises:
        NotPossible: "not_parked", something would be lost by it; nothing was changed.
    """
    began_ms, run = agent.record.since_ms, agent.base.progress.run
    found = await look(agent) if agent.alive else Look(0, ())
    async with agent.act() as step:
        reason = hindrance(agent, found.background)
        if reason is None and (agent.record.since_ms, agent.base.progress.run) != (began_ms, run):
            # Whoever was quicker wins: what that turn left at work was not looked at.
            reason = "It was just given something to do."
        if reason is not None:
            raise NotPossible(
                "not_parked", reason, "`sereno stop --end` ends it nevertheless; nothing was done."
            )
        _rest(step, by)
        await agent.commit(step)
    result = await ending.ended(agent)
    if not result.verified:
        log.error("agent %s was parked, but processes %s are left", agent.id, result.remaining)
    return result


def _rest(step: Step, by: str) -> None:
    record = step.record
    # The program may have changed its mode by itself (after a plan): it goes on as it is.
    wish = msgspec.structs.replace(record.wish, mode=record.reported.mode_id or record.wish.mode)
    # A session without a prompt is not kept by every program, and holds nothing.
    session_id = None if record.last_user_ms is None else record.session_id
    step.audit(by, "agent.parked")
    step.set(parked=True, wish=wish, session_id=session_id)
    step.move(Event.END)
    step.say_state()
