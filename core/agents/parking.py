"""Parking: ending the program of an agent that has nothing to do, so that its memory is free. The
session stays with the program; the next prompt starts it again and goes on.

Parked is only who loses nothing by it: idle, nothing queued or asked, a session that its program
can take up again. What an agent left running in the background would be ended: so it is off unless
the person sets a time or a limit of memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import msgspec

from sereno.core.agents.states import Event, State
from sereno.core.store.errors import StoreError

if TYPE_CHECKING:
    from sereno.core.agents.agent import Agent
    from sereno.core.agents.context import Context

__all__ = ["Idle", "due", "measure", "park_idle", "parkable"]

log = logging.getLogger(__name__)
BY = "sereno (parking)"


class Idle(msgspec.Struct, frozen=True):
    """An agent that may be parked. `memory_kib`: of its whole process tree."""

    agent_id: str
    since_ms: int
    memory_kib: int = 0


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


def parkable(agent: Agent) -> bool:
    """Whether its program could be ended and started again without a loss."""
    record = agent.record
    return (
        record.state is State.IDLE
        and not agent.base.queue
        and not agent.base.requests
        and record.session_id is not None
        and record.last_user_ms is not None
        and record.reported.capabilities.supports_session_persistence
        and agent.provider_available
    )


async def park_idle(context: Context, agents: Callable[[], Iterable[Agent]]) -> None:
    """Looks again and again, until it is cancelled; at once gone where nothing is configured."""
    config = context.config
    if not config.park_after_minutes and not config.park_memory_mb:
        return
    while True:
        await anyio.sleep(context.timings.parking)
        alive = [agent for agent in agents() if agent.alive]
        memory: Mapping[str, int] = {}
        if config.park_memory_mb:
            memory = await measure(context, alive)
        over_kib = sum(memory.values()) - config.park_memory_mb * 1024 if memory else 0
        idle = [
            Idle(agent.id, agent.record.updated_ms, memory.get(agent.id, 0))
            for agent in alive
            if parkable(agent)
        ]
        after_ms = round(config.park_after_minutes * 60_000)
        wanted = set(due(idle, context.clock(), after_ms=after_ms, over_kib=over_kib))
        for agent in alive:
            if agent.id in wanted and parkable(agent):
                await _park(agent)


async def _park(agent: Agent) -> None:
    """A prompt that comes while it ends starts it again."""
    try:
        async with agent.act() as step:
            if parkable(agent) and not step.queue:
                step.audit(BY, "agent.parked")
                step.set(parked=True)
                step.move(Event.END)
                step.say_state()
                await agent.commit(step)
    except StoreError as error:
        # Said on the agent already; tried again at the next look.
        log.debug("agent %s was not parked: %s", agent.id, error)


async def measure(context: Context, agents: Iterable[Agent]) -> Mapping[str, int]:
    """KiB of each agent's process tree, the runner included."""
    folders = {agent.id: agent.folder for agent in agents}

    def look() -> dict[str, int]:
        return {
            agent_id: sum(row.rss_kib for row in context.runners.processes(folder))
            for agent_id, folder in folders.items()
        }

    return await anyio.to_thread.run_sync(look)
