"""What goes on for an agent without a turn: as its driver knows it, and as its processes show it.

Pure. It keeps an idle agent from being parked, and a stop ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sereno.core.providers.driver import Driver
from sereno.core.runners.inside import left_running
from sereno.core.runners.model import ProcessInfo

if TYPE_CHECKING:
    from sereno.core.agents.agent import Agent

__all__ = ["at_work", "background"]


def at_work(driver: Driver | None) -> int:
    """How many sub-agents and commands run on, by a driver that counts them; else 0."""
    count: object = getattr(driver, "background", None)
    return count if isinstance(count, int) else 0


def background(agent: Agent, rows: Sequence[ProcessInfo]) -> tuple[ProcessInfo, ...]:
    """Of an idle agent's processes: what its tools left at work."""
    if agent.record.last_user_ms is None:
        return ()
    began_ms = agent.record.worked_ms or agent.record.run_started_ms or 0
    return left_running(rows, (agent.context.clock() - began_ms) / 1000)
