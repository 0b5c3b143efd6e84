"""Write intents: what an agent must still be told. Committed with their cause, gone when the
runner's journal confirms them, sent again after a restart in the order of their ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

__all__ = ["Intent", "add", "confirm", "forget", "waiting"]


class Intent(msgspec.Struct, frozen=True):
    write_id: int
    data: bytes


def add(connection: sqlite3.Connection, agent: str, run: int, intents: Iterable[Intent]) -> None:
    connection.executemany(
        "INSERT INTO writes (agent, run, write_id, data) VALUES (?, ?, ?, ?)",
        [(agent, run, intent.write_id, intent.data) for intent in intents],
    )


def confirm(connection: sqlite3.Connection, agent: str, run: int, ids: Iterable[int]) -> None:
    """The runner has written these; an id that is unknown was confirmed before."""
    connection.executemany(
        "DELETE FROM writes WHERE agent = ? AND run = ? AND write_id = ?",
        [(agent, run, write_id) for write_id in ids],
    )


def waiting(connection: sqlite3.Connection, agent: str, run: int) -> list[Intent]:
    query = "SELECT write_id, data FROM writes WHERE agent = ? AND run = ? ORDER BY write_id"
    return [Intent(write_id, data) for write_id, data in connection.execute(query, (agent, run))]


def forget(connection: sqlite3.Connection, agent: str) -> None:
    """The run is over: nobody is left to tell."""
    connection.execute("DELETE FROM writes WHERE agent = ?", (agent,))
