"""Tool calls: what is said of one, merged into a record, the record into a timeline item.

A sub-agent's own calls are folded into the item of the call that started it (wire 6.3.3). Lists of
tasks become a Todo item. Not here: what kind of detail a call becomes (details.py), and who may
run it (permissions.py).
"""

from __future__ import annotations

import re
from typing import Any

from sereno.core.protocol.timeline import Todo, TodoItem, ToolCall, ToolStatus
from sereno.core.providers.claude.details import AGENT_TOOLS, detail_of, exit_code_of, headline
from sereno.core.providers.claude.state import Call, Core
from sereno.core.providers.claude.values import bounded, listed, record, size_of, text
from sereno.core.providers.common.bounds import OUTPUT_LIMIT, clip
from sereno.core.providers.common.core import checksum
from sereno.core.providers.effects import Effect, Item
from sereno.core.security.sanitise import sanitise, sanitise_line, sanitise_value

__all__ = ["close_calls", "emit", "finish", "know", "mark_denied", "sub_agent_said", "task_over"]

KEPT_CALLS = 16
"""Finished calls that are kept, in case more is said about them."""
MOST_CALLS, MOST_KEPT = 256, 32 * 1024 * 1024
"""Calls that are followed at once, and characters of their arguments: a flood of them is dropped
from the timeline, with a word. Nothing is allowed thereby: requests are counted apart."""
MOST_TODOS = 1_000
LOG_LIMIT = 8_000
ACTIONS_KEPT = 50
_QUIET = frozenset({"TodoWrite", "TaskCreate", "TaskUpdate", "TaskGet", "TaskList"})
"""Tools that keep the list of tasks: the list is shown, not the call."""
_TOOL_ERROR = re.compile(r"<tool_use_error>(.*)</tool_use_error>\s*", re.DOTALL)


def know(core: Core, block: dict[str, Any], parent: str = "") -> list[Effect]:
    """A `tool_use` block: the call begins."""
    call_id = text(block.get("id"))
    if not call_id:
        return core.noted("warning", "A tool call without an id was ignored")
    state = core.state
    call = state.calls.get(call_id)
    if call is None:
        if _too_many(core):
            words = "Too many tools run at once; those beyond 256 are not shown"
            return core.noted("warning", words) if core.new_sum("flood", True) else []
        call = state.calls[call_id] = Call(call_id, parent=parent)
        if parent:
            _count_action(core, call, text(block.get("name")), record(block.get("input")))
    call.name = text(block.get("name")) or call.name
    given = record(block.get("input"))
    if given:
        call.input = bounded(given, OUTPUT_LIMIT - 100)
    core.touch()
    return emit(core, call)


def _too_many(core: Core) -> bool:
    calls = core.state.calls
    if len(calls) >= MOST_CALLS:
        return True
    kept = sum(size_of(call.input) + size_of(call.result) for call in calls.values())
    return kept >= MOST_KEPT


def _count_action(core: Core, call: Call, name: str, given: dict[str, Any]) -> None:
    parent = core.state.calls.get(call.parent)
    if parent is None:
        return
    line = sanitise_line(headline(Call("", name, given)), 200)
    parent.actions = [*parent.actions, (sanitise_line(name, 80), line)][-ACTIONS_KEPT:]
    parent.used += 1


def emit(core: Core, call: Call) -> list[Effect]:
    """The call as a timeline item, if it differs from what was said before."""
    if call.parent:
        parent = core.state.calls.get(call.parent)
        return emit(core, parent) if parent is not None else []
    if call.name in _QUIET and call.status != "failed":
        return _todos(core, call)
    item = ToolCall(
        call_id=call.id,
        name=sanitise_line(call.name, 80) or "tool",
        detail=detail_of(call, _tidy, sanitise_value),
        status=call.status,
        error=_error(call) if call.status == "failed" else None,
    )
    number = checksum(item)
    if number == call.digest:
        return []
    call.digest = number
    core.touch()
    return [Item(item)]


def _tidy(words: str) -> str:
    return sanitise(clip(words))


def _error(call: Call) -> str:
    words = sanitise(clip(call.text, 4_000)).strip()
    if call.denied:
        return f"Not allowed by you: {sanitise_line(words)}" if words else "Not allowed by you."
    code = exit_code_of(call)
    if code is not None:
        return f"exit code {code}"
    return words or "The tool failed; the program gave no reason."


def finish(core: Core, block: dict[str, Any], message: dict[str, Any]) -> list[Effect]:
    """A `tool_result` block of `message`: the call is over, or goes on in the background."""
    call = core.state.calls.get(text(block.get("tool_use_id")))
    if call is None:
        return []
    call.text = clip(_content_text(block.get("content")), OUTPUT_LIMIT - 100)
    call.result = bounded(record(message.get("tool_use_result")), OUTPUT_LIMIT - 100)
    if block.get("is_error") is True:
        call.status = "failed"
        for meta in listed(message.get("tool_result_meta")):
            if meta.get("id") == call.id and meta.get("non_execution_kind") == "user-rejected":
                call.status = "failed" if call.denied else "canceled"
                call.text = ""  # words for the model, not for the person
        if core.state.cancelling and not call.denied:
            call.status = "canceled"
    elif not call.background:
        call.status = "completed"
    core.touch()
    effects = emit(core, call)
    _forget(core, call)
    return effects


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        found = _TOOL_ERROR.fullmatch(content)
        return found.group(1) if found else content
    parts: list[str] = []
    for block in listed(content):
        match block.get("type"):
            case "text":
                parts.append(text(block.get("text")))
            case "image":
                parts.append("[image]")
            case "tool_reference":
                parts.append(text(block.get("tool_name")))
            case _:
                pass
    return "\n".join(part for part in parts if part)


def mark_denied(core: Core, call_id: str) -> None:
    call = core.state.calls.get(call_id)
    if call is not None:
        call.denied = True
        core.touch()


def sub_agent_said(core: Core, parent: str, words: str) -> list[Effect]:
    """Words of a sub-agent: into the log of its call."""
    call = core.state.calls.get(parent)
    if call is None or not words.strip():
        return []
    joined = f"{call.log}\n\n{words.strip()}" if call.log else words.strip()
    call.log = joined if len(joined) <= LOG_LIMIT else "…" + joined[-LOG_LIMIT:]
    core.touch()
    return emit(core, call)


def task_over(core: Core, call_id: str, status: ToolStatus, summary: str) -> list[Effect]:
    """What went on in the background has ended."""
    call = core.state.calls.get(call_id)
    if call is None or not call.background:
        return []
    call.background = False
    call.status = status
    core.touch()
    effects: list[Effect] = []
    if status == "failed":
        call.text = summary
    elif summary and call.name in AGENT_TOOLS and not call.log.endswith(summary.strip()):
        effects = sub_agent_said(core, call_id, summary)
    effects += emit(core, call)
    _forget(core, call)
    return effects


def close_calls(core: Core, status: ToolStatus) -> list[Effect]:
    """The turn is over: what still runs gets `status`, what was denied failed. What runs in the
    background goes on.
    """
    effects: list[Effect] = []
    state = core.state
    kept = {call.id for call in state.calls.values() if call.background}
    for call in list(state.calls.values()):
        if call.id in kept or call.parent in kept:
            continue
        if call.status == "running":
            call.status = "failed" if call.denied else status
            effects += emit(core, call)
        del state.calls[call.id]
    state.finished = [each for each in state.finished if each in state.calls]
    core.touch()
    return effects


def _forget(core: Core, call: Call) -> None:
    """The snapshot must not grow with the length of a turn."""
    if call.status == "running":
        return
    finished = core.state.finished
    if call.id not in finished:
        finished.append(call.id)
    if call.parent or call.name in _QUIET:
        call.text, call.result, call.input = "", {}, {}
    while len(finished) > KEPT_CALLS:
        core.state.calls.pop(finished.pop(0), None)


def _todos(core: Core, call: Call) -> list[Effect]:
    """The list of tasks after this call, if it changed."""
    state, given = core.state, call.input
    if call.name == "TodoWrite":
        state.todos = {
            str(place): (sanitise_line(text(entry.get("content"))), _done(entry))
            for place, entry in enumerate(listed(given.get("todos")))
        }
    elif call.status != "completed":
        return []
    elif call.name == "TaskCreate":
        task = record(call.result.get("task"))
        number = str(task.get("id") or len(state.todos) + 1)[:80]
        if len(state.todos) >= MOST_TODOS:
            return []
        state.todos[number] = (sanitise_line(text(given.get("subject"))), False)
    elif call.name == "TaskUpdate":
        _update_todo(core, text(given.get("taskId")), given)
    items = [TodoItem(text=words, completed=done) for words, done in state.todos.values()]
    if not core.new_sum("todo", items) or (not items and call.name != "TodoWrite"):
        return []
    return [Item(Todo(items=items))]


def _update_todo(core: Core, number: str, given: dict[str, Any]) -> None:
    state = core.state
    if number not in state.todos:
        return
    words, done = state.todos[number]
    if given.get("status") == "deleted":
        del state.todos[number]
        return
    if "status" in given:
        done = _done(given)
    state.todos[number] = (sanitise_line(text(given.get("subject"))) or words, done)


def _done(entry: dict[str, Any]) -> bool:
    return entry.get("status") == "completed"
