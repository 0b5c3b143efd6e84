"""Tool calls: pieces from the program merged into a record, the record into a timeline item.

A call may begin with a permission request, repeat itself, grow, or never end. Not here: what kind
of detail a record becomes (details.py), and who may run it (permissions.py).
"""

from __future__ import annotations

import re
from typing import Any

from sereno.core.protocol.timeline import ToolCall, ToolStatus
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentDetail,
    ToolDetail,
    UnknownDetail,
    WorktreeSetupDetail,
    WriteDetail,
)
from sereno.core.protocol.values import UNSET
from sereno.core.providers.acp.content import blocks_text
from sereno.core.providers.acp.details import detail_of
from sereno.core.providers.acp.pieces import ToolPiece
from sereno.core.providers.acp.state import CallRecord, Core
from sereno.core.providers.common.bounds import OUTPUT_LIMIT, clip
from sereno.core.providers.common.core import checksum
from sereno.core.providers.effects import Effect, Item
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["FINAL", "close_calls", "emit_call", "forget_finished", "merge_call"]

FINAL = frozenset({"completed", "failed", "canceled"})
KEPT_SIZE = 8_192
"""Bytes of a finished call that are kept until the turn ends, in case more is said about it."""
KEPT_CALLS = 16

_IDENTIFIER = re.compile(r"[A-Za-z_][\w.:-]{0,60}")
_HEADLINE: dict[type[Any], str] = {
    ShellDetail: "command",
    SearchDetail: "query",
    FetchDetail: "url",
    SubAgentDetail: "description",
    PlainTextDetail: "label",
    **dict.fromkeys((ReadDetail, EditDetail, WriteDetail), "file_path"),
    **dict.fromkeys((PlanDetail, UnknownDetail, WorktreeSetupDetail), "none"),
}
"""What a detail says already: such a title is not told twice."""

_NAMES = {"execute": "shell", "switch_mode": "mode", "other": "tool", "": "tool"}


def merge_call(core: Core, piece: ToolPiece) -> CallRecord:
    """The record of the call after this piece."""
    record = core.state.calls.get(piece.call_id)
    if record is None:
        record = core.state.calls[piece.call_id] = CallRecord(piece.call_id)
    elif record.forgotten:
        return record
    core.touch()
    record.size += core.line_size
    if not core.line_clean:
        record.dirty = True  # or long: a clean line is short, so that its texts need no clipping
    _merge_words(record, piece)
    raw = piece.raw_input
    if isinstance(raw, dict):
        # Some programs send the arguments in parts, so that nothing known may be forgotten.
        record.raw_input = {**record.raw_input, **raw} if record.raw_input else raw
    elif raw not in (None, ""):
        record.raw_input = {**record.raw_input, "input": raw}
    if piece.raw_output is not None:
        record.raw_output = piece.raw_output
    if piece.content is not None:
        record.content = _merged_content(record.content, piece.content)
    if piece.locations:
        record.paths = [
            place["path"]
            for place in piece.locations
            if isinstance(place, dict) and isinstance(place.get("path"), str)
        ]
    if piece.meta is not None:
        _merge_meta(record, piece.meta)
    return record


def _merged_content(old: list[dict[str, Any]], news: list[Any]) -> list[dict[str, Any]]:
    """The new content replaces the old, but a difference once known is not forgotten.

    Not for "Wrote file successfully.", and not for a snippet where the whole file was known.
    """
    new = [entry for entry in news if isinstance(entry, dict)]
    if not old:
        return new
    diffs = {_diff_path(entry): entry for entry in new if _diff_path(entry)}
    for entry in old:
        path = _diff_path(entry)
        if path and (path not in diffs or _extent(diffs[path]) < _extent(entry)):
            diffs[path] = entry
    return [*diffs.values(), *(entry for entry in new if not _diff_path(entry))]


def _diff_path(entry: dict[str, Any]) -> str:
    return str(entry.get("path") or "?") if entry.get("type") == "diff" else ""


def _extent(diff: dict[str, Any]) -> int:
    return len(str(diff.get("oldText") or "")) + len(str(diff.get("newText") or ""))


def _merge_words(record: CallRecord, piece: ToolPiece) -> None:
    if piece.kind:
        record.kind = piece.kind
    if piece.name:
        record.name = piece.name
    elif not record.name and piece.title and _IDENTIFIER.fullmatch(piece.title):
        record.name = piece.title  # opencode's first piece has the tool's name for a title
    if piece.title:
        record.title = piece.title
    # A finished call stays finished, whatever a late piece says.
    if piece.status and record.status not in FINAL:
        record.status = "canceled" if piece.status == "cancelled" else piece.status


def _merge_meta(record: CallRecord, meta: Any) -> None:
    """What the TypeScript adapters say only in `_meta`: tool names, terminal output, exit codes."""
    if not isinstance(meta, dict):
        return
    claude = meta.get("claudeCode")
    if isinstance(claude, dict) and isinstance(claude.get("toolName"), str):
        record.name = claude["toolName"]
    for key in ("terminal_output_delta", "terminal_output"):
        part = meta.get(key)
        if isinstance(part, dict) and isinstance(part.get("data"), str):
            record.output = clip(record.output + part["data"], OUTPUT_LIMIT)
    end = meta.get("terminal_exit")
    if isinstance(end, dict) and isinstance(end.get("exit_code"), int):
        record.exit_code = end["exit_code"]


def emit_call(core: Core, record: CallRecord) -> list[Effect]:
    """The call as a timeline item, if it differs from what was said before."""
    if record.forgotten:
        return []
    detail = detail_of(record, _tidy if record.dirty else str)
    item = ToolCall(
        call_id=record.id,
        name=_line(record, record.name or _NAMES.get(record.kind, record.kind), 80),
        detail=detail,
        status=_status(core, record),
        error=None,
    )
    if item.status == "failed":
        item.error = _error(record, detail)
    title = _line(record, record.title, 500)
    if title and title != item.name and title != getattr(detail, _HEADLINE[type(detail)], None):
        item.metadata = {"title": title}
    number = checksum(item)
    if number == record.digest:
        return []
    record.digest = number
    core.touch()
    return [Item(item)]


def _tidy(text: str) -> str:
    return sanitise(clip(text))


def _line(record: CallRecord, text: str, limit: int) -> str:
    """A text for one line, with as little work as it needs."""
    if record.dirty or len(text) > limit or "\n" in text or "\t" in text:
        return sanitise_line(text, limit)
    return text


def _status(core: Core, record: CallRecord) -> ToolStatus:
    match record.status:
        case "completed":
            return "canceled" if core.state.cancelling and _cut_off(record) else "completed"
        case "failed":
            return "canceled" if core.state.cancelling else "failed"
        case "canceled":
            return "canceled"
        case _:
            return "running"


def _cut_off(record: CallRecord) -> bool:
    """OpenCode calls an aborted command completed, with no exit code."""
    raw = record.raw_output
    meta = raw.get("metadata") if isinstance(raw, dict) else None
    return isinstance(meta, dict) and meta.get("exit", 0) is None


def _error(record: CallRecord, detail: ToolDetail) -> str:
    if isinstance(detail, ShellDetail) and detail.exit_code not in (UNSET, None, 0):
        return f"exit code {detail.exit_code}"
    raw = record.raw_output
    text = raw.get("error") if isinstance(raw, dict) else raw
    if record.refused:
        return record.refused
    if record.denied:
        words = sanitise_line(text) if isinstance(text, str) else ""
        return f"Not allowed by you: {words}" if words else "Not allowed by you."
    if not isinstance(text, str) or not text.strip():
        text = blocks_text(record.content)
    return sanitise(clip(text, 4_000)) or "The tool failed; the program gave no reason."


def close_calls(core: Core, status: ToolStatus) -> list[Effect]:
    """The turn is over: what still runs gets `status`, what was denied failed."""
    effects: list[Effect] = []
    for record in core.state.calls.values():
        if record.status not in FINAL:
            record.status = "failed" if record.denied else status
            effects += emit_call(core, record)
    if core.state.calls:
        core.state.calls, core.state.finished = {}, []
        core.touch()
    return effects


def forget_finished(core: Core, record: CallRecord) -> None:
    """Of finished calls only the last few small ones are kept, in case more is said about them:
    the snapshot must not grow with the length of a turn.
    """
    if record.status not in FINAL or record.forgotten:
        return
    if record.size > KEPT_SIZE:
        record.content, record.raw_output, record.output, record.raw_input = [], None, "", {}
        record.forgotten = True
    finished = core.state.finished
    if record.id not in finished:
        finished.append(record.id)
        if len(finished) > KEPT_CALLS:
            core.state.calls.pop(finished.pop(0), None)
