"""What people asked of agents: waiting, sent, done; each message id of an agent once.

queued → sent → done | failed, or queued → taken_back. A sent prompt whose write never reached the
agent goes back to queued (core/agents decides that).
"""

from __future__ import annotations

import sqlite3
from typing import Literal

import msgspec

__all__ = ["Change", "PromptRow", "PromptState", "add", "by_message", "change", "pending"]

PromptState = Literal["queued", "sent", "done", "failed", "taken_back"]
_COLUMNS = "id, message_id, text, extras, asked_by, state, queued_ms"


class PromptRow(msgspec.Struct, frozen=True):
    """`extras`: JSON of images and attachments; None without any."""

    id: str
    message_id: str | None
    text: str
    extras: bytes | None
    asked_by: str
    state: PromptState
    queued_ms: int


class Change(msgspec.Struct, frozen=True):
    id: str
    state: PromptState


def add(
    connection: sqlite3.Connection, agent: str, prompt: PromptRow, *, first: bool = False
) -> None:
    """Behind all others, or before them."""
    number = "(SELECT ifnull(min(n), 1) - 1 FROM prompts)" if first else "NULL"
    connection.execute(
        f"INSERT INTO prompts (n, {_COLUMNS}, agent, changed_ms)"
        f" VALUES ({number}, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            prompt.id,
            prompt.message_id,
            prompt.text,
            prompt.extras,
            prompt.asked_by,
            prompt.state,
            prompt.queued_ms,
            agent,
            prompt.queued_ms,
        ),
    )


def change(connection: sqlite3.Connection, one: Change, at_ms: int) -> None:
    # What was sent needs its pictures no longer, and they may be megabytes.
    finished = one.state in ("done", "taken_back")
    connection.execute(
        "UPDATE prompts SET state = ?, changed_ms = ?, extras = iif(?, NULL, extras) WHERE id = ?",
        (one.state, at_ms, finished, one.id),
    )


def pending(connection: sqlite3.Connection, agent: str) -> list[PromptRow]:
    """Queued and sent ones, in the order in which they came."""
    query = (
        f"SELECT {_COLUMNS} FROM prompts WHERE agent = ? AND state IN ('queued', 'sent') ORDER BY n"
    )
    return [PromptRow(*row) for row in connection.execute(query, (agent,))]


def by_message(connection: sqlite3.Connection, agent: str, message_id: str) -> PromptRow | None:
    query = f"SELECT {_COLUMNS} FROM prompts WHERE agent = ? AND message_id = ?"
    row = connection.execute(query, (agent, message_id)).fetchone()
    return None if row is None else PromptRow(*row)
