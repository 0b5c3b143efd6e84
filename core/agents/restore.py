"""Agents as the database has them: read once, when a daemon starts.

Not here: taking up their processes (live.py).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict

import msgspec

from sereno.core.agents.record import decode
from sereno.core.agents.requests import OpenRequest, read_open
from sereno.core.agents.step import Base
from sereno.core.store import agents, prompts, requests
from sereno.core.store.errors import StoreError

__all__ = ["load"]


def load(connection: sqlite3.Connection) -> list[Base]:
    """Every agent.

    Raises:
        StoreError: "corrupt", a record that no release has written.
    """
    open_requests: dict[str, list[OpenRequest]] = defaultdict(list)
    for row in requests.open_of(connection):
        open_requests[row.agent].append(read_open(row))
    return [
        _base(connection, row, tuple(open_requests[row.id])) for row in agents.all_rows(connection)
    ]


def _base(
    connection: sqlite3.Connection, row: agents.AgentRow, asked: tuple[OpenRequest, ...]
) -> Base:
    try:
        record = decode(row.record)
    except msgspec.DecodeError as error:
        raise StoreError(
            "corrupt",
            f"The record of agent {row.id} in the database cannot be read: {error}.",
            "Start the version of Sereno that wrote it, or restore a copy of the database.",
        ) from error
    pending = prompts.pending(connection, row.id)
    sent = [prompt for prompt in pending if prompt.state == "sent"]
    queue = tuple(prompt for prompt in pending if prompt.state == "queued")
    return Base(record, row.progress, asked, queue, sent[-1] if sent else None)
