"""Small facts about this home: one text per key."""

from __future__ import annotations

import sqlite3

__all__ = ["get", "set_once", "set_value"]


def get(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_value(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def set_once(connection: sqlite3.Connection, key: str, value: str) -> str:
    """Keeps the value that is there, else `value`; returns what is kept (the server id…)."""
    connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, value))
    kept = get(connection, key)
    assert kept is not None
    return kept
