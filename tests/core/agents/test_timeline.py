"""Projection of a timeline: the wire's example, and laws that hold for any timeline (6.7)."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.agents.timeline import canonical, decode_item, project, voice
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    SeqRange,
    TimelineItem,
    ToolCall,
    ToolStatus,
    UserMessage,
)
from sereno.core.protocol.tools import ShellDetail, ToolDetail, UnknownDetail
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.store.timeline import Row


def row(seq: int, item: TimelineItem) -> Row:
    return Row(seq, 1_000 + seq, msgspec.json.encode(item))


def call(
    call_id: str,
    status: ToolStatus,
    detail: ToolDetail | None = None,
    metadata: dict[str, object] | UnsetType = UNSET,
) -> ToolCall:
    shown = detail or ShellDetail(command="make")
    return ToolCall(call_id=call_id, name="Bash", detail=shown, status=status, metadata=metadata)


def test_the_wire_example() -> None:
    rows = [
        row(1, UserMessage(text="fix the build", message_id="m1")),
        row(2, call("t1", "running")),
        row(3, AssistantMessage(text="Building ")),
        row(4, AssistantMessage(text="now.")),
        row(5, call("t1", "completed")),
        row(6, AssistantMessage(text="Done.")),
    ]
    entries = project(rows, "claude")
    shown = [(e.seq_start, e.seq_end, e.collapsed, len(e.source_seq_ranges)) for e in entries]
    assert shown == [
        (1, 1, [], 1),
        (2, 5, ["tool_lifecycle"], 2),
        (3, 4, ["assistant_merge"], 1),
        (6, 6, [], 1),
    ]
    assert [(r.start_seq, r.end_seq) for r in entries[1].source_seq_ranges] == [(2, 2), (5, 5)]
    assert entries[1].item == call("t1", "completed")
    assert entries[2].item == AssistantMessage(text="Building now.")


def test_a_vague_later_state_keeps_what_was_known() -> None:
    rows = [
        row(1, call("t1", "running", metadata={"a": 1, "b": 1})),
        row(2, call("t1", "completed", UnknownDetail(input=None, output=None), {"b": 2})),
    ]
    (entry,) = project(rows, "claude")
    assert entry.item == call("t1", "completed", metadata={"a": 1, "b": 2})


def test_reasoning_and_speech_never_mix() -> None:
    rows = [
        row(1, Reasoning(text="h")),
        row(2, Reasoning(text="m")),
        row(3, AssistantMessage(text="a")),
        row(4, Reasoning(text="x")),
    ]
    entries = project(rows, "claude")
    assert [e.collapsed for e in entries] == [["reasoning_merge"], [], []]


def test_rows_with_a_gap_between_them_are_not_joined() -> None:
    rows = [row(1, AssistantMessage(text="a")), row(3, AssistantMessage(text="b"))]
    assert len(project(rows, "claude")) == 2


items = st.one_of(
    st.builds(UserMessage, text=st.text(max_size=3)),
    st.builds(AssistantMessage, text=st.text(max_size=3)),
    st.builds(Reasoning, text=st.text(max_size=3)),
    st.builds(call, st.sampled_from(["t1", "t2", "t3"]), st.sampled_from(["running", "completed"])),
)


@given(st.lists(items, max_size=25))
def test_laws_of_projection(found: list[TimelineItem]) -> None:
    rows = [row(seq, item) for seq, item in enumerate(found, 1)]
    entries = project(rows, "claude")
    covered = sorted(
        seq
        for entry in entries
        for span in entry.source_seq_ranges
        for seq in range(span.start_seq, span.end_seq + 1)
    )
    assert covered == [r.seq for r in rows], "every row is in exactly one entry"
    for entry in entries:
        assert entry.seq_start == entry.source_seq_ranges[0].start_seq
        assert entry.seq_end == entry.source_seq_ranges[-1].end_seq
        assert bool(entry.collapsed) == (covered_by(entry.source_seq_ranges) > 1)
    calls = [e.item.call_id for e in entries if isinstance(e.item, ToolCall)]
    assert len(calls) == len(set(calls)), "one entry a call"
    for kind in (AssistantMessage, Reasoning):
        said = "".join(i.text for i in found if isinstance(i, kind))
        assert "".join(e.item.text for e in entries if isinstance(e.item, kind)) == said


def covered_by(spans: list[SeqRange]) -> int:
    return sum(span.end_seq - span.start_seq + 1 for span in spans)


@given(st.lists(items, max_size=10))
def test_canonical_is_one_entry_a_row(found: list[TimelineItem]) -> None:
    rows = [row(seq, item) for seq, item in enumerate(found, 1)]
    entries = canonical(rows, "claude")
    assert [(e.seq_start, e.item) for e in entries] == list(enumerate(found, 1))
    assert all(not e.collapsed for e in entries)


def test_voices_are_told_without_decoding_the_item() -> None:
    assert voice(msgspec.json.encode(AssistantMessage(text="x"))) == "assistant_message"
    assert voice(msgspec.json.encode(Reasoning(text="x"))) == "reasoning"
    assert voice(msgspec.json.encode(UserMessage(text="x"))) is None
    assert decode_item(msgspec.json.encode(UserMessage(text="x"))) == UserMessage(text="x")
