"""One page of a timeline, read, joined and encoded on a reader thread (wire reference 6.7).

Costs what it returns, whatever the timeline's length. Not here: the rules of joining (timeline.py).
"""

from __future__ import annotations

import sqlite3

import msgspec

from sereno.core.agents.timeline import canonical, project, voice
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import TimelinePage
from sereno.core.protocol.requests import FetchTimeline
from sereno.core.protocol.timeline import Cursor, Direction, Projection, Window
from sereno.core.protocol.values import UnsetType, given
from sereno.core.store import timeline
from sereno.core.store.timeline import Row

__all__ = ["last_message", "read_page"]

DEFAULT_LIMIT = 200
LOOKED_AT_FOR_LAST_MESSAGE = 5_000


class _Wanted(msgspec.Struct, frozen=True):
    """A request with its defaults filled in; `limit` 0 = everything, `seq` the cursor's."""

    direction: Direction
    seq: int
    limit: int
    projection: Projection


class _Found(msgspec.Struct, frozen=True):
    rows: list[Row]
    stale: bool = False
    gap: bool = False


def read_page(
    connection: sqlite3.Connection,
    request: FetchTimeline,
    agent: AgentSnapshot,
    epoch: str,
) -> bytes:
    """The whole reply frame."""
    low, high = timeline.window(connection, agent.id)
    wanted = _wanted(request, high)
    found = _select(connection, agent.id, wanted, request.cursor, epoch, low)
    rows = found.rows
    join = project if wanted.projection == "projected" else canonical
    page = TimelinePage(
        request_id=request.request_id,
        agent_id=agent.id,
        agent=agent,
        direction=wanted.direction,
        projection=wanted.projection,
        epoch=epoch,
        reset=found.stale or found.gap,
        stale_cursor=found.stale,
        gap=found.gap,
        window=Window(min_seq=low, max_seq=high, next_seq=high + 1),
        start_cursor=Cursor(epoch=epoch, seq=rows[0].seq) if rows else None,
        end_cursor=Cursor(epoch=epoch, seq=rows[-1].seq) if rows else None,
        has_older=_has_older(wanted, rows, low),
        has_newer=_has_newer(wanted, rows, high),
        entries=join(rows, agent.provider),
        error=None,
    )
    return encode_payload(page)


def last_message(connection: sqlite3.Connection, agent: str) -> str | None:
    """The text of the last assistant message, its chunks joined; None where there is none near."""
    parts: list[str] = []
    rows = timeline.backwards(connection, agent, 1 << 62)
    for looked_at, row in enumerate(rows):
        if voice(row.item) == "assistant_message":
            entry = canonical([row], "")[0]
            parts.append(entry.item.text)  # type: ignore[union-attr]
        elif parts or looked_at > LOOKED_AT_FOR_LAST_MESSAGE:
            break
    return "".join(reversed(parts)) if parts else None


def _wanted(request: FetchTimeline, high: int) -> _Wanted:
    cursor = None if isinstance(request.cursor, UnsetType) else request.cursor
    direction: Direction = given(request.direction, "after" if cursor else "tail")
    default = 0 if direction == "after" else DEFAULT_LIMIT
    seq = cursor.seq if cursor else (0 if direction == "after" else high + 1)
    limit = max(0, given(request.limit, default))
    return _Wanted(direction, seq, limit, given(request.projection, "projected"))


def _select(
    connection: sqlite3.Connection,
    agent: str,
    wanted: _Wanted,
    cursor: Cursor | UnsetType,
    epoch: str,
    low: int,
) -> _Found:
    if not isinstance(cursor, UnsetType) and cursor.epoch != epoch:
        return _Found(_last(connection, agent, 1 << 62, wanted.limit), stale=True)
    match wanted.direction:
        case "after" if low and wanted.seq < low - 1:
            return _Found(_last(connection, agent, 1 << 62, wanted.limit), gap=True)
        case "after":
            limit = wanted.limit or -1
            return _Found(list(timeline.forwards(connection, agent, wanted.seq, limit)))
        case "before":
            return _Found(_last(connection, agent, wanted.seq, wanted.limit))
        case "tail" if wanted.projection == "canonical" and wanted.limit:
            return _Found(_last_messages(connection, agent, wanted.limit))
        case _:
            return _Found(_last(connection, agent, 1 << 62, wanted.limit))


def _last(connection: sqlite3.Connection, agent: str, before: int, limit: int) -> list[Row]:
    rows: list[Row] = []
    for row in timeline.backwards(connection, agent, before):
        rows.append(row)
        if len(rows) == limit:
            break
    rows.reverse()
    return rows


def _last_messages(connection: sqlite3.Connection, agent: str, limit: int) -> list[Row]:
    """The last `limit` messages; a run of chunks counts once and is never cut."""
    rows: list[Row] = []
    messages, before = 0, None
    for row in timeline.backwards(connection, agent, 1 << 62):
        now = voice(row.item)
        if now is None or now != before:
            messages += 1
            if messages > limit:
                break
        rows.append(row)
        before = now
    rows.reverse()
    return rows


def _has_older(wanted: _Wanted, rows: list[Row], low: int) -> bool:
    if rows:
        return rows[0].seq > low
    return bool(low) and wanted.direction == "after" and wanted.seq >= low


def _has_newer(wanted: _Wanted, rows: list[Row], high: int) -> bool:
    if rows:
        return rows[-1].seq < high
    return bool(high) and wanted.direction == "before" and wanted.seq <= high
