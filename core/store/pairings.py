"""Pairings, questions, devices, and the client keys that were used: rows and nothing else.

What may become of them is decided by core/security/pairings.py. No secret ever comes here: keys lie
in files (core/home/pairings.py), clients are marks of 16 bytes.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

import msgspec

from sereno.core.protocol.pairing import Ended, Kind, Rights

__all__ = [
    "DeviceRow",
    "PairingRow",
    "QuestionRow",
    "claim",
    "devices",
    "forget",
    "forget_device",
    "forget_question",
    "pairings",
    "put",
    "put_device",
    "put_question",
    "questions",
    "seen",
]

_PAIRING = (
    "server_id, id, kind, state, made_ms, until_ms, name, rights, confirm, client, ended, ended_ms"
)
_QUESTION = "id, pairing, client, client_type, app_version, words, asked_ms, until_ms"
_DEVICE = "id, pairing, client, name, rights, blocked, paired_ms, seen_ms, way"


class PairingRow(msgspec.Struct, frozen=True):
    """See core/security/pairings.py: Pairing, field for field."""

    server_id: str
    id: str
    kind: Kind
    state: Literal["open", "asking", "paired", "ended"]
    made_ms: int
    until_ms: int
    name: str
    rights: Rights
    confirm: bool
    client: bytes | None
    ended: Ended | None
    ended_ms: int | None


class QuestionRow(msgspec.Struct, frozen=True):
    """One that waits. `words`: parted by blanks."""

    id: str
    pairing: str
    client: bytes
    client_type: str
    app_version: str | None
    words: str
    asked_ms: int
    until_ms: int


class DeviceRow(msgspec.Struct, frozen=True):
    """Who was confirmed on a pairing, or `blocked`: refused or revoked on one that is shared."""

    id: str
    pairing: str
    client: bytes
    name: str
    rights: Rights
    blocked: bool
    paired_ms: int
    seen_ms: int | None = None
    way: Literal["relay", "direct"] | None = None


def put(connection: sqlite3.Connection, row: PairingRow) -> None:
    """Adds or replaces. With one that ended goes all that hung on it: the question, the device and
    the used keys, which are of no use without the key pair."""
    _upsert(connection, "pairings", _PAIRING, "server_id", msgspec.structs.astuple(row))
    if row.state == "ended":
        for table in ("questions", "devices", "used_client_keys"):
            connection.execute(f"DELETE FROM {table} WHERE pairing = ?", (row.server_id,))


def pairings(connection: sqlite3.Connection) -> list[PairingRow]:
    """All that are kept, the oldest first."""
    query = f"SELECT {_PAIRING} FROM pairings ORDER BY made_ms, id"
    return [PairingRow(*_with_bool(row, 8)) for row in connection.execute(query)]


def forget(connection: sqlite3.Connection, server_id: str) -> None:
    """A pairing and all that hangs on it."""
    connection.execute("DELETE FROM pairings WHERE server_id = ?", (server_id,))


def put_question(connection: sqlite3.Connection, row: QuestionRow) -> None:
    """Adds or replaces one that waits."""
    _upsert(connection, "questions", _QUESTION, "id", msgspec.structs.astuple(row))


def questions(connection: sqlite3.Connection) -> list[QuestionRow]:
    """Those that wait, the oldest first."""
    query = f"SELECT {_QUESTION} FROM questions ORDER BY asked_ms, id"
    return [QuestionRow(*row) for row in connection.execute(query)]


def forget_question(connection: sqlite3.Connection, question_id: str) -> None:
    connection.execute("DELETE FROM questions WHERE id = ?", (question_id,))


def put_device(connection: sqlite3.Connection, row: DeviceRow) -> None:
    """Adds or replaces."""
    _upsert(connection, "devices", _DEVICE, "id", msgspec.structs.astuple(row))


def devices(connection: sqlite3.Connection) -> list[DeviceRow]:
    """Everybody, the oldest first."""
    query = f"SELECT {_DEVICE} FROM devices ORDER BY paired_ms, id"
    return [DeviceRow(*_with_bool(row, 5)) for row in connection.execute(query)]


def forget_device(connection: sqlite3.Connection, device_id: str) -> None:
    connection.execute("DELETE FROM devices WHERE id = ?", (device_id,))


def seen(connection: sqlite3.Connection, device_id: str, seen_ms: int, way: str) -> None:
    """When and how a device was connected last; nothing for one that is gone."""
    connection.execute(
        "UPDATE devices SET seen_ms = ?, way = ? WHERE id = ?", (seen_ms, way, device_id)
    )


def claim(connection: sqlite3.Connection, server_id: str, fingerprint: bytes) -> bool:
    """Whether this client key was never used on this pairing; from now on it was (T05, C-24). False
    also where the pairing is gone. To be written durably: see Database.write."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO used_client_keys (pairing, fingerprint)"
        " SELECT server_id, ? FROM pairings WHERE server_id = ? AND state <> 'ended'",
        (fingerprint, server_id),
    )
    return cursor.rowcount == 1


def _with_bool(row: tuple[Any, ...], at: int) -> list[Any]:
    """SQLite knows numbers only."""
    values = list(row)
    values[at] = bool(values[at])
    return values


def _upsert(
    connection: sqlite3.Connection, table: str, columns: str, key: str, values: tuple[Any, ...]
) -> None:
    """Not REPLACE: that would delete the row, and with it what hangs on it."""
    names = columns.split(", ")
    marks = ", ".join("?" for _ in names)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name != key)
    connection.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})"
        f" ON CONFLICT ({key}) DO UPDATE SET {changes}",
        values,
    )
