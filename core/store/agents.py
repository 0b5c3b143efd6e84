"""Agents and how far each one's present run was taken over.

`record` is JSON that core/agents/record.py gives a meaning.
"""

from __future__ import annotations

import sqlite3

import msgspec

from sereno.core.store.errors import StoreError

__all__ = ["AgentRow", "Progress", "add", "advance", "all_rows", "delete", "set_record"]


class Progress(msgspec.Struct, frozen=True):
    """`position`: the journal offset up to which everything is committed; `driver`: the driver's
    snapshot at that offset. All of run number `run`, 0 before the first."""

    run: int = 0
    position: int = 0
    next_write: int = 1
    next_seq: int = 1
    driver: bytes | None = None


class AgentRow(msgspec.Struct, frozen=True):
    id: str
    record: bytes
    progress: Progress


def add(connection: sqlite3.Connection, agent: str, created_ms: int, record: bytes) -> None:
    connection.execute("INSERT INTO agents VALUES (?, ?, ?)", (agent, created_ms, record))
    connection.execute("INSERT INTO progress VALUES (?, 0, 0, 1, 1, NULL)", (agent,))


def all_rows(connection: sqlite3.Connection) -> list[AgentRow]:
    """Every agent, oldest first."""
    query = (
        "SELECT id, record, run, position, next_write, next_seq, driver"
        " FROM agents JOIN progress ON progress.agent = agents.id ORDER BY created_ms, id"
    )
    return [
        AgentRow(agent, record, Progress(run, position, next_write, next_seq, driver))
        for agent, record, run, position, next_write, next_seq, driver in connection.execute(query)
    ]


def set_record(connection: sqlite3.Connection, agent: str, record: bytes) -> None:
    connection.execute("UPDATE agents SET record = ? WHERE id = ?", (record, agent))


def advance(connection: sqlite3.Connection, agent: str, old: Progress, new: Progress) -> None:
    """Moves from `old` to `new`, if `old` is what is committed: the fence against a second daemon.

    Raises:
        StoreError: "fenced", somebody else has moved it, or the agent was deleted.
    """
    same_driver = new.driver is old.driver
    cursor = connection.execute(
        "UPDATE progress SET run = ?, position = ?, next_write = ?, next_seq = ?,"
        " driver = iif(?, driver, ?)"
        " WHERE agent = ? AND run = ? AND position = ? AND next_write = ? AND next_seq = ?",
        (
            new.run,
            new.position,
            new.next_write,
            new.next_seq,
            same_driver,
            None if same_driver else new.driver,
            agent,
            old.run,
            old.position,
            old.next_write,
            old.next_seq,
        ),
    )
    if cursor.rowcount != 1:
        raise StoreError(
            "fenced",
            f"Agent {agent[:8]} was changed by another daemon.",
            "Only one daemon may use a home; stop the other one.",
        )


def delete(connection: sqlite3.Connection, agent: str) -> None:
    """Removes the agent and all that is only its own; the audit stays."""
    for table in ("timeline", "requests", "writes", "prompts", "log"):
        connection.execute(f"DELETE FROM {table} WHERE agent = ?", (agent,))
    connection.execute("DELETE FROM agents WHERE id = ?", (agent,))
