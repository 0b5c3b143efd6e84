"""A tool call in one line, and how it ended in another. Pure; the result is harmless text."""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import ToolCall
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
from sereno.core.protocol.values import given
from sereno.tui.cli.text import clean_line, shown

LONGEST = 300


def tool_words(call: ToolCall) -> tuple[str, str]:
    """What it does; and how it ended, empty while it runs or where there is nothing to say."""
    what = gist(call.detail) or _title(call)
    begun = clean_line(f"{call.name}: {what}".rstrip(": "), LONGEST)
    match call.status:
        case "failed":
            return begun, "failed: " + clean_line(_error_words(call.error), LONGEST)
        case "canceled":
            return begun, "canceled"
        case "completed" if isinstance(call.detail, ShellDetail):
            code = given(call.detail.exit_code, None)
            return begun, "" if code in (None, 0) else f"exit code {code}"
        case _:
            return begun, ""


def is_bare(call: ToolCall) -> bool:
    """Whether a running call came without its arguments: some programs send them a moment later."""
    if call.status != "running":
        return False
    if isinstance(call.detail, UnknownDetail):
        return not call.detail.input and _title(call) in ("", call.name)
    return (gist(call.detail) or _title(call)) in ("", call.name)


def gist(detail: ToolDetail) -> str:
    """The one thing that tells a tool call from another: command, path, query."""
    match detail:
        case ShellDetail():
            return shown(detail.command)
        case ReadDetail() | EditDetail() | WriteDetail():
            return shown(detail.file_path)
        case SearchDetail():
            return detail.query
        case FetchDetail():
            return detail.url
        case WorktreeSetupDetail():
            return shown(detail.worktree_path)
        case SubAgentDetail():
            return given(detail.description, "") or given(detail.sub_agent_type, "")
        case PlainTextDetail():
            return given(detail.label, "") or given(detail.text, "")
        case PlanDetail():
            return "plan"
        case _:
            return ""


def _title(call: ToolCall) -> str:
    title = given(call.metadata, {}).get("title")
    return title if isinstance(title, str) else ""


def _error_words(error: Any) -> str:
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return error if isinstance(error, str) else repr(error)
