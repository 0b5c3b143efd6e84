"""The audit where store and chain meet: steps write through here, and here it is verified.

The rule of the chain is core/security/audit.py, the table core/store/audit.py.
"""

from __future__ import annotations

import sqlite3

from sereno.core.security.audit import Link, Verdict, digest, verify
from sereno.core.store import audit
from sereno.core.store.audit import Entry
from sereno.core.store.database import Database
from sereno.core.store.steps import StepRows, apply

__all__ = ["add_entry", "apply_step", "verify_audit"]


def apply_step(connection: sqlite3.Connection, step: StepRows) -> None:
    apply(connection, step, digest)


async def add_entry(database: Database, entry: Entry) -> None:
    """For what happens outside of agents: settings, refusals, pairings."""
    await database.write(lambda connection: audit.add(connection, [entry], digest))


async def verify_audit(database: Database) -> Verdict:
    """Walks the whole chain on a reader thread."""
    return await database.read(_verify)


def _verify(connection: sqlite3.Connection) -> Verdict:
    links = (
        Link(r.n, r.at_ms, r.actor, r.action, r.subject, r.details, r.previous, r.hash)
        for r in audit.oldest(connection)
    )
    return verify(links, audit.head(connection))
