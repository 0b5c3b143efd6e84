"""Pages of a timeline: selection by tail, before, after; cursors, epochs, limits (6.7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sereno.core.agents.news import Picture
from sereno.core.agents.page import last_message, read_page
from sereno.core.agents.record import AgentRecord, Wish
from sereno.core.agents.snapshot import snapshot
from sereno.core.protocol.agents import Checkout, ProjectPlacement
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import TimelinePage
from sereno.core.protocol.requests import FetchTimeline
from sereno.core.protocol.timeline import AssistantMessage, Cursor, Reasoning, ToolCall, UserMessage
from sereno.core.protocol.tools import ShellDetail
from sereno.core.store import timeline
from sereno.core.store.connect import open_writer
from sereno.core.store.timeline import Row

PLACE = ProjectPlacement(
    project_key="/p",
    project_name="p",
    checkout=Checkout(
        cwd="/p",
        is_git=False,
        current_branch=None,
        remote_url=None,
        is_paseo_owned_worktree=False,
        main_repo_root=None,
    ),
)
RECORD = AgentRecord(
    id="a1",
    provider="demo",
    cwd="/p",
    created_ms=1,
    epoch="e1",
    placement=PLACE,
    wish=Wish(),
    title="t",
    title_given=True,
    labels={},
    updated_ms=1,
)
AGENT = snapshot(Picture(RECORD, 1))
TOOL = ToolCall(call_id="c", name="sh", detail=ShellDetail(command="ls"), status="completed")
TALK = [
    UserMessage(text="go"),  # 1
    Reasoning(text="hm"),  # 2
    AssistantMessage(text="a"),  # 3
    AssistantMessage(text="b"),  # 4
    AssistantMessage(text="c"),  # 5
    TOOL,  # 6
    AssistantMessage(text="d"),  # 7
    AssistantMessage(text="e"),  # 8
]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_writer(tmp_path / "sereno.db")
    rows = [Row(n, n, msgspec.json.encode(item)) for n, item in enumerate(TALK, 1)]
    timeline.add(connection, "a1", rows)
    yield connection
    connection.close()


def fetch(connection: sqlite3.Connection, **fields: Any) -> TimelinePage:
    request = FetchTimeline(request_id="r", agent_id="a1", **fields)
    page = decode_daemon_frame(read_page(connection, request, AGENT, "e1"))
    assert isinstance(page, TimelinePage)
    return page


def spans(page: TimelinePage) -> list[tuple[int, int]]:
    return [(entry.seq_start, entry.seq_end) for entry in page.entries]


def test_a_plain_request_is_the_projected_tail(connection: sqlite3.Connection) -> None:
    page = fetch(connection)
    assert (page.direction, page.projection) == ("tail", "projected")
    assert spans(page) == [(1, 1), (2, 2), (3, 5), (6, 6), (7, 8)]
    assert (page.window.min_seq, page.window.max_seq, page.window.next_seq) == (1, 8, 9)
    assert page.start_cursor == Cursor(epoch="e1", seq=1)
    assert page.end_cursor == Cursor(epoch="e1", seq=8)
    assert (page.has_older, page.has_newer, page.reset) == (False, False, False)


def test_a_canonical_tail_counts_messages_and_cuts_none(connection: sqlite3.Connection) -> None:
    one = fetch(connection, projection="canonical", limit=1)
    assert spans(one) == [(7, 7), (8, 8)]
    three = fetch(connection, projection="canonical", limit=3)
    assert [start for start, _ in spans(three)] == [3, 4, 5, 6, 7, 8]
    assert (three.has_older, three.has_newer) == (True, False)
    everything = fetch(connection, projection="canonical", limit=0)
    assert len(everything.entries) == 8


def test_a_projected_tail_counts_rows(connection: sqlite3.Connection) -> None:
    assert spans(fetch(connection, limit=3)) == [(6, 6), (7, 8)]


def test_after_a_cursor(connection: sqlite3.Connection) -> None:
    cursor = Cursor(epoch="e1", seq=3)
    page = fetch(connection, cursor=cursor, projection="canonical", limit=2)
    assert page.direction == "after"
    assert [start for start, _ in spans(page)] == [4, 5]
    assert (page.has_older, page.has_newer) == (True, True)
    assert len(fetch(connection, cursor=cursor, projection="canonical").entries) == 5
    empty = fetch(connection, cursor=Cursor(epoch="e1", seq=8))
    assert (empty.entries, empty.start_cursor, empty.has_newer) == ([], None, False)
    assert empty.has_older
    without = fetch(connection, direction="after", projection="canonical", limit=2)
    assert [start for start, _ in spans(without)] == [1, 2]


def test_before_a_cursor(connection: sqlite3.Connection) -> None:
    page = fetch(
        connection,
        direction="before",
        cursor=Cursor(epoch="e1", seq=4),
        projection="canonical",
        limit=2,
    )
    assert [start for start, _ in spans(page)] == [2, 3]
    assert (page.has_older, page.has_newer) == (True, True)
    without = fetch(connection, direction="before", projection="canonical", limit=2)
    assert [start for start, _ in spans(without)] == [7, 8]


@pytest.mark.parametrize("direction", ["tail", "before", "after"])
def test_a_cursor_of_another_epoch_resets(connection: sqlite3.Connection, direction: str) -> None:
    cursor = Cursor(epoch="old", seq=2)
    page = fetch(connection, direction=direction, cursor=cursor, limit=2)
    assert (page.reset, page.stale_cursor, page.gap) == (True, True, False)
    assert page.epoch == "e1"
    assert spans(page) == [(7, 8)]


def test_a_cursor_before_what_is_kept_is_a_gap(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM timeline WHERE seq < 5")
    page = fetch(connection, cursor=Cursor(epoch="e1", seq=2), limit=2)
    assert (page.reset, page.stale_cursor, page.gap) == (True, False, True)
    assert spans(page) == [(7, 8)]
    assert not fetch(connection, cursor=Cursor(epoch="e1", seq=4)).gap


def test_an_empty_timeline(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM timeline")
    page = fetch(connection)
    assert (page.window.min_seq, page.window.max_seq, page.window.next_seq) == (0, 0, 1)
    assert (page.entries, page.start_cursor, page.end_cursor) == ([], None, None)
    assert last_message(connection, "a1") is None


def test_the_last_message_is_joined(connection: sqlite3.Connection) -> None:
    assert last_message(connection, "a1") == "de"
    timeline.add(connection, "a1", [Row(9, 9, msgspec.json.encode(TOOL))])
    assert last_message(connection, "a1") == "de"
