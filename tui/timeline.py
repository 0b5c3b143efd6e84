"""One agent's timeline as the screens need it: blocks, newest last, bounded.

Text chunks are joined, a tool call is one block that is replaced in place (the wire's "projected"
form, section 6.7), built from fetched pages and from live rows alike. Pure: no clock, no I/O.
Called by model.py; screens read it and keep a block's `version` to see what changed.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from sereno.core.protocol.messages import TimelinePage
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    Reasoning,
    TimelineItem,
    Todo,
    ToolCall,
)
from sereno.core.protocol.tools import UnknownDetail
from sereno.core.protocol.values import parse_iso

__all__ = ["Block", "Row", "Taken", "Timeline", "milliseconds"]

KEPT_BLOCKS = 400
"""An agent whose screen is open keeps this many blocks before the oldest are let go."""
TAIL_BLOCKS = 60
"""The others keep what a live pane can show."""
WAITING_ROWS = 5000
"""Live rows that wait for a page; older ones are let go and fetched as a gap."""


def milliseconds(text: str) -> int:
    """A wire time as epoch milliseconds; 0 where it cannot be read (never worth a crash here)."""
    try:
        return parse_iso(text)
    except ValueError:
        return 0


class Row(msgspec.Struct, frozen=True):
    """One stored row, or a fetched entry that stands for several."""

    item: TimelineItem
    seq_start: int
    seq_end: int
    at_ms: int


class Taken(enum.Enum):
    """What became of a live row."""

    APPLIED = "applied"
    OLD = "old"
    """Known already."""
    WAITING = "waiting"
    """A page is on its way; the row is kept until it is here."""
    GAP = "gap"
    """Rows between are missing: fetch after `last_seq`."""
    RESET = "reset"
    """Another epoch: fetch the tail anew."""


class Block(msgspec.Struct, eq=False):
    """A message, a tool call, a plan: what the agent screen shows as one thing."""

    key: str
    item: TimelineItem
    seq_start: int
    seq_end: int
    at_ms: int
    version: int = 1
    open: bool = True
    """Text that may still grow: the newest block of its timeline."""
    _parts: list[str] = []

    @property
    def text(self) -> str:
        """All text of a message or of reasoning; joined when it is asked for."""
        if len(self._parts) > 1:
            self._parts[:] = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def tail(self, characters: int) -> str:
        """The last `characters` of the text, without joining a long message for it."""
        taken: list[str] = []
        left = characters
        for part in reversed(self._parts):
            taken.append(part[-left:])
            left -= len(part)
            if left <= 0:
                break
        return "".join(reversed(taken))

    def _grow(self, row: Row) -> None:
        self._parts.append(_text_of(row.item))
        self.seq_end = row.seq_end
        self.version += 1

    def _replace(self, row: Row) -> None:
        self.item = _merged(self.item, row.item)
        self.seq_end = max(self.seq_end, row.seq_end)
        self.version += 1


def _text_of(item: TimelineItem) -> str:
    text = getattr(item, "text", "")
    return text if isinstance(text, str) else ""


def _merged(old: TimelineItem, new: TimelineItem) -> TimelineItem:
    """A later state of a tool call; an unknown detail never hides a specific one."""
    if (
        isinstance(old, ToolCall)
        and isinstance(new, ToolCall)
        and isinstance(new.detail, UnknownDetail)
        and not isinstance(old.detail, UnknownDetail)
    ):
        return ToolCall(
            call_id=new.call_id,
            name=new.name,
            detail=old.detail,
            status=new.status,
            error=new.error,
            metadata=new.metadata,
        )
    return new


def _key(row: Row) -> str:
    match row.item:
        case ToolCall(call_id=call_id):
            return f"tool:{call_id}"
        case Todo():
            return "todo"
        case Compaction():
            return f"compaction:{row.seq_start}"
        case item:
            return f"{type(item).__name__}:{row.seq_start}"


class Timeline:
    """The newest blocks of one agent."""

    def __init__(self) -> None:
        self.epoch = ""
        self.blocks: list[Block] = []
        self.version = 0
        self.generation = 0
        """Grows when everything was thrown away: whoever drew it draws it anew."""
        self.has_older = False
        self.loaded = False
        """A page was fetched; before that only what was seen live is here."""
        self.fetching = False
        self.loading_older = False
        self.kept = False
        self.last_seq = 0
        self._by_key: dict[str, Block] = {}
        self._waiting: list[tuple[Row, str]] = []

    @property
    def first_seq(self) -> int:
        return self.blocks[0].seq_start if self.blocks else self.last_seq + 1

    def take(self, row: Row, epoch: str) -> Taken:
        """A live row. GAP and RESET ask the caller to fetch; the row comes again with the page."""
        if self.fetching:
            self._waiting.append((row, epoch))
            del self._waiting[:-WAITING_ROWS]
            return Taken.WAITING
        if self.epoch and epoch != self.epoch:
            return Taken.RESET
        if row.seq_end <= self.last_seq:
            return Taken.OLD
        if self.last_seq and row.seq_start > self.last_seq + 1:
            return Taken.GAP
        if not self.epoch:
            self.epoch = epoch
            self.has_older = row.seq_start > 1
        self._apply(row)
        self._trim()
        return Taken.APPLIED

    def load(self, page: TimelinePage) -> Taken:
        """A fetched page: the tail, or what came after `last_seq`.

        Returns GAP or RESET when rows that came meanwhile do not follow it, else APPLIED.
        """
        self.fetching = False
        waiting, self._waiting = self._waiting, []
        if page.error is None:
            if page.direction == "tail" or page.reset or page.epoch != self.epoch:
                self._clear(page.epoch)
                self.has_older = page.has_older
            self._apply_page(page)
            self.loaded = True
        outcome = Taken.APPLIED
        for row, epoch in waiting:
            taken = self.take(row, epoch)
            if taken in (Taken.GAP, Taken.RESET):
                outcome = taken
        self._trim()
        return outcome

    def load_older(self, page: TimelinePage) -> None:
        """A fetched page of what came before `first_seq`."""
        self.loading_older = False
        if page.error is not None or page.epoch != self.epoch:
            return
        self.has_older = page.has_older
        older = Timeline()
        older._apply_page(page)
        joined: list[Block] = []
        for block in older.blocks:
            mine = self._by_key.get(block.key)
            if mine is None:
                block.open = False
                joined.append(block)
            elif isinstance(block.item, ToolCall):
                self.blocks.remove(mine)
                mine.seq_start = block.seq_start
                joined.append(mine)
        _join_at_the_seam(joined, self.blocks)
        self.blocks[:0] = joined
        self._by_key.update((block.key, block) for block in joined)
        self.version += 1

    def fetch_failed(self) -> None:
        self.fetching = False
        self.loading_older = False
        self._waiting.clear()

    def changed_since(self, version: int, known: Sequence[Block]) -> bool:
        """Whether a drawing made at `version` from `known` blocks is stale."""
        return version != self.version or len(known) != len(self.blocks)

    def _apply_page(self, page: TimelinePage) -> None:
        for entry in page.entries:
            at_ms = milliseconds(entry.timestamp)
            self._apply(Row(entry.item, entry.seq_start, entry.seq_end, at_ms))
        if page.end_cursor is not None:
            self.last_seq = max(self.last_seq, page.end_cursor.seq)

    def _apply(self, row: Row) -> None:
        self.version += 1
        last = self.blocks[-1] if self.blocks else None
        follows = last is not None and row.seq_start == self.last_seq + 1
        self.last_seq = max(self.last_seq, row.seq_end)
        is_text = isinstance(row.item, (AssistantMessage, Reasoning))
        if last is not None and is_text and follows and type(row.item) is type(last.item):
            last._grow(row)
            return
        known = self._by_key.get(_key(row))
        if known is not None and not isinstance(row.item, Todo):
            known._replace(row)
            return
        if known is not None:
            self._drop(known)
        block = Block(_key(row), row.item, row.seq_start, row.seq_end, row.at_ms)
        block._parts.append(_text_of(row.item))
        if last is not None and last.open:
            last.open = False
            last.version += 1
        self.blocks.append(block)
        self._by_key[block.key] = block

    def _drop(self, block: Block) -> None:
        self.blocks.remove(block)
        del self._by_key[block.key]

    def _clear(self, epoch: str) -> None:
        self.epoch = epoch
        self.blocks.clear()
        self._by_key.clear()
        self.last_seq = 0
        self.generation += 1
        self.version += 1

    def _trim(self) -> None:
        limit = KEPT_BLOCKS if self.kept else TAIL_BLOCKS
        surplus = len(self.blocks) - limit
        if surplus <= limit // 4:
            return
        for block in self.blocks[:surplus]:
            self._by_key.pop(block.key, None)
        del self.blocks[:surplus]
        self.has_older = True


def _join_at_the_seam(older: list[Block], newer: list[Block]) -> None:
    """A message that a page boundary cut in two becomes one again."""
    if not older or not newer:
        return
    head, rest = older[-1], newer[0]
    text = (AssistantMessage, Reasoning)
    if isinstance(head.item, text) and type(head.item) is type(rest.item):
        if head.seq_end + 1 != rest.seq_start:
            return
        rest._parts[:0] = head._parts
        rest.seq_start = head.seq_start
        rest.version += 1
        older.pop()
