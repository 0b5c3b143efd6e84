"""Timeline rows: what an agent said and did, numbered from 1 without gaps, never changed.

`item` is the wire's JSON of a TimelineItem. Joining rows for a reader is core/agents/timeline.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

__all__ = ["Row", "add", "backwards", "forwards", "window"]


class Row(msgspec.Struct, frozen=True):
    """A struct and not a dataclass: one is made for each event, and this costs a tenth."""

    seq: int
    at_ms: int
    item: bytes


def add(connection: sqlite3.Connection, agent: str, rows: Iterable[Row]) -> None:
    connection.executemany(
        "INSERT INTO timeline (agent, seq, at_ms, item) VALUES (?, ?, ?, ?)",
        [(agent, row.seq, row.at_ms, row.item) for row in rows],
    )


def window(connection: sqlite3.Connection, agent: str) -> tuple[int, int]:
    """First and last number; (0, 0) for an empty timeline."""
    # Two lookups at the ends of the key; one query for both would walk the whole timeline.
    first = connection.execute("SELECT min(seq) FROM timeline WHERE agent = ?", (agent,))
    low = first.fetchone()[0]
    last = connection.execute("SELECT max(seq) FROM timeline WHERE agent = ?", (agent,))
    return (low or 0, last.fetchone()[0] or 0)


def forwards(connection: sqlite3.Connection, agent: str, after: int, limit: int) -> Iterator[Row]:
    """Rows above `after`, ascending; limit -1: all."""
    query = "SELECT seq, at_ms, item FROM timeline WHERE agent = ? AND seq > ? ORDER BY seq LIMIT ?"
    for seq, at_ms, item in connection.execute(query, (agent, after, limit)):
        yield Row(seq, at_ms, item)


def backwards(connection: sqlite3.Connection, agent: str, before: int) -> Iterator[Row]:
    """Rows under `before`, descending, as many as the caller takes."""
    query = "SELECT seq, at_ms, item FROM timeline WHERE agent = ? AND seq < ? ORDER BY seq DESC"
    for seq, at_ms, item in connection.execute(query, (agent, before)):
        yield Row(seq, at_ms, item)
