"""What stands behind an agent, for people who look closely: processes, memory, its own log."""

from __future__ import annotations

import sqlite3
from typing import Literal, cast

import anyio.to_thread

from sereno.core.agents.agent import Agent
from sereno.core.agents.background import background
from sereno.core.agents.states import State
from sereno.core.agents.views import Inspection, LogPage
from sereno.core.protocol.additions import LogLine, ProcessRow
from sereno.core.protocol.values import UNSET, iso
from sereno.core.store import logs

__all__ = ["inspect", "read_log"]

Level = Literal["debug", "info", "warn", "error"]
LOG_LIMIT = 2_000


async def inspect(agent: Agent) -> Inspection:
    record, run = agent.record, agent.base.progress.run
    context = agent.context
    provider = context.catalog.get(record.provider)
    # Asked of the system: the link may be away while the store refuses, the processes are not.
    found = await anyio.to_thread.run_sync(context.runners.processes, agent.folder)
    at_work = background(agent, found) if record.state is State.IDLE else ()
    rows = tuple(
        ProcessRow(
            pid=one.pid,
            ppid=one.ppid,
            command=one.command,
            rss_kib=one.rss_kib,
            pss_kib=UNSET if one.pss_kib is None else one.pss_kib,
            background=True if one in at_work else UNSET,
        )
        for one in found
    )
    runner = rows[0].pid if rows else None
    child = next((row.pid for row in rows if row.ppid == runner), None)
    return Inspection(
        run=run,
        command=tuple(provider.command) if provider is not None else (),
        runner_pid=runner,
        agent_pid=child,
        processes=rows,
        journal_bytes=agent.base.progress.position,
        started_ms=record.run_started_ms,
        exit=record.exit,
        stderr_tail=tuple(agent.stderr),
    )


def read_log(
    connection: sqlite3.Connection,
    agent_id: str,
    direction: Literal["tail", "before", "after"],
    cursor: int | None,
    limit: int,
) -> LogPage:
    limit = max(1, min(limit, LOG_LIMIT))
    low, _ = logs.bounds(connection, agent_id)
    match direction:
        case "after":
            lines = logs.forwards(connection, agent_id, cursor or 0, limit)
        case "before" if cursor is not None:
            lines = logs.last(connection, agent_id, cursor, limit)
        case _:
            lines = logs.last(connection, agent_id, 1 << 62, limit)
    return LogPage(
        lines=tuple(
            LogLine(
                at=iso(line.at_ms), level=cast("Level", line.level), area=line.area, text=line.text
            )
            for line in lines
        ),
        start_cursor=lines[0].n if lines else 0,
        end_cursor=lines[-1].n if lines else 0,
        has_older=bool(lines) and lines[0].n > low,
    )
