"""The sessions of OpenCode, by its own commands: `session list` and `export`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    TimelineItem,
    ToolCall,
    ToolStatus,
    UserMessage,
)
from sereno.core.providers.acp.details import clip, detail_of
from sereno.core.providers.acp.state import CallRecord
from sereno.core.providers.asking import ask
from sereno.core.providers.kept.model import KeptError, KeptSession
from sereno.core.security.sanitise import sanitise, sanitise_line

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["history", "sessions"]

PATIENCE = 30.0
TITLE = 80
_KINDS = {
    "bash": "execute",
    "read": "read",
    "edit": "edit",
    "write": "edit",
    "patch": "edit",
    "glob": "search",
    "grep": "search",
    "webfetch": "fetch",
}
_STATUSES: dict[str, ToolStatus] = {"completed": "completed", "error": "failed"}


class _Listed(msgspec.Struct):
    id: str
    title: str = ""
    updated: float = 0
    directory: str = ""


def sessions(
    provider: Provider, env: Mapping[str, str], cwd: str | None, limit: int
) -> list[KeptSession]:
    """OpenCode lists those of the project in which it is asked."""
    command = ("session", "list", "--format", "json", "-n", str(limit))
    told = _ask(provider, env, command, cwd)
    try:
        rows = msgspec.json.decode(told or "[]", type=list[_Listed])
    except msgspec.DecodeError as error:
        raise KeptError(f"{provider.label}'s list of sessions was not understood.") from error
    return [
        KeptSession(row.id, row.directory, sanitise_line(row.title, TITLE), int(row.updated))
        for row in rows
        if cwd in (None, row.directory)
    ]


def history(provider: Provider, env: Mapping[str, str], session: KeptSession) -> list[TimelineItem]:
    told = _ask(provider, env, ("export", session.session_id), session.cwd)
    try:
        whole = msgspec.json.decode(told, type=dict[str, Any])
        return [
            item
            for message in whole.get("messages", ())
            for part in message["parts"]
            for item in _items(message["info"].get("role"), part)
        ]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise KeptError(f"{provider.label}'s words of the session were not understood.") from error


def _items(role: str, part: dict[str, Any]) -> list[TimelineItem]:
    words = part.get("text")
    match part.get("type"):
        case "text" if isinstance(words, str) and words.strip() and not part.get("synthetic"):
            clean = sanitise(words)
            return [UserMessage(text=clean) if role == "user" else AssistantMessage(text=clean)]
        case "reasoning" if isinstance(words, str) and words.strip():
            return [Reasoning(text=sanitise(words))]
        case "tool":
            return [_call(part)]
        case _:
            return []


def _call(part: dict[str, Any]) -> ToolCall:
    state, name = part["state"], str(part.get("tool", "tool"))
    status = _STATUSES.get(str(state.get("status")), "canceled")
    record = CallRecord(
        id=str(part.get("callID", "")),
        name=name,
        title=str(state.get("title") or ""),
        kind=_KINDS.get(name, ""),
        status=status,
        raw_input=state.get("input") or {},
        raw_output={"output": state.get("output") or ""},
    )
    words = sanitise_line(str(state.get("error") or "The tool failed."), 4_000)
    return ToolCall(
        call_id=record.id,
        name=sanitise_line(name, 80),
        detail=detail_of(record, lambda text: sanitise(clip(text))),
        status=status,
        error=words if status == "failed" else None,
    )


def _ask(
    provider: Provider, env: Mapping[str, str], command: tuple[str, ...], cwd: str | None
) -> str:
    said = ask(provider, env, command, timeout_s=PATIENCE, cwd=cwd)
    if said is None or said.code != 0:
        words = sanitise_line(said.err, 200) if said is not None else ""
        raise KeptError(
            f"{provider.label} was asked for its sessions and gave no answer. {words}".strip(),
            f"Run `{provider.command[0]} {' '.join(command[:2])}` in a terminal to see why.",
        )
    return said.out
