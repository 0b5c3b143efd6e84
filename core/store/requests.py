"""The ledger of requests for permission: open, then answered or withdrawn, once (T47).

What a request means, and who may answer it, is decided above.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

import msgspec

__all__ = ["Closing", "LedgerRow", "add", "close", "every", "find", "open_of"]

ClosedState = Literal["answered", "withdrawn"]
_COLUMNS = "agent, id, request, asked_ms, state, response, closed_by, closed_ms"


class Closing(msgspec.Struct, frozen=True):
    """The one transition of a request. `response`: JSON of a PermissionResponse."""

    id: str
    state: ClosedState
    response: bytes
    by: str
    at_ms: int


class LedgerRow(msgspec.Struct, frozen=True):
    agent: str
    id: str
    request: bytes
    asked_ms: int
    state: str
    response: bytes | None
    closed_by: str
    closed_ms: int | None


def add(
    connection: sqlite3.Connection, agent: str, request_id: str, request: bytes, asked_ms: int
) -> None:
    connection.execute(
        "INSERT INTO requests (agent, id, request, asked_ms) VALUES (?, ?, ?, ?)",
        (agent, request_id, request, asked_ms),
    )


def close(connection: sqlite3.Connection, agent: str, closing: Closing) -> bool:
    """Compare-and-set from open; False where the request is not open (any more)."""
    cursor = connection.execute(
        "UPDATE requests SET state = ?, response = ?, closed_by = ?, closed_ms = ?"
        " WHERE agent = ? AND id = ? AND state = 'open'",
        (closing.state, closing.response, closing.by, closing.at_ms, agent, closing.id),
    )
    return cursor.rowcount == 1


def find(connection: sqlite3.Connection, agent: str, request_id: str) -> LedgerRow | None:
    query = f"SELECT {_COLUMNS} FROM requests WHERE agent = ? AND id = ?"
    row = connection.execute(query, (agent, request_id)).fetchone()
    return None if row is None else LedgerRow(*row)


def open_of(connection: sqlite3.Connection, agent: str | None = None) -> list[LedgerRow]:
    """Open requests, oldest first; of one agent or of all."""
    where, values = "", []
    if agent is not None:
        where, values = " AND agent = ?", [agent]
    query = f"SELECT {_COLUMNS} FROM requests WHERE state = 'open'{where} ORDER BY asked_ms, id"
    return _rows(connection, query, values)


def every(connection: sqlite3.Connection, limit: int) -> list[LedgerRow]:
    """The newest requests, in whatever state, newest first."""
    query = f"SELECT {_COLUMNS} FROM requests ORDER BY asked_ms DESC, id LIMIT ?"
    return _rows(connection, query, [limit])


def _rows(connection: sqlite3.Connection, query: str, values: list[Any]) -> list[LedgerRow]:
    return [LedgerRow(*row) for row in connection.execute(query, values)]
