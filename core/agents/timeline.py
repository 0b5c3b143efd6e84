"""The timeline as a reader gets it: selecting rows, and joining what belongs together (6.7).

Pure: rows in, entries out. Reading them from the database is page.py.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from sereno.core.protocol.decoders import decoder
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Collapsed,
    Entry,
    Reasoning,
    SeqRange,
    TimelineItem,
    ToolCall,
)
from sereno.core.protocol.tools import UnknownDetail
from sereno.core.protocol.values import UnsetType, iso
from sereno.core.store.timeline import Row

__all__ = ["canonical", "decode_item", "project", "voice"]

_kinds = msgspec.json.Decoder(msgspec.defstruct("Kind", [("type", str)]))

_MERGED: dict[type, Collapsed] = {
    AssistantMessage: "assistant_merge",
    Reasoning: "reasoning_merge",
}


@functools.cache
def _items() -> msgspec.json.Decoder[TimelineItem]:
    """Made when a timeline is read: not at a daemon's start."""
    return decoder(TimelineItem)


def decode_item(data: bytes) -> TimelineItem:
    return _items().decode(data)


def voice(item: bytes) -> str | None:
    """Which run of chunks a row belongs to; None for rows that stand alone.

    Used to count messages without decoding what they say.
    """
    kind: str = _kinds.decode(item).type  # type: ignore[attr-defined]
    return kind if kind in ("assistant_message", "reasoning") else None


def canonical(rows: Iterable[Row], provider: str) -> list[Entry]:
    """One entry a row."""
    return [_entry(row, decode_item(row.item), provider) for row in rows]


def project(rows: Iterable[Row], provider: str) -> list[Entry]:
    """Tool calls collapsed to their latest state, neighbouring chunks of one voice joined."""
    return _join_text(_collapse_tools(canonical(rows, provider)))


def _entry(row: Row, item: TimelineItem, provider: str) -> Entry:
    return Entry(
        provider=provider,
        item=item,
        timestamp=iso(row.at_ms),
        seq_start=row.seq,
        seq_end=row.seq,
        source_seq_ranges=[SeqRange(start_seq=row.seq, end_seq=row.seq)],
        collapsed=[],
    )


def _collapse_tools(entries: Sequence[Entry]) -> list[Entry]:
    """All states of one call become one entry where the first one stood."""
    place: dict[str, int] = {}
    kept: list[Entry] = []
    for entry in entries:
        item = entry.item
        if not isinstance(item, ToolCall):
            kept.append(entry)
        elif item.call_id not in place:
            place[item.call_id] = len(kept)
            kept.append(entry)
        else:
            index = place[item.call_id]
            kept[index] = _later_state(kept[index], entry, item)
    return kept


def _later_state(entry: Entry, later: Entry, item: ToolCall) -> Entry:
    earlier = entry.item
    assert isinstance(earlier, ToolCall)
    vague = isinstance(item.detail, UnknownDetail)
    merged = msgspec.structs.replace(
        item,
        detail=earlier.detail if vague else item.detail,
        metadata=_merged_metadata(earlier.metadata, item.metadata),
    )
    return _spanning(entry, later, merged, "tool_lifecycle")


def _merged_metadata(
    earlier: dict[str, Any] | UnsetType, later: dict[str, Any] | UnsetType
) -> dict[str, Any] | UnsetType:
    if isinstance(earlier, UnsetType):
        return later
    return earlier if isinstance(later, UnsetType) else {**earlier, **later}


def _join_text(entries: Sequence[Entry]) -> list[Entry]:
    """Chunks are collected and joined once: joining one by one would be quadratic."""
    kept: list[Entry] = []
    parts: list[str] = []
    for entry in entries:
        last = kept[-1] if kept else None
        tag = _MERGED.get(type(entry.item))
        joins = (
            last is not None
            and tag is not None
            and type(last.item) is type(entry.item)
            and entry.seq_start == last.seq_end + 1
        )
        if joins and last is not None and tag is not None:
            parts.append(_text(entry.item))
            kept[-1] = _spanning(last, entry, last.item, tag)
            continue
        _finish(kept, parts)
        kept.append(entry)
        parts = [_text(entry.item)]
    _finish(kept, parts)
    return kept


def _finish(kept: list[Entry], parts: list[str]) -> None:
    if kept and len(parts) > 1:
        last = kept[-1]
        item = type(last.item)(text="".join(parts))  # type: ignore[call-arg]
        kept[-1] = msgspec.structs.replace(last, item=item)


def _text(item: TimelineItem) -> str:
    return item.text if isinstance(item, AssistantMessage | Reasoning) else ""


def _spanning(entry: Entry, later: Entry, item: TimelineItem, tag: Collapsed) -> Entry:
    """`entry` grown by `later`; neighbouring ranges of rows flow together."""
    ranges = entry.source_seq_ranges
    last = ranges[-1]
    if last.end_seq + 1 == later.seq_start:
        # The entry is ours and grows in place: copying all ranges each time would be quadratic.
        last.end_seq = later.seq_end
    else:
        ranges.append(SeqRange(start_seq=later.seq_start, end_seq=later.seq_end))
    return msgspec.structs.replace(
        entry,
        item=item,
        seq_end=max(entry.seq_end, later.seq_end),
        collapsed=entry.collapsed or [tag],
    )
