"""What an item of Codex did, in the wire's kinds (wire reference 6.3.3). Pure.

Every text passes the given cleaner: `sanitise` for the timeline, `reveal` for request views. An
item of a kind that is not known becomes `unknown` with all that it says.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, Literal

from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    ToolDetail,
    UnknownDetail,
    WebResult,
    WriteDetail,
)
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.codex.values import as_dict, as_dicts, as_int, as_text, as_texts
from sereno.core.providers.common.diffs import unified_diff
from sereno.core.security.sanitise import sanitise_value

__all__ = ["changes_of", "detail_of", "name_of", "unwrapped"]

Clean = Callable[[str], str]
Icon = Literal["wrench", "eye", "pencil", "search", "bot", "sparkles", "brain"]

_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh"})
_PLACES = frozenset({"/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"})
"""Where a shell is the system's own: one of elsewhere may be anything, and is shown."""
_NAMES = {
    "commandExecution": "shell",
    "webSearch": "web_search",
    "imageView": "view_image",
    "imageGeneration": "image",
    "enteredReviewMode": "review",
}
_META = frozenset({"type", "id", "status", "startedAtMs", "completedAtMs", "durationMs"})
_COLLAB = {
    "sendInput": "Tell a sub-agent more",
    "sendMessage": "Tell a sub-agent more",
    "followupTask": "Give a sub-agent another task",
    "resumeAgent": "Wake a sub-agent",
    "wait": "Wait for sub-agents",
    "closeAgent": "End a sub-agent",
    "interruptAgent": "Interrupt a sub-agent",
    "listAgents": "Look at the sub-agents",
}


def name_of(item: dict[str, Any]) -> str:
    """The tool's name, for lists; not sanitised."""
    kind = as_text(item.get("type"))
    match kind:
        case "fileChange":
            changes = changes_of(item)
            only_new = len(changes) == 1 and _kind(changes[0]) == "add"
            return "write" if only_new else "edit"
        case "mcpToolCall":
            return f"{as_text(item.get('server'))}.{as_text(item.get('tool'))}"
        case "dynamicToolCall" | "collabAgentToolCall":
            return as_text(item.get("tool")) or kind
        case "functionCallOutput":
            return as_text(item.get("name")) or kind
        case _:
            return _NAMES.get(kind, kind)


def detail_of(item: dict[str, Any], output: str, clean: Clean) -> ToolDetail:
    """The detail of an item. `output`: what it printed so far, where the item does not say it."""
    match item.get("type"):
        case "commandExecution":
            return _shell(item, output, clean)
        case "fileChange" if changes_of(item):
            return _changes(changes_of(item), clean)
        case "webSearch":
            return _web(item, clean)
        case "plan":
            return PlanDetail(text=clean(as_text(item.get("text")) or output))
        case "imageView" if as_text(item.get("path")):
            return ReadDetail(file_path=clean(as_text(item.get("path"))))
        case "imageGeneration":
            told = as_text(item.get("revisedPrompt")), as_text(item.get("savedPath"))
            return _plain("Make an image", "\n".join(text for text in told if text), clean)
        case "sleep":
            seconds = (as_int(item.get("durationMs")) or 0) / 1000
            return _plain(f"Wait {seconds:g} s", "", clean)
        case "enteredReviewMode":
            return _plain(f"Review: {as_text(item.get('review'))}", "", clean, "eye")
        case "collabAgentToolCall":
            return _collab(item, clean)
        case _:
            return _unknown(item)


def unwrapped(command: str) -> str:
    """The script of `/bin/bash -lc '…'`, in which Codex wraps every command; else the command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if len(words) != 3 or words[1] not in ("-lc", "-c"):
        return command
    place, _, shell = words[0].rpartition("/")
    if place in _PLACES and shell in _SHELLS and words[2].strip():
        return words[2]
    return command


def changes_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The changes of files of an item that can be shown: each with a path and a difference."""
    return [
        change
        for change in as_dicts(item.get("changes"))
        if isinstance(change.get("path"), str) and isinstance(change.get("diff"), str)
    ]


def _shell(item: dict[str, Any], output: str, clean: Clean) -> ShellDetail:
    cwd = as_text(item.get("cwd"))
    printed = as_text(item.get("aggregatedOutput")) or output
    code = as_int(item.get("exitCode"))
    return ShellDetail(
        command=clean(unwrapped(as_text(item.get("command")))),
        cwd=clean(cwd) if cwd else UNSET,
        output=clean(printed) if printed else UNSET,
        exit_code=UNSET if code is None else code,
    )


def _changes(changes: list[dict[str, Any]], clean: Clean) -> ToolDetail:
    first = changes[0]
    if len(changes) == 1 and _kind(first) == "add":
        return WriteDetail(file_path=clean(first["path"]), content=clean(first["diff"]))
    label = first["path"] if len(changes) == 1 else f"{first['path']} (and {len(changes) - 1} more)"
    text = "".join(_difference(change) for change in changes)
    return EditDetail(file_path=clean(label), unified_diff=clean(text))


def _kind(change: dict[str, Any]) -> str:
    kind = change.get("kind")
    return as_text(kind) or as_text(as_dict(kind).get("type"))


def _difference(change: dict[str, Any]) -> str:
    """One change as a unified difference: Codex gives whole texts for new and deleted files, and
    for others hunks without a head.
    """
    path, diff = str(change["path"]), str(change["diff"])
    match _kind(change):
        case "add":
            return unified_diff(path, "", diff) or f"--- {path}\n+++ {path}\n"
        case "delete":
            return unified_diff(path, diff, "") or f"--- {path}\n+++ /dev/null\n"
    target = as_text(as_dict(change.get("kind")).get("move_path")) or path
    head = "" if diff.startswith(("--- ", "diff ")) else f"--- {path}\n+++ {target}\n"
    return head + diff + ("" if diff.endswith("\n") else "\n")


def _web(item: dict[str, Any], clean: Clean) -> ToolDetail:
    action, query = as_dict(item.get("action")), as_text(item.get("query"))
    url = as_text(action.get("url"))
    if action.get("type") == "openPage" and url:
        return FetchDetail(url=clean(url))
    if action.get("type") == "findInPage":
        words = f"{as_text(action.get('pattern'))} in {url}" if url else query
        return SearchDetail(query=clean(words), tool_name="web_search")
    queries = as_texts(action.get("queries")) or [as_text(action.get("query"))]
    found: list[WebResult] | UnsetType = [
        WebResult(title=clean(as_text(r.get("title")) or r["url"]), url=clean(r["url"]))
        for r in as_dicts(item.get("results"))
        if isinstance(r.get("url"), str)
    ] or UNSET
    text = query or ", ".join(each for each in queries if each)
    return SearchDetail(query=clean(text), tool_name="web_search", web_results=found)


def _collab(item: dict[str, Any], clean: Clean) -> ToolDetail:
    tool = as_text(item.get("tool"))
    states = as_dict(item.get("agentsStates")).values()
    told = [as_text(as_dict(state).get("message")) for state in states]
    words = [as_text(item.get("prompt")), *told]
    text = "\n\n".join(word for word in words if word)
    return _plain(_COLLAB.get(tool, tool), text, clean, "bot")


def _plain(label: str, text: str, clean: Clean, icon: Icon = "wrench") -> PlainTextDetail:
    return PlainTextDetail(label=clean(label), text=clean(text) if text else UNSET, icon=icon)


def _unknown(item: dict[str, Any]) -> UnknownDetail:
    """Tools of MCP servers and of kinds that are not known: arguments and result as they are."""
    match item.get("type"):
        case "mcpToolCall":
            given, result = item.get("arguments"), _mcp_result(item)
        case "dynamicToolCall":
            given, result = item.get("arguments"), item.get("contentItems")
        case "functionCallOutput":
            given, result = None, item.get("output")
        case _:
            given = {key: value for key, value in item.items() if key not in _META}
            result = None
    return UnknownDetail(input=sanitise_value(given), output=sanitise_value(result))


def _mcp_result(item: dict[str, Any]) -> Any:
    """The text of a result that is only text, else the result."""
    result = as_dict(item.get("result"))
    if not result:
        return None
    content = as_dicts(result.get("content"))
    texts = [as_text(part.get("text")) for part in content if part.get("type") == "text"]
    if len(texts) == len(content) and texts:
        return "\n".join(texts)
    return result.get("structuredContent") or result.get("content")
