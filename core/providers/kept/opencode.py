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
from sereno.core.providers.acp.details import detail_of
from sereno.core.providers.acp.state import CallRecord
from sereno.core.providers.asking import MOST_OUTPUT, ask
from sereno.core.providers.common.bounds import clip
from sereno.core.providers.kept.model import KeptError, KeptSession, settled
from sereno.core.security.sanitise import sanitise, sanitise_line

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["sessions", "take"]

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


class _Time(msgspec.Struct):
    updated: float = 0


class _Info(msgspec.Struct):
    id: str
    directory: str
    title: str = ""
    time: _Time = msgspec.field(default_factory=_Time)


class _Exported(msgspec.Struct):
    info: _Info
    messages: list[dict[str, Any]] = []


def sessions(
    provider: Provider, env: Mapping[str, str], cwd: str | None, limit: int
) -> list[KeptSession]:
    """OpenCode lists those of the project in which it is asked."""
    command = ("session", "list", "--format", "json", "-n", str(limit))
    told = _ask(provider, env, command, cwd)
    try:
        rows = msgspec.json.decode(told or "[]", type=list[_Listed])
    except msgspec.DecodeError as error:
        raise _puzzled(provider, "list of sessions", error) from error
    return [
        KeptSession(row.id, row.directory, sanitise_line(row.title, TITLE), int(row.updated))
        for row in rows
        if cwd in (None, row.directory)
    ]


def take(
    provider: Provider, env: Mapping[str, str], session_id: str, cwd: str | None
) -> tuple[KeptSession, list[TimelineItem]]:
    told = _ask(provider, env, ("export", session_id), cwd, "session_lost")
    try:
        whole = msgspec.json.decode(told, type=_Exported)
        items = [
            item
            for message in whole.messages
            for part in message["parts"]
            for item in _items(message["info"].get("role"), part)
        ]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise _puzzled(provider, "account of the session", error) from error
    info = whole.info
    title = sanitise_line(info.title, TITLE)
    return KeptSession(info.id, info.directory, title, int(info.time.updated)), settled(items)


def _puzzled(provider: Provider, what: str, error: Exception) -> KeptError:
    cause = sanitise_line(f"{type(error).__name__}: {error}", 200)
    words = f"{provider.label}'s {what} was not understood ({cause})."
    return KeptError(words, "Another version of the program may tell it in another way.")


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
    provider: Provider,
    env: Mapping[str, str],
    command: tuple[str, ...],
    cwd: str | None,
    code: str = "provider_failed",
) -> str:
    said = ask(provider, env, command, timeout_s=PATIENCE, cwd=cwd)
    if said is None or said.code != 0:
        words = sanitise_line(said.err, 200) if said is not None else ""
        raise KeptError(
            f"{provider.label} was asked for its sessions and gave no answer. {words}".strip(),
            f"Run `{provider.command[0]} {' '.join(command[:2])}` in a terminal to see why.",
            code if said is not None else "provider_failed",
        )
    if not said.whole:
        raise KeptError(
            f"{provider.label} has more to tell of it than is taken: {MOST_OUTPUT >> 20} MB.",
            "Go on with it in the program itself.",
        )
    return said.out
