"""Notifications that are news about the program, not of the turn: warnings, retries, titles.

What Codex repeats (each turn, each retry) is told once. Unknown notifications are tolerated: its
interface grows with every release.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import ErrorItem, Todo, TodoItem
from sereno.core.providers.codex.failures import status_of, words_of
from sereno.core.providers.codex.state import Core
from sereno.core.providers.codex.values import as_dict, as_dicts, as_text
from sereno.core.providers.effects import Changed, Effect, Item, Level
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["IGNORED", "read_error", "read_notice", "read_plan"]

_WARNINGS: dict[str, tuple[Level, str]] = {
    "warning": ("warning", "message"),
    "guardianWarning": ("warning", "message"),
    "configWarning": ("warning", "summary"),
    "deprecationNotice": ("debug", "summary"),
}
IGNORED = frozenset(
    {
        "account/login/completed",
        "account/updated",
        "app/list/updated",
        "hook/completed",
        "hook/started",
        "item/fileChange/outputDelta",
        "item/reasoning/summaryPartAdded",
        "item/commandExecution/terminalInteraction",
        "item/mcpToolCall/progress",
        "mcpServer/oauthLogin/completed",
        "remoteControl/status/changed",
        "thread/compacted",
        "thread/goal/cleared",
        "thread/goal/updated",
        "thread/readState/changed",
        "thread/status/changed",
        "turn/diff/updated",
    }
)
"""Known, and said again elsewhere or of no use here."""


def read_notice(core: Core, method: str, params: dict[str, Any]) -> list[Effect]:
    """The effects of a notification that is none of the turn's."""
    if method in _WARNINGS:
        level, key = _WARNINGS[method]
        text, detail = as_text(params.get(key)), as_text(params.get("details"))
        if not text or not core.new_sum(f"{method} {text[:500]}", (text, detail)):
            return []
        return core.noted(level, f"Codex: {sanitise_line(text, 1_000)}", sanitise(detail[:4_000]))
    match method:
        case "thread/name/updated":
            return _title(core, params)
        case "model/rerouted":
            to, of = as_text(params.get("toModel")), as_text(params.get("fromModel"))
            words = f"Codex asked the model {to} instead of {of}"
            return core.noted("notice", sanitise_line(words, 300))
        case "mcpServer/startupStatus/updated":
            return _server(core, params)
        case "thread/closed":
            return core.noted("warning", "Codex closed this conversation by itself")
        case _ if method in IGNORED:
            return []
        case _:
            return core.noted("debug", f"An unknown notification: {sanitise_line(method, 80)}")


def read_error(core: Core, params: dict[str, Any]) -> list[Effect]:
    """`error`: what is tried again is a notice; the rest comes with the end of the turn."""
    error = as_dict(params.get("error"))
    if params.get("willRetry") is not True:
        return core.noted("debug", f"An error of the turn: {words_of(error)}")
    label, words = core.identity.label, words_of(error)
    if status_of(error) == 429 and core.new_sum("limited", core.state.prompt_id):
        # Once a turn, in the talk: it may wait for minutes, and says neither that nor until when.
        told = (
            f"The model's provider limits the rate of requests ({words}). {label} waits and then "
            "tries again by itself; it does not say how long. Interrupt it if that takes too long."
        )
        return [Item(ErrorItem(message=told))]
    return core.noted("notice", f"{label} tries again: {words}")


def read_plan(core: Core, params: dict[str, Any]) -> list[Effect]:
    """`turn/plan/updated`: the agent's list of steps."""
    steps = as_dicts(params.get("plan"))
    items = [
        TodoItem(
            text=sanitise_line(as_text(step.get("step"))),
            completed=step.get("status") == "completed",
        )
        for step in steps
    ]
    if not items or not core.new_sum("plan", items):
        return []
    return [Item(Todo(items=items))]


def _title(core: Core, params: dict[str, Any]) -> list[Effect]:
    title = sanitise_line(as_text(params.get("threadName")), 120)
    return [Changed(title=title)] if title and core.new_sum("title", title) else []


def _server(core: Core, params: dict[str, Any]) -> list[Effect]:
    """An MCP server of the person's own configuration."""
    if params.get("status") != "failed":
        return []
    name, error = as_text(params.get("name")), as_text(params.get("error"))
    words = f"The MCP server {name} did not start: {error}"
    if not core.new_sum(f"mcp {name[:200]}", words):
        return []
    return core.noted("warning", sanitise_line(words, 1_000))
