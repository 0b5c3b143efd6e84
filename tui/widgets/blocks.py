"""What each timeline item says in one line, and what stands behind it: pure, no drawing.

`row_of` turns an item into a `BlockRow`: a verb, a subject, a note for the right edge, and the
bodies that are drawn when the block is open. blocks_render.py draws it, talk.py shows many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    ErrorItem,
    Reasoning,
    TimelineItem,
    Todo,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import EditDetail, PlanDetail
from sereno.core.protocol.values import UNSET, given
from sereno.tui.widgets.blocks_body import Body, Markdown, Plain
from sereno.tui.widgets.blocks_text import count, one_line
from sereno.tui.widgets.blocks_tools import (
    bodies_of,
    denial_of,
    edit_rows,
    note_of,
    subject_of,
    verb_of,
)

__all__ = ["BlockRow", "Speaker", "Tone", "folds", "opens_itself", "row_of", "speaker_of"]

Tone = Literal["normal", "busy", "bad", "quiet"]
Speaker = Literal["you", "agent"]

_EDIT_ROWS_SHOWN = 40
"""An edit opens itself only where its diff fits a screen or two."""


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One line, and the bodies under it. `fixed`: it is always open and has no mark."""

    verb: str
    subject: str
    note: str = ""
    tone: Tone = "normal"
    bodies: tuple[Body, ...] = ()
    fixed: bool = False


def speaker_of(item: TimelineItem) -> Speaker | None:
    """Who says it, for the kinds that are speech; None for what is done or reported."""
    match item:
        case UserMessage():
            return "you"
        case AssistantMessage():
            return "agent"
        case _:
            return None


def folds(item: TimelineItem) -> bool:
    """Whether the block can be opened and closed."""
    return isinstance(item, ToolCall | Reasoning)


def opens_itself(item: TimelineItem) -> bool:
    """Whether a block is open before anybody opened it: short edits and plans are."""
    match item:
        case ToolCall(detail=EditDetail() as edit, status=status):
            return status != "failed" and 0 < len(edit_rows(edit)) <= _EDIT_ROWS_SHOWN
        case ToolCall(detail=PlanDetail()):
            return True
        case _:
            return False


def row_of(item: TimelineItem, text: str, *, streaming: bool = False, folder: str = "") -> BlockRow:
    """The row of an item; `text` is the joined text of a message or of reasoning."""
    match item:
        case UserMessage():
            return BlockRow("", "", bodies=(Plain(text),), fixed=True)
        case AssistantMessage():
            body: Body = Plain(text) if streaming else Markdown(text)
            return BlockRow("", "", bodies=(body,), fixed=True)
        case Reasoning():
            return _reasoning_row(text, streaming)
        case ToolCall():
            return _tool_row(item, folder)
        case Todo():
            return _todo_row(item)
        case ErrorItem(message=message):
            return BlockRow("Error", "", tone="bad", bodies=(Plain(message),), fixed=True)
        case Compaction():
            return BlockRow("", _compaction_words(item), tone="quiet", fixed=True)


def _todo_row(todo: Todo) -> BlockRow:
    done = sum(1 for entry in todo.items if entry.completed)
    lines = [f"{'[x]' if entry.completed else '[ ]'} {entry.text}" for entry in todo.items]
    said = f"{done} of {len(lines)} done"
    return BlockRow("Todo", said, bodies=(Plain("\n".join(lines)),), fixed=True)


def _reasoning_row(text: str, streaming: bool) -> BlockRow:
    lines = [line for line in text.splitlines() if line.strip()]
    return BlockRow(
        "Thinks" if streaming else "Thought",
        one_line(lines[-1] if streaming and lines else text),
        note="" if streaming else count(len(lines), "line", "lines"),
        tone="busy" if streaming else "quiet",
        bodies=(Plain(text, dim=True),),
    )


def _tool_row(call: ToolCall, folder: str) -> BlockRow:
    denied = denial_of(call) is not None
    tone: Tone = "bad" if call.status == "failed" and not denied else "normal"
    if call.status == "running":
        tone = "busy"
    subject = subject_of(call, folder)
    return BlockRow(verb_of(call), subject, note_of(call), tone, tuple(bodies_of(call)))


def _compaction_words(item: Compaction) -> str:
    words = "making the context shorter …" if item.status == "loading" else "context made shorter"
    trigger = {"auto": "by itself", "manual": "as asked"}.get(given(item.trigger, "auto"), "")
    tokens = "" if item.pre_tokens is UNSET else f", {given(item.pre_tokens, 0):,.0f} tokens before"
    return f"{words} ({trigger}{tokens})" if item.status == "completed" else words
