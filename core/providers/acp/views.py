"""What a person is shown of a request for permission, and whether it still stands (T42, T43).

A view is a call as the request itself describes it: what it says wins over what was known before.
Nothing in it is hidden: all texts are revealed, all arguments are listed. `facts` bind the question
to what was shown. Not here: answers (permissions.py), how it looks (tui).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from sereno.core.protocol.permissions import (
    PermissionAction,
    PermissionKind,
    PermissionRequest,
)
from sereno.core.protocol.tools import PlanDetail, ToolDetail
from sereno.core.protocol.values import UNSET
from sereno.core.providers.acp.content import blocks_text
from sereno.core.providers.acp.details import FAMILIES, detail_of, diffs_of
from sereno.core.providers.acp.pieces import ToolPiece
from sereno.core.providers.acp.state import CallRecord, Core, OpenRequest, Option
from sereno.core.providers.common.bounds import clip
from sereno.core.providers.common.diffs import unified_diff
from sereno.core.security.sanitise import mixed_scripts, reveal, reveal_value, sanitise_line

__all__ = ["allows", "changes_shown", "facts_of", "request_of", "view_of"]

CLIPPED = " characters left out …]"
SHOWN_LIMIT = 1024 * 1024
"""Characters of one text that a view shows in full; beyond, it says that it does not."""
WORDS_LIMIT = 2_000
"""Characters of the words beside the arguments; beyond, the middle is left out, and it says so."""

_TITLES = {
    "shell": "Run command",
    "read": "Read file",
    "edit": "Edit file",
    "write": "Write file",
    "search": "Search",
    "fetch": "Fetch from the network",
    "sub_agent": "Start a sub-agent",
    "plan": "Approve the plan",
}


def view_of(
    record: CallRecord, piece: ToolPiece | None, adding: bool = False
) -> tuple[CallRecord, list[str]]:
    """The call as `piece`, the newest word about it, describes it; and the arguments it names.

    Changes of files that the piece names are the only ones, or with `adding` the newest ones.
    """
    view = msgspec.structs.replace(record, denied=False, forgotten=False)
    if piece is None:
        return view, list(record.raw_input)
    own = piece.raw_input if isinstance(piece.raw_input, dict) else {}
    view.raw_input = {**record.raw_input, **own}
    said = [entry for entry in piece.content or [] if isinstance(entry, dict)]
    if said:
        paths = {str(entry.get("path")) for entry in said if _is_diff(entry)}
        keep = adding or not paths
        old = [e for e in record.content if _is_diff(e) and str(e.get("path")) not in paths]
        view.content = [*(old if keep else []), *said]
    return view, list(own or record.raw_input)


def _is_diff(entry: dict[str, Any]) -> bool:
    return entry.get("type") == "diff"


def request_of(core: Core, request_id: str, request: OpenRequest) -> PermissionRequest:
    """The request as clients get it; what it says is revealed, not sanitised."""
    view = request.view
    told = msgspec.structs.replace(view, raw_input=_without_stale(view.raw_input, request.own))
    detail = detail_of(told, _show)
    tag = str(detail.__struct_config__.tag)
    name = sanitise_line(view.name or {"execute": "shell"}.get(view.kind, view.kind), 80)
    return PermissionRequest(
        id=request_id,
        provider=core.identity.provider,
        name=name or "tool",
        kind=_kind(view, detail),
        title=_TITLES.get(tag, f"Use the tool {name or 'tool'}"),
        description=_description(view, detail) or UNSET,
        input=_input(view, tag) or UNSET,
        detail=detail,
        actions=[_action(option) for option in request.options],
        metadata=_metadata(request, detail),
    )


def _without_stale(raw: dict[str, Any], own: list[str]) -> dict[str, Any]:
    """Without what the request says under another name: an older `path` beside its `file_path`."""
    named = set(own)
    stale = {key for family in FAMILIES if family & named for key in family - named}
    return {key: value for key, value in raw.items() if key not in stale}


def _show(text: str) -> str:
    return reveal(clip(text, SHOWN_LIMIT))


def _kind(view: CallRecord, detail: ToolDetail) -> PermissionKind:
    if isinstance(detail, PlanDetail):
        return "plan"
    return "mode" if view.kind == "switch_mode" else "tool"


def _description(view: CallRecord, detail: ToolDetail) -> str:
    """What the program says of the call beside its arguments: a title, words before it runs."""
    told = {getattr(detail, key, "") for key in ("command", "file_path", "label", "url")}
    words = [reveal(clip(view.title, WORDS_LIMIT))]
    if view.status == "pending":
        words.append(reveal(clip(blocks_text(view.content), WORDS_LIMIT)))
    return "\n".join(dict.fromkeys(each for each in words if each and each not in told))


def _input(view: CallRecord, tag: str) -> dict[str, Any]:
    """All arguments; and changes of files that a command brings along, which its view has not."""
    given = dict(reveal_value(view.raw_input))
    diffs = diffs_of(view)
    if diffs and tag not in ("edit", "write"):
        changes = [unified_diff(path, old or "", new) for path, old, new in diffs]
        given["changes"] = [_show(change) for change in changes]
    return given


def _metadata(request: OpenRequest, detail: ToolDetail) -> dict[str, Any]:
    raw = msgspec.json.encode(request.facts, order="sorted")
    extra: dict[str, Any] = {"argumentsHash": hashlib.sha256(raw).hexdigest()}
    extra["callId"] = request.call_id
    warnings = _warnings(request.view)
    if warnings:
        extra["warnings"] = warnings
    metadata: dict[str, Any] = {"sereno": extra}
    if isinstance(detail, PlanDetail):
        metadata["planText"] = detail.text
    return metadata


def _warnings(view: CallRecord) -> list[str]:
    diffs = diffs_of(view)
    texts = [view.title, *view.paths, *_strings(view.raw_input), *(path for path, _, _ in diffs)]
    sizes = [len(text) for text in texts] + [len(old or "") + len(new) for _, old, new in diffs]
    found = [
        f"“{reveal(word)}” mixes letters of different scripts that look alike"
        for word in dict.fromkeys(word for text in texts for word in mixed_scripts(text[:2_000]))
    ][:5]
    if max(sizes) > SHOWN_LIMIT or any(CLIPPED in text for text in texts):
        found.insert(0, "It is too long to be shown in full; what is left out is marked")
    return found


def _strings(value: Any, depth: int = 6) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inner for text in _strings(part, depth - 1)] if depth else []


def _action(option: Option) -> PermissionAction:
    standing = option.kind.endswith("_always")
    primary = option.kind == "allow_once"
    danger = standing and allows(option)
    return PermissionAction(
        id=option.id,
        label=sanitise_line(reveal(option.name), 120),
        behavior="allow" if allows(option) else "deny",
        variant="danger" if danger else ("primary" if primary else "secondary"),
        standing=True if standing else UNSET,
    )


def allows(option: Option) -> bool:
    """An option of an unknown kind counts as one that allows: it is never chosen for a denial."""
    return not option.kind.startswith("reject")


# ── what binds a question ────────────────────────────────────────────────────


def facts_of(view: CallRecord) -> dict[str, str]:
    """Everything that may decide what the call does, raw, as checksums by name."""
    return _named(view.kind, view.raw_input, diffs_of(view), view.paths, view.title)


def _named(
    kind: str,
    raw: dict[str, Any],
    diffs: list[tuple[str, str | None, str]],
    paths: list[str],
    title: str,
) -> dict[str, str]:
    facts = {"kind": kind} if kind else {}
    for key, value in raw.items():
        facts[f"argument {key}"] = _hash(value)
    for path, old, new in diffs:
        facts[f"change of {path}"] = _hash([old or "", new])
    if kind != "execute":
        facts |= {f"path {path}": "" for path in paths}
    if not raw and not diffs and title:
        facts["title"] = _hash(title)  # nothing else says what it is
    return facts


def _hash(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def changes_shown(request: OpenRequest, piece: ToolPiece) -> str:
    """What `piece` does to an open question: "" nothing, "more" it adds, "other" it contradicts."""
    shown = request.facts
    raw = piece.raw_input if isinstance(piece.raw_input, dict) else {}
    spoken = CallRecord("", content=[e for e in piece.content or [] if isinstance(e, dict)])
    places = [p.get("path") for p in piece.locations or [] if isinstance(p, dict)]
    paths = [path for path in places if isinstance(path, str)]
    kind = piece.kind or request.view.kind
    news = _named(kind, raw, diffs_of(spoken), paths, "")
    if "title" in shown and piece.title:
        news["title"] = _hash(piece.title)
    if any(shown.get(name, value) != value for name, value in news.items()):
        return "other"
    added = set(news) - set(shown)
    if kind == "execute" and "argument command" in shown:
        added.discard("argument description")  # words about the command, seen with OpenCode
    return "more" if added else ""
