"""An agent's own log: its stderr and what its driver noticed, bounded per agent."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

__all__ = ["KEPT", "Line", "NewLine", "add", "bounds", "forwards", "last"]

KEPT = 2_000
"""Lines kept for one agent; older ones go."""


class Line(msgspec.Struct, frozen=True):
    n: int
    at_ms: int
    level: str
    area: str
    text: str


class NewLine(msgspec.Struct, frozen=True):
    """A line that has no number yet."""

    at_ms: int
    level: str
    area: str
    text: str


def add(connection: sqlite3.Connection, agent: str, lines: Sequence[NewLine]) -> None:
    """Appends lines, numbered on; drops the oldest above KEPT."""
    _, newest = bounds(connection, agent)
    rows = [
        (agent, n, line.at_ms, line.level, line.area, line.text)
        for n, line in enumerate(lines, newest + 1)
    ]
    connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", rows)
    oldest = newest + len(rows) - KEPT
    connection.execute("DELETE FROM log WHERE agent = ? AND n <= ?", (agent, oldest))


def bounds(connection: sqlite3.Connection, agent: str) -> tuple[int, int]:
    """First and last number; (0, 0) for an empty log."""
    first = connection.execute("SELECT min(n) FROM log WHERE agent = ?", (agent,))
    low = first.fetchone()[0]
    newest = connection.execute("SELECT max(n) FROM log WHERE agent = ?", (agent,))
    return (low or 0, newest.fetchone()[0] or 0)


def last(connection: sqlite3.Connection, agent: str, before: int, limit: int) -> list[Line]:
    """The `limit` lines just under number `before`, ascending."""
    query = (
        "SELECT n, at_ms, level, area, text FROM log WHERE agent = ? AND n < ?"
        " ORDER BY n DESC LIMIT ?"
    )
    rows = connection.execute(query, (agent, before, limit)).fetchall()
    return [Line(*row) for row in reversed(rows)]


def forwards(connection: sqlite3.Connection, agent: str, after: int, limit: int) -> list[Line]:
    query = (
        "SELECT n, at_ms, level, area, text FROM log WHERE agent = ? AND n > ? ORDER BY n LIMIT ?"
    )
    return [Line(*row) for row in connection.execute(query, (agent, after, limit))]
