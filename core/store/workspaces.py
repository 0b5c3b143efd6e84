"""Which folders a person opened or put away in an app: two small lists in `meta`.

Folders with agents need no row here: they are workspaces by themselves.
"""

from __future__ import annotations

import sqlite3

import msgspec

from sereno.core.store import meta

__all__ = ["MOST", "Marks", "load", "save"]

_KEY = "workspaces"
MOST = 500
"""Folders of each list; the oldest go first."""


class Marks(msgspec.Struct, frozen=True):
    """Folder to epoch milliseconds of its opening, and of its being put away."""

    opened: dict[str, int] = {}
    hidden: dict[str, int] = {}


def load(connection: sqlite3.Connection) -> Marks:
    text = meta.get(connection, _KEY)
    return Marks() if text is None else msgspec.json.decode(text, type=Marks)


def save(connection: sqlite3.Connection, marks: Marks) -> None:
    kept = Marks(_newest(marks.opened), _newest(marks.hidden))
    meta.set_value(connection, _KEY, msgspec.json.encode(kept).decode())


def _newest(times: dict[str, int]) -> dict[str, int]:
    return dict(sorted(times.items(), key=lambda item: item[1])[-MOST:])
