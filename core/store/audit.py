"""The audit table: append-only by triggers, chained by core/security/audit.py.

The head (number and hash of the last entry) is kept in `meta`, so that entries cut off at the end
are noticed too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from sereno.core.security.audit import GENESIS, Entry, Link, Verdict, chain, verify
from sereno.core.store import meta

__all__ = ["add", "check", "newest"]

HEAD = "audit_head"
_COLUMNS = "n, at_ms, actor, action, subject, details, previous, hash"


def add(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Appends entries in order."""
    n, last = _head(connection)
    for entry in entries:
        link = chain(n + 1, entry, last)
        connection.execute(
            f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                link.n,
                entry.at_ms,
                entry.actor,
                entry.action,
                entry.subject,
                entry.details,
                link.previous,
                link.hash,
            ),
        )
        n, last = link.n, link.hash
    meta.set_value(connection, HEAD, f"{n}:{last.hex()}")


def check(connection: sqlite3.Connection) -> Verdict:
    """Verifies the whole chain; for a reader thread."""
    return verify(_links(connection, "ASC", -1), _head(connection))


def newest(connection: sqlite3.Connection, limit: int) -> list[Link]:
    """The last entries, newest first."""
    return list(_links(connection, "DESC", limit))


def _head(connection: sqlite3.Connection) -> tuple[int, bytes]:
    value = meta.get(connection, HEAD)
    if value is None:
        return 0, GENESIS
    n, _, last = value.partition(":")
    return int(n), bytes.fromhex(last)


def _links(connection: sqlite3.Connection, order: str, limit: int) -> Iterator[Link]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY n {order} LIMIT ?", (limit,))
    for n, at_ms, actor, action, subject, details, previous, digest in rows:
        yield Link(n, Entry(at_ms, actor, action, subject, details), previous, digest)
