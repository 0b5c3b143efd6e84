"""What a tool call says: its verb, its subject, a note, and the bodies behind it.

Pure functions over the wire's `ToolDetail`. Nothing an agent wrote decides anything here; an
unknown kind is shown as the JSON that it is.
"""

from __future__ import annotations

import json
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
from sereno.core.protocol.values import UNSET, given
from sereno.tui.denial import NOT_TOLD
from sereno.tui.widgets.blocks_body import Body, Code, Diff, Markdown, Plain, output
from sereno.tui.widgets.blocks_text import count, one_line, size
from sereno.tui.widgets.diff_view import DiffRow, changed_counts, rows_between, rows_of_unified
from sereno.tui.words import cut

__all__ = ["bodies_of", "denial_of", "edit_rows", "note_of", "subject_of", "verb_of"]

_WORDS_SHOWN = 40
"""Cells of a denial's words beside the call; they stand whole in the open block."""


def verb_of(call: ToolCall) -> str:
    """One word for the kind of the call."""
    match call.detail:
        case ShellDetail():
            return "Run"
        case ReadDetail():
            return "Read"
        case EditDetail():
            return "Edit"
        case WriteDetail():
            return "Write"
        case SearchDetail():
            return "Search"
        case FetchDetail():
            return "Fetch"
        case WorktreeSetupDetail():
            return "Set up"
        case SubAgentDetail():
            return "Agent"
        case PlanDetail():
            return "Plan"
        case PlainTextDetail() | UnknownDetail():
            return "Tool"


def subject_of(call: ToolCall, folder: str = "") -> str:
    """What the call is about, on one line; paths inside `folder` are relative to it."""
    match call.detail:
        case ShellDetail(command=command):
            return one_line(command)
        case ReadDetail(file_path=path) | EditDetail(file_path=path) | WriteDetail(file_path=path):
            return one_line(path.removeprefix(f"{folder}/") if folder else path)
        case SearchDetail(query=query):
            return f'"{one_line(query)}"'
        case FetchDetail(url=url):
            return one_line(url)
        case WorktreeSetupDetail(branch_name=branch):
            return one_line(branch)
        case SubAgentDetail() as detail:
            return one_line(given(detail.description, "") or given(detail.sub_agent_type, ""))
        case PlanDetail(text=text):
            return one_line(text.lstrip("# "))
        case PlainTextDetail() as detail:
            return one_line(given(detail.label, "") or call.name)
        case UnknownDetail():
            return one_line(call.name)


def denial_of(call: ToolCall) -> tuple[str, str, bool] | None:
    """Who said no, with which words, and whether the agent heard these: where that is why it did
    not run. For the wire it failed; the daemon puts it into the call's metadata.
    """
    ours = given(call.metadata, {}).get("sereno")
    denied = ours.get("denied") if isinstance(ours, dict) else None
    if not isinstance(denied, dict):
        return None
    by, words = denied.get("by"), denied.get("words")
    name = by if isinstance(by, str) and by else "a person"
    return name, words if isinstance(words, str) else "", denied.get("told") is not False


def note_of(call: ToolCall) -> str:
    """How it ended or how much it was; empty while it runs."""
    if call.status == "running":
        return ""
    denial = denial_of(call)
    if denial is not None:
        _, said, told = denial
        words = cut(one_line(said), _WORDS_SHOWN)
        if words and not told:
            return f"denied ({NOT_TOLD})"
        return f"denied: {words}" if words else "denied"
    if call.status == "canceled":
        return "stopped"
    size_of_it = _amount(call.detail)
    if call.status == "failed":
        return f"failed  {size_of_it}".rstrip()
    return size_of_it


def _amount(detail: ToolDetail) -> str:
    match detail:
        case ShellDetail(exit_code=int() as code):
            return f"exit {code}" if code else "ok"
        case ReadDetail(content=str() as content) | WriteDetail(content=str() as content):
            return count(len(content.splitlines()), "line", "lines")
        case EditDetail():
            added, removed = changed_counts(edit_rows(detail))
            return f"+{added} -{removed}" if added or removed else ""
        case SearchDetail():
            return _matches(detail)
        case FetchDetail():
            status = "" if detail.code is UNSET else f"{given(detail.code, 0):.0f}"
            octets = "" if detail.bytes is UNSET else size(given(detail.bytes, 0))
            return f"{status}  {octets}".strip()
        case SubAgentDetail(actions=actions) if actions:
            return count(len(actions), "step", "steps")
        case WorktreeSetupDetail(commands=commands):
            return count(len(commands), "command", "commands")
        case _:
            return ""


def _matches(detail: SearchDetail) -> str:
    if detail.num_matches is not UNSET:
        return count(given(detail.num_matches, 0), "match", "matches")
    if detail.num_files is not UNSET:
        return count(given(detail.num_files, 0), "file", "files")
    if detail.web_results is not UNSET:
        return count(len(given(detail.web_results, [])), "result", "results")
    if detail.file_paths is not UNSET:
        return count(len(given(detail.file_paths, [])), "file", "files")
    return ""


def edit_rows(detail: EditDetail) -> list[DiffRow]:
    """The change as diff rows, from whichever form the agent reported."""
    if detail.unified_diff is not UNSET:
        return rows_of_unified(given(detail.unified_diff, ""))
    return rows_between(given(detail.old_string, ""), given(detail.new_string, ""))


def bodies_of(call: ToolCall) -> list[Body]:
    """What an open block shows, whole subject first where one line may have cut it."""
    bodies = _detail_bodies(call)
    denial = denial_of(call)
    if denial is not None:
        by, words, told = denial
        how = "" if told else f" ({NOT_TOLD})"
        bodies.append(Plain(f"denied by {by}{how}" + (f": {words}" if words else "")))
    elif call.status == "failed" and call.error is not None:
        bodies.append(Plain(_words_of(call.error)))
    return bodies


def _detail_bodies(call: ToolCall) -> list[Body]:
    match call.detail:
        case ShellDetail() as shell:
            return [Code(f"$ {shell.command}", "console"), *_text(shell.output)]
        case ReadDetail() as read:
            return [] if read.content is UNSET else [Code(given(read.content, ""), read.file_path)]
        case WriteDetail() as write:
            return (
                [] if write.content is UNSET else [Code(given(write.content, ""), write.file_path)]
            )
        case EditDetail() as edit:
            rows = edit_rows(edit)
            return [Diff(tuple(rows))] if rows else []
        case SearchDetail() as search:
            return _search_bodies(search)
        case FetchDetail() as fetch:
            return [Plain(fetch.url), *_text(fetch.result)]
        case WorktreeSetupDetail() as setup:
            return [output(setup.log)]
        case SubAgentDetail() as agent:
            return _sub_agent_bodies(agent)
        case PlanDetail(text=text):
            return [Markdown(text)]
        case PlainTextDetail() as plain:
            return _text(plain.text)
        case UnknownDetail(input=given_input, output=result):
            parts = [("input", given_input), ("output", result)]
            return [Plain(f"{name}: {_words_of(part)}") for name, part in parts if part is not None]


def _text(text: Any) -> list[Body]:
    return [output(text)] if isinstance(text, str) and text.strip() else []


def _search_bodies(search: SearchDetail) -> list[Body]:
    bodies = _text(search.content)
    paths = given(search.file_paths, [])
    if paths and not bodies:
        bodies.append(output("\n".join(paths)))
    results = given(search.web_results, [])
    if results:
        bodies.append(Plain("\n".join(f"{item.title} ({item.url})" for item in results)))
    return bodies


def _sub_agent_bodies(agent: SubAgentDetail) -> list[Body]:
    steps = "\n".join(
        f"{action.index}. {action.tool_name} {given(action.summary, '')}".rstrip()
        for action in agent.actions
    )
    return [*_text(steps), *_text(agent.log)]


def _words_of(value: Any) -> str:
    """A JSON value in words: its message where it has one, else the JSON itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("message"), str) and len(value) == 1:
        return str(value["message"])
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
