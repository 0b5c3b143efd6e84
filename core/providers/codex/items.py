"""Items of a turn: begun, growing, ended; each state as a timeline item.

Codex tells an item whole when it begins and when it ends, so that little is kept between. Output
of a running command is shown in growing steps, its end only: the whole of it comes with the end.
Not here: words and thoughts (text.py), items of sub-agents (children.py).
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import Compaction, ToolCall, ToolStatus
from sereno.core.protocol.tools import ShellDetail, ToolDetail
from sereno.core.providers.codex.details import detail_of, name_of
from sereno.core.providers.codex.state import Core, ItemRecord
from sereno.core.providers.codex.values import as_dict, as_int, as_text
from sereno.core.providers.common.bounds import clip
from sereno.core.providers.common.core import checksum
from sereno.core.providers.effects import Effect, Item
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = [
    "begin",
    "bounded",
    "close_items",
    "deny",
    "finish",
    "grow",
    "is_tool",
    "remember",
    "update",
]

TAIL = 8_192
"""Characters of a running command's output that are kept and shown."""
PLAN_LIMIT = 65_536
STEP_LEAST, STEP_MOST = 256, 32_768
CLOSED_KEPT = 32
OPEN_MOST, OPEN_BYTES = 256, 32 * 1024 * 1024
"""Items that may run at once, and bytes of them; the oldest are given up first."""

_SILENT = frozenset({"userMessage", "hookPrompt", "agentMessage", "reasoning", "exitedReviewMode"})
_STATUSES: dict[str, ToolStatus] = {
    "completed": "completed",
    "failed": "failed",
    "declined": "failed",
    "interrupted": "canceled",
}


def is_tool(item: dict[str, Any]) -> bool:
    """Whether the item is shown as a tool call."""
    kind = item.get("type")
    return isinstance(kind, str) and kind not in _SILENT and kind != "contextCompaction"


def remember(core: Core, item: dict[str, Any]) -> ItemRecord | None:
    """The record of an item that has begun; None where it has no id."""
    item_id = as_text(item.get("id"))
    if not item_id:
        return None
    record = core.state.items.get(item_id)
    if record is None:
        record = core.state.items[item_id] = ItemRecord(item)
    else:
        record.item = item
    record.size = core.line_size
    core.touch()
    return record


def bounded(core: Core) -> list[Effect]:
    """Of items that never end, the oldest are given up: what is kept must not grow without end."""
    items, effects = core.state.items, list[Effect]()
    total = sum(record.size for record in items.values())
    while len(items) > 1 and (len(items) > OPEN_MOST or total > OPEN_BYTES):
        record = items.pop(next(iter(items)))
        total -= record.size
        if not record.nested:
            effects += _emit(core, record, "canceled")
    return effects


def begin(core: Core, item: dict[str, Any]) -> list[Effect]:
    """`item/started` of a tool."""
    if item.get("type") == "contextCompaction":
        return [Item(Compaction(status="loading"))]
    record = remember(core, item)
    return [] if record is None else [*_emit(core, record, "running"), *bounded(core)]


def update(core: Core, item_id: str, changes: Any) -> list[Effect]:
    """`item/fileChange/patchUpdated`: the change as it is known by now."""
    record = core.state.items.get(item_id)
    if record is None or not isinstance(changes, list):
        return []
    record.item = {**record.item, "changes": changes}
    record.size = core.line_size
    core.touch()
    return _emit(core, record, "running")


def grow(core: Core, params: dict[str, Any]) -> list[Effect]:
    """A piece of output of a command, or of the text of a plan."""
    record = core.state.items.get(as_text(params.get("itemId")))
    delta = as_text(params.get("delta"))
    if record is None or not delta:
        return []
    record.printed += len(delta)
    whole = record.item.get("type") == "plan"
    record.output = (record.output + delta)[-(PLAN_LIMIT if whole else TAIL) :]
    core.touch()
    step = min(max(record.printed // 4, STEP_LEAST), STEP_MOST)
    if record.told and record.printed - record.told < step:
        return []
    record.told = record.printed
    return _emit(core, record, "running")


def finish(core: Core, item: dict[str, Any]) -> list[Effect]:
    """`item/completed` of a tool. What the end of the turn cut off stays cut off."""
    if item.get("type") == "contextCompaction":
        return [Item(Compaction(status="completed"))]
    item_id, state = as_text(item.get("id")), core.state
    if not item_id:
        return core.noted("warning", "An item without an id was ignored")
    record = state.items.pop(item_id, None) or ItemRecord(item)
    record.item = item
    core.touch()
    status = _STATUSES.get(as_text(item.get("status")), "completed")
    if status == "failed" and not record.denied and (state.cancelling or item_id in state.closed):
        status = "canceled"
    return _emit(core, record, status)


def deny(core: Core, item_id: str) -> None:
    """The person said no to it."""
    record = core.state.items.get(item_id)
    if record is not None:
        record.denied = True
        core.touch()


def close_items(core: Core, status: ToolStatus) -> list[Effect]:
    """The turn is over: what still runs gets `status`, what was denied failed."""
    effects: list[Effect] = []
    state = core.state
    own = {key: record for key, record in state.items.items() if not record.nested}
    for record in own.values():
        effects += _emit(core, record, "failed" if record.denied else status)
    if own:
        state.closed = [*state.closed, *own][-CLOSED_KEPT:]
        state.items = {key: one for key, one in state.items.items() if one.nested}
        core.touch()
    return effects


def _emit(core: Core, record: ItemRecord, status: ToolStatus) -> list[Effect]:
    """The item as a timeline item, if it differs from what was said before."""
    item = record.item
    if not is_tool(item):
        return []
    output = record.output
    if record.printed > len(output):
        output = f"[… {record.printed - len(output)} characters before …]\n{output}"
    detail = detail_of(item, output, _tidy)
    call = ToolCall(
        call_id=as_text(item.get("id")),
        name=sanitise_line(name_of(item), 80) or "tool",
        detail=detail,
        status=status,
        error=None,
    )
    if status == "failed":
        call.error = _error(record, detail)
    number = checksum(call)
    if number == record.digest:
        return []
    record.digest = number
    core.touch()
    return [Item(call)]


def _tidy(text: str) -> str:
    return sanitise(clip(text))


def _error(record: ItemRecord, detail: ToolDetail) -> str:
    item = record.item
    if record.denied:
        return "Not allowed by you."
    if item.get("status") == "declined":
        return "Not allowed."
    if item.get("status") == "inProgress":
        return "The turn ended before this did."
    if isinstance(detail, ShellDetail) and as_int(item.get("exitCode")) not in (None, 0):
        return f"exit code {as_int(item.get('exitCode'))}"
    told = item.get("error")
    words = as_text(told) or as_text(as_dict(told).get("message"))
    if detail.__struct_config__.tag in ("edit", "write"):
        words = words or "The change could not be made."
    return sanitise(clip(words, 4_000)) or "The tool failed; Codex gave no reason."
