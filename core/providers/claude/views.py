"""A request as the person sees it before deciding: nothing hidden, nothing left out (T42).

Texts are revealed, not sanitised; what is too long to be shown says so. Not here: how the answer
goes back (permissions.py).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from sereno.core.protocol.permissions import PermissionAction, PermissionKind, PermissionRequest
from sereno.core.protocol.tools import ToolDetail
from sereno.core.protocol.values import UNSET
from sereno.core.providers.claude.details import detail_of
from sereno.core.providers.claude.state import Call, Core, OpenRequest
from sereno.core.providers.common.bounds import clip
from sereno.core.security.sanitise import mixed_scripts, reveal, reveal_value, sanitise_line

__all__ = ["SHOWN_LIMIT", "request_of", "shown_input"]

SHOWN_LIMIT = 1 << 20
"""Characters of one text of a request; beyond, the middle is left out, and it says so."""

_TITLES = {
    "shell": "Run a command",
    "read": "Read a file",
    "edit": "Edit a file",
    "write": "Write a file",
    "search": "Search",
    "fetch": "Fetch from the network",
    "sub_agent": "Start a sub-agent",
    "plan": "Approve the plan",
}


def request_of(core: Core, request_id: str, request: OpenRequest) -> PermissionRequest:
    """The request as clients get it."""
    given = {"plan": request.plan, **request.input} if request.plan else request.input
    detail = detail_of(Call("", request.tool, given), _show, reveal_value)
    tag = str(detail.__struct_config__.tag)
    kind = _kind(request)
    name = sanitise_line(reveal(request.tool), 80)
    title = "Answer a question" if kind == "question" else _TITLES.get(tag, f"Use {name}")
    return PermissionRequest(
        id=request_id,
        provider=core.identity.provider,
        name=name,
        kind=kind,
        title=title,
        description=_description(core, request, detail) or UNSET,
        input=shown_input(request) or UNSET,
        detail=detail,
        suggestions=[reveal_value(each) for g in request.grants for each in g.updates] or UNSET,
        actions=_actions(request, kind),
        metadata=_metadata(request, detail),
    )


def shown_input(request: OpenRequest) -> dict[str, Any]:
    """All arguments, revealed."""
    return dict(reveal_value(request.input))


def _show(words: str) -> str:
    return reveal(clip(words, SHOWN_LIMIT))


def _kind(request: OpenRequest) -> PermissionKind:
    kinds: dict[str, PermissionKind] = {"AskUserQuestion": "question", "ExitPlanMode": "plan"}
    return kinds.get(request.tool, "mode" if request.tool == "EnterPlanMode" else "tool")


def _description(core: Core, request: OpenRequest, detail: ToolDetail) -> str:
    """What the program says of the call beside its arguments, and what the person should know."""
    told = {getattr(detail, key, "") for key in ("command", "file_path", "url", "description")}
    words = [reveal(request.description), reveal(request.reason)]
    if request.agent_id:
        words.append("A sub-agent asks.")
    if core.state.mode == "plan" and _kind(request) == "tool":
        words.append("Plan mode does not stop this: if you allow it, it is done.")
    return "\n".join(dict.fromkeys(each for each in words if each and each not in told))


def _actions(request: OpenRequest, kind: PermissionKind) -> list[PermissionAction]:
    once, no = "Allow once", "Deny"
    if kind == "plan":
        once, no = "Approve the plan", "Keep planning"
    elif kind == "question":
        once, no = "Answer", "Do not answer"
    allow = [
        PermissionAction(
            id="allow",
            label=once,
            behavior="allow",
            variant="primary",
            intent="implement" if kind == "plan" else UNSET,
        )
    ]
    for grant in request.grants:
        allow.append(
            PermissionAction(
                id=grant.id,
                label=grant.label,
                behavior="allow",
                variant="danger",
                standing=True,
                lasts="session",
            )
        )
    found = [] if request.hidden else allow
    found.append(
        PermissionAction(
            id="deny",
            label=no,
            behavior="deny",
            variant="secondary",
            intent="dismiss" if kind in ("plan", "question") else UNSET,
        )
    )
    return found


def _metadata(request: OpenRequest, detail: ToolDetail) -> dict[str, Any]:
    raw = msgspec.json.encode([request.tool, request.input], order="sorted")
    extra: dict[str, Any] = {
        "argumentsHash": hashlib.sha256(raw).hexdigest(),
        "editable": request.whole and request.tool != "ExitPlanMode",
    }
    if request.call_id:
        extra["callId"] = request.call_id
    warnings = _warnings(request)
    if warnings:
        extra["warnings"] = warnings
    metadata: dict[str, Any] = {"sereno": extra}
    if request.tool == "ExitPlanMode":
        metadata["planText"] = getattr(detail, "text", "")
    return metadata


def _warnings(request: OpenRequest) -> list[str]:
    texts = _strings(request.input)
    found = [
        f"“{reveal(word)}” mixes letters of different scripts that look alike"
        for word in dict.fromkeys(word for each in texts for word in mixed_scripts(each[:2_000]))
    ][:5]
    if request.hidden:
        words = "It is too long or too deep to be shown in full, so it can only be denied"
        found.insert(0, words)
    return found


def _strings(value: Any, depth: int = 12) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for part in inner for found in _strings(part, depth - 1)] if depth else []
