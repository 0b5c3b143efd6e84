"""What a tool call did, in the wire's kinds (wire reference 6.3.3), from the words of any program.

Programs agree on little: paths, commands and outputs have many names. Every text passes the given
cleaner: `sanitise` for the timeline, `reveal` for request views. What fits nowhere is `unknown`.
"""

from __future__ import annotations

import re
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
    SubAgentDetail,
    ToolDetail,
    UnknownDetail,
    WriteDetail,
)
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.acp.content import blocks_text
from sereno.core.providers.acp.state import CallRecord
from sereno.core.providers.common.bounds import OUTPUT_LIMIT, clipped
from sereno.core.providers.common.diffs import unified_diff
from sereno.core.security.sanitise import sanitise_value

__all__ = [
    "FAMILIES",
    "command_of",
    "detail_of",
    "diffs_of",
    "path_of",
    "url_of",
]

Clean = Callable[[str], str]

_PLAIN = frozenset({"", "other", "think", "delete", "move"})
_ICONS: dict[str, Literal["eye", "pencil", "search", "brain", "wrench"]] = {
    "read": "eye",
    "edit": "pencil",
    "delete": "pencil",
    "move": "pencil",
    "search": "search",
    "think": "brain",
}
_PATHS = ("filePath", "file_path", "filepath", "path", "absolute_path", "abs_path", "notebook_path")
_QUERIES = ("pattern", "query", "q", "regex", "glob", "search", "searchTerm")
_CONTENTS = ("content", "diff", "oldString", "old_string", "newString", "new_string")
FAMILIES = tuple(frozenset(names) for names in (_PATHS, _QUERIES, _CONTENTS, ("command", "cmd")))
"""Names that mean the same thing to different programs."""

_FENCE = re.compile(r"\A```[^\n`]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_TASK = re.compile(
    r"\A<task [^>]*>\s*<task_result>\s*(.*?)\s*</task_result>\s*</task>\s*\Z", re.DOTALL
)
WRAPPER = 60
_WRAPPER = re.compile(r"\n*<(shell|bash)_metadata>\s*(.*?)\s*</\1_metadata>\s*\Z", re.DOTALL)
"""What OpenCode says about a command, to the model, behind its output."""
_URL = re.compile(r"https?://\S+")


def shrink(record: CallRecord) -> None:
    """What is shown of a call is clipped; no more of it is kept, once it has been shown.

    Large arguments would be stored again with every step of the agent.
    """
    if record.size > OUTPUT_LIMIT:
        record.raw_input = clipped(record.raw_input)
        record.raw_output = clipped(record.raw_output)
        record.content = clipped(record.content)


def detail_of(record: CallRecord, clean: Clean) -> ToolDetail:
    """The detail of a call as far as it is known; every text in it has passed `clean`."""
    diffs = diffs_of(record)
    if diffs and record.kind != "execute":
        return _from_diffs(diffs, clean)
    if not record.raw_input and record.kind in _PLAIN:
        return _other(record, clean)
    command = command_of(record)
    if record.kind == "execute" or (command and record.kind in ("", "other")):
        return _shell(record, command or _command_in_title(record), clean)
    if "subagent_type" in record.raw_input or record.name.lower() in ("task", "agent"):
        return _sub_agent(record, clean)
    path = path_of(record)
    match record.kind:
        case "read" if path:
            return _read(record, path, clean)
        case "edit" if path:
            return _edit(record, path, clean)
        case "search" if query := _first(record.raw_input, _QUERIES):
            return _search(record, query, clean)
        case "fetch" if url := url_of(record):
            result = _result(record, clean)
            prompt = _optional(record.raw_input.get("prompt"), clean)
            return FetchDetail(url=clean(url), prompt=prompt, result=result)
        case "switch_mode" if isinstance(record.raw_input.get("plan"), str):
            return PlanDetail(text=clean(record.raw_input["plan"]))
        case _:
            return _other(record, clean)


def diffs_of(record: CallRecord) -> list[tuple[str, str | None, str]]:
    """(path, old text or None, new text) of each diff in the content."""
    return [
        (str(entry.get("path") or ""), _text_or_none(entry.get("oldText")), entry["newText"])
        for entry in record.content
        if entry.get("type") == "diff" and isinstance(entry.get("newText"), str)
    ]


def command_of(record: CallRecord) -> str:
    """The command line, or an empty text."""
    raw = record.raw_input.get("command", record.raw_input.get("cmd"))
    if isinstance(raw, list):
        return shlex.join(str(word) for word in raw)
    return raw if isinstance(raw, str) else ""


def _command_in_title(record: CallRecord) -> str:
    # Gemini has the command for a title; others begin with the tool's name there.
    return "" if record.title in (record.name, "Terminal") else record.title


def path_of(record: CallRecord) -> str:
    return _first(record.raw_input, _PATHS) or (record.paths[0] if record.paths else "")


def url_of(record: CallRecord) -> str:
    url = record.raw_input.get("url")
    if isinstance(url, str) and url:
        return url
    found = _URL.search(record.title)
    return found.group() if found else ""


def _from_diffs(diffs: list[tuple[str, str | None, str]], clean: Clean) -> ToolDetail:
    path, old, new = diffs[0]
    if len(diffs) == 1 and not old:
        return WriteDetail(file_path=clean(path), content=clean(new))
    text = "".join(unified_diff(name, before or "", after) for name, before, after in diffs)
    label = path if len(diffs) == 1 else f"{path} (and {len(diffs) - 1} more)"
    return EditDetail(file_path=clean(label), unified_diff=clean(text))


def _shell(record: CallRecord, command: str, clean: Clean) -> ShellDetail:
    cwd = _first(record.raw_input, ("cwd", "workdir", "directory"))
    return ShellDetail(
        command=clean(command),
        cwd=clean(cwd) if cwd else UNSET,
        output=_result(record, clean),
        exit_code=_exit_code(record),
    )


def _exit_code(record: CallRecord) -> int | UnsetType:
    if record.exit_code is not None:
        return record.exit_code
    raw = record.raw_output
    if isinstance(raw, dict):
        meta = raw.get("metadata")
        places = [raw, meta if isinstance(meta, dict) else {}]
        for place in places:
            for key in ("exitCode", "exit_code", "exit"):
                if type(place.get(key)) is int:
                    return int(place[key])
    return UNSET


def _read(record: CallRecord, path: str, clean: Clean) -> ReadDetail:
    raw = record.raw_input
    return ReadDetail(
        file_path=clean(path),
        content=_result(record, clean),
        offset=_number(raw.get("offset", raw.get("line"))),
        limit=_number(raw.get("limit")),
    )


def _edit(record: CallRecord, path: str, clean: Clean) -> ToolDetail:
    raw = record.raw_input
    old, new = _first(raw, ("oldString", "old_string")), _first(raw, ("newString", "new_string"))
    if old or new:
        diff = unified_diff(path, old, new)
        return EditDetail(
            file_path=clean(path),
            old_string=clean(old),
            new_string=clean(new),
            unified_diff=clean(diff),
        )
    if isinstance(raw.get("diff"), str):
        return EditDetail(file_path=clean(path), unified_diff=clean(raw["diff"]))
    if isinstance(raw.get("content"), str):
        return WriteDetail(file_path=clean(path), content=clean(raw["content"]))
    return EditDetail(file_path=clean(path))


def _search(record: CallRecord, query: str, clean: Clean) -> SearchDetail:
    name = record.name.lower()
    tool: Literal["search", "grep", "glob", "web_search"] = "search"
    if "web" in name:
        tool = "web_search"
    elif "grep" in name:
        tool = "grep"
    elif "glob" in name:
        tool = "glob"
    return SearchDetail(query=clean(query), tool_name=tool, content=_result(record, clean))


def _sub_agent(record: CallRecord, clean: Clean) -> SubAgentDetail:
    raw = record.raw_input
    log = _result(record, clean)
    if isinstance(log, str) and "<task_result>" in log:  # OpenCode's, for the model
        log = _TASK.sub(r"\1", log)
    return SubAgentDetail(
        log="" if isinstance(log, UnsetType) else log,
        sub_agent_type=_optional(raw.get("subagent_type"), clean),
        description=_optional(raw.get("description") or record.title, clean),
        actions=[],
    )


def _other(record: CallRecord, clean: Clean) -> ToolDetail:
    text = _result(record, clean)
    if record.raw_input and isinstance(text, UnsetType) and record.kind in ("", "other"):
        return UnknownDetail(
            input=sanitise_value(record.raw_input), output=sanitise_value(record.raw_output)
        )
    label = clean(record.title or path_of(record) or record.name or "tool")
    where = [clean(path) for path in _all_paths(record) if path not in record.title]
    if where:
        text = "\n".join([*where, *([] if isinstance(text, UnsetType) else [text])])
    return PlainTextDetail(label=label, text=text, icon=_ICONS.get(record.kind, "wrench"))


def _all_paths(record: CallRecord) -> list[str]:
    if not record.paths and not record.raw_input:
        return []
    return list(dict.fromkeys(path for path in (path_of(record), *record.paths) if path))


def _result(record: CallRecord, clean: Clean) -> str | UnsetType:
    """What the call gave back. While it waits, content is a description and no output; what was
    denied gave nothing.
    """
    if record.status == "pending" or record.denied:
        return UNSET
    raw = record.raw_output
    text = raw if isinstance(raw, str) else None
    if record.kind == "read":  # the raw output may have wrappers for the model around it
        text = blocks_text(record.content) or text
    if text is None and isinstance(raw, dict):
        text = next((raw[k] for k in ("output", "stdout") if isinstance(raw.get(k), str)), None)
    if text is None:
        text = record.output or None
    if text is None:
        text = _described(record, blocks_text(record.content))
    if record.kind == "execute" and "_metadata>" in text[-WRAPPER:]:
        text = _WRAPPER.sub(r"\n[\2]\n", text).lstrip("\n")
    return clean(text) if text else UNSET


def _described(record: CallRecord, text: str) -> str:
    """The content as output: without a fence around it, and not where it only repeats."""
    if text.startswith("```"):
        fenced = _FENCE.match(text)
        text = fenced.group(1) if fenced else text
    if record.raw_input and text == record.raw_input.get("description"):
        return ""
    raw = record.raw_output
    if isinstance(raw, dict) and text == raw.get("error"):
        return ""  # it is the call's error already
    return text


def _first(raw: dict[str, Any], keys: tuple[str, ...]) -> str:
    if not raw:
        return ""
    return next((raw[key] for key in keys if isinstance(raw.get(key), str) and raw[key]), "")


def _optional(value: Any, clean: Clean) -> str | UnsetType:
    return clean(value) if isinstance(value, str) and value else UNSET


def _number(value: Any) -> float | UnsetType:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else UNSET


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
