"""The repositories: what each table keeps, refuses, and allows once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.agents.auditing import _verify as verify_audit
from sereno.core.security.audit import digest
from sereno.core.store import agents, audit, logs, prompts, requests, timeline, writes
from sereno.core.store.agents import Progress
from sereno.core.store.audit import Entry
from sereno.core.store.connect import open_writer
from sereno.core.store.errors import StoreError
from sereno.core.store.steps import StepRows, apply


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_writer(tmp_path / "sereno.db")
    agents.add(connection, "a1", 1, b"{}")
    yield connection
    connection.close()


def test_timeline_pages_and_window(connection: sqlite3.Connection) -> None:
    assert timeline.window(connection, "a1") == (0, 0)
    rows = [timeline.Row(seq, seq * 10, b"{}") for seq in range(1, 8)]
    timeline.add(connection, "a1", rows)
    timeline.add(connection, "other", [timeline.Row(1, 1, b"{}")])
    assert timeline.window(connection, "a1") == (1, 7)
    assert list(timeline.forwards(connection, "a1", 5, -1)) == rows[5:]
    assert list(timeline.forwards(connection, "a1", 0, 2)) == rows[:2]
    assert list(timeline.backwards(connection, "a1", 4)) == rows[2::-1]
    with pytest.raises(sqlite3.IntegrityError):
        timeline.add(connection, "a1", [timeline.Row(7, 0, b"{}")])


def test_t47_a_request_closes_once(connection: sqlite3.Connection) -> None:
    requests.add(connection, "a1", "r1", b"{}", 5)
    assert [row.id for row in requests.open_of(connection)] == ["r1"]
    first = requests.Closing("r1", "answered", b'{"behavior":"allow"}', "Anna", 9)
    second = requests.Closing("r1", "withdrawn", b"{}", "", 10)
    assert requests.close(connection, "a1", first)
    assert not requests.close(connection, "a1", second)
    assert not requests.close(connection, "other", first)
    row = requests.find(connection, "a1", "r1")
    assert row is not None
    assert (row.state, row.closed_by, row.closed_ms) == ("answered", "Anna", 9)
    assert requests.open_of(connection, "a1") == []
    with pytest.raises(sqlite3.IntegrityError, match="never changes"):
        connection.execute("UPDATE requests SET state = 'open'")


def test_a_message_id_is_taken_once_per_agent(connection: sqlite3.Connection) -> None:
    def prompt(identity: str, message_id: str | None) -> prompts.PromptRow:
        return prompts.PromptRow(identity, message_id, "hi", b"[]", "me", "queued", 1)

    prompts.add(connection, "a1", prompt("p1", "m1"))
    prompts.add(connection, "a2", prompt("p2", "m1"))
    prompts.add(connection, "a1", prompt("p3", None))
    prompts.add(connection, "a1", prompt("p4", None))
    with pytest.raises(sqlite3.IntegrityError):
        prompts.add(connection, "a1", prompt("p5", "m1"))
    assert [row.id for row in prompts.pending(connection, "a1")] == ["p1", "p3", "p4"]
    prompts.change(connection, prompts.Change("p1", "sent"), 2)
    prompts.change(connection, prompts.Change("p3", "done"), 3)
    assert [row.state for row in prompts.pending(connection, "a1")] == ["sent", "queued"]
    done = prompts.by_message(connection, "a1", "m1")
    assert done is not None
    assert (done.id, done.extras) == ("p1", b"[]")


def test_intents_wait_in_order_until_confirmed(connection: sqlite3.Connection) -> None:
    writes.add(connection, "a1", 1, [writes.Intent(n, bytes([n])) for n in (1, 2, 3)])
    writes.add(connection, "a1", 2, [writes.Intent(1, b"x")])
    writes.confirm(connection, "a1", 1, [2])
    assert [intent.write_id for intent in writes.waiting(connection, "a1", 1)] == [1, 3]
    assert writes.waiting(connection, "a1", 2) == [writes.Intent(1, b"x")]
    writes.forget(connection, "a1")
    assert writes.waiting(connection, "a1", 1) == []


def test_the_log_is_bounded(connection: sqlite3.Connection) -> None:
    lines = [logs.NewLine(n, "info", "stderr", f"line {n}") for n in range(1, logs.KEPT + 11)]
    logs.add(connection, "a1", lines[:100])
    logs.add(connection, "a1", lines[100:])
    assert logs.bounds(connection, "a1") == (11, logs.KEPT + 10)
    assert [line.n for line in logs.last(connection, "a1", 1 << 60, 2)] == [2009, 2010]
    assert [line.n for line in logs.forwards(connection, "a1", 2008, 9)] == [2009, 2010]


def test_progress_is_fenced(connection: sqlite3.Connection) -> None:
    old, new = Progress(), Progress(run=1, position=10, next_write=2, next_seq=3, driver=b"d")
    agents.advance(connection, "a1", old, new)
    assert agents.all_rows(connection)[0].progress == new
    kept = Progress(run=1, position=20, next_write=2, next_seq=3, driver=new.driver)
    agents.advance(connection, "a1", new, kept)
    assert agents.all_rows(connection)[0].progress.driver == b"d"
    with pytest.raises(StoreError) as caught:
        agents.advance(connection, "a1", new, kept)
    assert caught.value.code == "fenced"


def test_a_step_is_written_whole_or_not_at_all(connection: sqlite3.Connection) -> None:
    requests.add(connection, "a1", "r1", b"{}", 5)
    requests.close(connection, "a1", requests.Closing("r1", "withdrawn", b"{}", "", 6))
    step = StepRows(
        agent="a1",
        old=Progress(),
        new=Progress(position=9),
        at_ms=7,
        rows=(timeline.Row(1, 7, b"{}"),),
        closings=(requests.Closing("r1", "answered", b"{}", "me", 7),),
    )
    connection.execute("BEGIN")
    with pytest.raises(StoreError):
        apply(connection, step, digest)
    connection.execute("ROLLBACK")
    assert timeline.window(connection, "a1") == (0, 0)


def test_deleting_an_agent_leaves_only_the_audit(connection: sqlite3.Connection) -> None:
    timeline.add(connection, "a1", [timeline.Row(1, 1, b"{}")])
    requests.add(connection, "a1", "r1", b"{}", 5)
    writes.add(connection, "a1", 1, [writes.Intent(1, b"x")])
    audit.add(connection, [Entry(1, "me", "agent.created", "a1")], digest)
    agents.delete(connection, "a1")
    tables = ("agents", "progress", "timeline", "requests", "writes", "prompts", "log", "audit")
    counts = [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables]
    assert counts == [0, 0, 0, 0, 0, 0, 0, 1]


def test_c83_t89_the_audit_refuses_change_and_finds_edits(connection: sqlite3.Connection) -> None:
    for n in range(5):
        audit.add(
            connection, [Entry(n, "me", "request.answered", f"r{n}", '{"x":"\\n{}"}')], digest
        )
    assert verify_audit(connection).ok
    assert [link.n for link in audit.newest(connection, 2)] == [5, 4]
    for statement in ("UPDATE audit SET actor = 'you' WHERE n = 3", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.execute("DROP TRIGGER audit_never_changes")
    connection.execute("DROP TRIGGER audit_never_shrinks")
    connection.execute("DELETE FROM audit WHERE n = 5")
    assert verify_audit(connection).first_bad == 5
    connection.execute("UPDATE audit SET actor = 'you' WHERE n = 3")
    assert verify_audit(connection).first_bad == 3
