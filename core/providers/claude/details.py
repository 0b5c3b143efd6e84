"""What a tool of Claude Code did, in the wire's kinds (wire reference 6.3.3).

By the tool's name; every text passes the given cleaner: `sanitise` for the timeline, `reveal` for
request views. A tool that is not known here (one of an MCP server, one of a later release) is
`unknown`, with its arguments and its result as they are.
"""

from __future__ import annotations

import re
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
    SubAgentAction,
    SubAgentDetail,
    ToolDetail,
    UnknownDetail,
    WebResult,
    WriteDetail,
)
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.claude.state import Call
from sereno.core.providers.claude.values import listed, number, record, text
from sereno.core.providers.common.diffs import unified_diff

__all__ = ["AGENT_TOOLS", "detail_of", "exit_code_of", "headline"]

Clean = Callable[[str], str]

AGENT_TOOLS = frozenset({"Task", "Agent"})
_EXIT = re.compile(r"\A(?:Error: )?Exit code (-?\d{1,5})\n?")
_PATHS = ("file_path", "notebook_path", "path")


def detail_of(call: Call, clean: Clean, clean_value: Callable[[Any], Any]) -> ToolDetail:
    """The detail as far as the call is known."""
    given = call.input
    match call.name:
        case "Bash" | "PowerShell" if text(given.get("command")):
            return _shell(call, clean)
        case "Read" if path := _path(given):
            return ReadDetail(
                file_path=clean(path),
                content=_output(call, clean),
                offset=_count(given.get("offset")),
                limit=_count(given.get("limit")),
            )
        case "Edit" | "MultiEdit" | "NotebookEdit" if path := _path(given):
            return _edit(call, path, clean)
        case "Write" if path := _path(given):
            return _write(call, path, clean)
        case "Grep" | "Glob" | "WebSearch" | "ToolSearch":
            return _search(call, clean)
        case "WebFetch" if text(given.get("url")):
            return _fetch(call, clean)
        case "ExitPlanMode":
            return PlanDetail(text=clean(text(given.get("plan"))))
        case "AskUserQuestion":
            return _question(call, clean)
        case name if name in AGENT_TOOLS:
            return _sub_agent(call, clean)
        case "Skill":
            words = f"{text(given.get('skill'))} {text(given.get('args'))}".strip()
            return PlainTextDetail(label=clean(words or "Skill"), text=UNSET, icon="sparkles")
        case _:
            output = call.result or call.text or None
            return UnknownDetail(input=clean_value(given), output=clean_value(output))


def headline(call: Call) -> str:
    """One line about what a call does: for the list of what a sub-agent did."""
    given = call.input
    for key in ("command", *_PATHS, "pattern", "query", "url", "description", "skill", "prompt"):
        if found := text(given.get(key)):
            return found
    return ""


def exit_code_of(call: Call) -> int | None:
    """The exit code of a command that failed: the program says it in words only."""
    found = _EXIT.match(call.text)
    return int(found.group(1)) if found else None


def _path(given: dict[str, Any]) -> str:
    return next((found for key in _PATHS if (found := text(given.get(key)))), "")


def _output(call: Call, clean: Clean) -> str | UnsetType:
    return UNSET if call.denied or not call.text else clean(call.text)


def _shell(call: Call, clean: Clean) -> ShellDetail:
    code = exit_code_of(call)
    return ShellDetail(
        command=clean(text(call.input.get("command"))),
        output=_shell_output(call, clean),
        exit_code=UNSET if code is None else code,
    )


def _shell_output(call: Call, clean: Clean) -> str | UnsetType:
    if call.denied:
        return UNSET
    result = call.result
    parts = [text(result.get(key)) for key in ("stdout", "stderr")]
    found = "\n".join(part.rstrip("\n") for part in parts if part)
    if not found and not result.get("noOutputExpected") and "stdout" not in result:
        found = _EXIT.sub("", call.text)
    return clean(found) if found else UNSET


def _edit(call: Call, path: str, clean: Clean) -> ToolDetail:
    given = call.input
    patch = _patch(path, call.result)
    if patch:
        return EditDetail(file_path=clean(path), unified_diff=clean(patch))
    if "new_source" in given:  # a cell of a notebook
        new = text(given.get("new_source"))
        return EditDetail(file_path=clean(path), new_string=clean(new))
    edits = listed(given.get("edits")) or [given]
    pairs = [(text(e.get("old_string")), text(e.get("new_string"))) for e in edits]
    diff = "".join(unified_diff(path, old, new) for old, new in pairs)
    if len(pairs) > 1:
        return EditDetail(file_path=clean(path), unified_diff=clean(diff))
    old, new = pairs[0]
    return EditDetail(
        file_path=clean(path),
        old_string=clean(old),
        new_string=clean(new),
        unified_diff=clean(diff) if diff else UNSET,
    )


def _write(call: Call, path: str, clean: Clean) -> ToolDetail:
    patch = _patch(path, call.result)
    if patch and call.result.get("type") == "update":
        return EditDetail(file_path=clean(path), unified_diff=clean(patch))
    return WriteDetail(file_path=clean(path), content=clean(text(call.input.get("content"))))


def _patch(path: str, result: dict[str, Any]) -> str:
    """The program's own hunks, which know the lines of the file."""
    lines: list[str] = []
    for hunk in listed(result.get("structuredPatch")):
        spans = [number(hunk.get(key)) for key in ("oldStart", "oldLines", "newStart", "newLines")]
        rows = hunk.get("lines")
        body = [row for row in rows if isinstance(row, str)] if isinstance(rows, list) else []
        if None in spans or not body:
            continue
        a, b, c, d = (int(span or 0) for span in spans)
        lines += [f"@@ -{a},{b} +{c},{d} @@", *body]
    return "\n".join([f"--- {path}", f"+++ {path}", *lines, ""]) if lines else ""


def _search(call: Call, clean: Clean) -> SearchDetail:
    given, result = call.input, call.result
    query = text(given.get("pattern")) or text(given.get("query"))
    names = {"Grep": "grep", "Glob": "glob", "WebSearch": "web_search"}
    tool: Literal["search", "grep", "glob", "web_search"] = names.get(call.name, "search")  # type: ignore[assignment]
    files = result.get("filenames")
    paths = [clean(f) for f in files if isinstance(f, str)] if isinstance(files, list) else []
    web = [
        WebResult(title=clean(text(each.get("title"))), url=clean(text(each.get("url"))))
        for part in listed(result.get("results"))
        for each in listed(part.get("content"))
        if text(each.get("url"))
    ]
    found = number(result.get("numFiles"))
    return SearchDetail(
        query=clean(query),
        tool_name=tool,
        content=_output(call, clean),
        file_paths=paths or UNSET,
        web_results=web or UNSET,
        num_files=UNSET if found is None else found,
    )


def _fetch(call: Call, clean: Clean) -> FetchDetail:
    result = call.result
    prompt = text(call.input.get("prompt"))
    code, size = number(result.get("code")), number(result.get("bytes"))
    return FetchDetail(
        url=clean(text(call.input.get("url"))),
        prompt=clean(prompt) if prompt else UNSET,
        result=_output(call, clean),
        code=UNSET if code is None else code,
        bytes=UNSET if size is None else size,
    )


def _question(call: Call, clean: Clean) -> PlainTextDetail:
    """The questions, and under each the answer that was given."""
    answers = record(call.result.get("answers")) or record(call.input.get("answers"))
    lines: list[str] = []
    for question in listed(call.input.get("questions")):
        asked = text(question.get("question"))
        answer = text(answers.get(asked))
        lines.append(asked + (f"\n→ {answer}" if answer else ""))
    body = "\n\n".join(lines)
    return PlainTextDetail(label="Question", text=clean(body) if body else UNSET, icon="wrench")


def _sub_agent(call: Call, clean: Clean) -> SubAgentDetail:
    given = call.input
    kind, words = text(given.get("subagent_type")), text(given.get("description"))
    first = call.used - len(call.actions)
    actions = [
        SubAgentAction(
            index=first + place + 1,
            tool_name=clean(tool),
            summary=clean(summary) if summary else UNSET,
        )
        for place, (tool, summary) in enumerate(call.actions)
    ]
    return SubAgentDetail(
        log=clean(call.log),
        sub_agent_type=clean(kind) if kind else UNSET,
        description=clean(words) if words else UNSET,
        actions=actions,
    )


def _count(value: Any) -> float | UnsetType:
    found = number(value)
    return UNSET if found is None else found
