"""The audit table: append-only by triggers, chained by a digest that the caller brings.

The head (number and hash of the last entry) is kept in `meta`, so that entries cut off at the end
are noticed too. The chain's rule is core/security/audit.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator

import msgspec

from sereno.core.store import meta
from sereno.core.store.errors import StoreError

__all__ = ["AuditRow", "Digest", "Entry", "add", "head", "newest", "oldest"]

HEAD = "audit_head"
_COLUMNS = "n, at_ms, actor, action, subject, details, previous, hash"

Digest = Callable[[int, int, str, str, str, str, bytes], bytes]
"""(n, at_ms, actor, action, subject, details, previous hash) to hash."""


class Entry(msgspec.Struct, frozen=True):
    """Who did what to what; `details` is JSON text, `at_ms` epoch milliseconds."""

    at_ms: int
    actor: str
    action: str
    subject: str
    details: str = "{}"


class AuditRow(msgspec.Struct, frozen=True):
    n: int
    at_ms: int
    actor: str
    action: str
    subject: str
    details: str
    previous: bytes
    hash: bytes


def add(connection: sqlite3.Connection, entries: Iterable[Entry], digest: Digest) -> None:
    """Appends entries in order."""
    n, last = head(connection)
    for entry in entries:
        n += 1
        fields = (n, entry.at_ms, entry.actor, entry.action, entry.subject, entry.details, last)
        last = digest(*fields)
        connection.execute(
            f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, last)
        )
    meta.set_value(connection, HEAD, f"{n}:{last.hex()}")


def head(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Number and hash of the last entry; (0, 32 zero bytes) before the first."""
    value = meta.get(connection, HEAD)
    if value is None:
        return 0, bytes(32)
    n, _, last = value.partition(":")
    try:
        return int(n), bytes.fromhex(last)
    except ValueError as error:
        raise StoreError(
            "corrupt",
            "The head of the audit cannot be read: somebody has changed the database.",
            "Restore a copy of the database, or move it away to begin anew.",
        ) from error


def oldest(connection: sqlite3.Connection) -> Iterator[AuditRow]:
    """Every entry from the first; for a reader thread."""
    for row in connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY n"):
        yield AuditRow(*row)


def newest(connection: sqlite3.Connection, limit: int) -> list[AuditRow]:
    """The last entries, newest first."""
    query = f"SELECT {_COLUMNS} FROM audit ORDER BY n DESC LIMIT ?"
    return [AuditRow(*row) for row in connection.execute(query, (limit,))]
