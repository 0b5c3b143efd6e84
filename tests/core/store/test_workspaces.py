"""The folders that were opened or put away, kept in two bounded lists."""

from __future__ import annotations

import sqlite3

from sereno.core.store.workspaces import MOST, Marks, load, save


def test_marks_are_kept_and_the_oldest_go_first() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
    assert load(connection) == Marks()
    save(connection, Marks({"/ä": 2}, {"/b": 3}))
    assert load(connection) == Marks({"/ä": 2}, {"/b": 3})
    many = {f"/{number}": number for number in range(MOST, -1, -1)}
    save(connection, Marks(opened=many))
    kept = load(connection)
    assert len(kept.opened) == MOST
    assert "/0" not in kept.opened
    assert f"/{MOST}" in kept.opened
    assert kept.hidden == {}
