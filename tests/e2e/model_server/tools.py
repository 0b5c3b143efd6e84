"""Abstract tools of a script as calls that the asking program understands.

Chosen by what the request offers, not by who asks: names differ between programs and releases.
Kinds: shell, write, edit, read, ask (questions), todo, agent (`description`, `steps`),
raw (`name`, `arguments`).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from tests.e2e.model_server.directive import prompt_with

__all__ = ["concrete_call"]

Arguments = dict[str, Any] | str


def concrete_call(tool: dict[str, Any], offered: Collection[str]) -> tuple[str, Arguments]:
    """(name, arguments) for a tool of a script; arguments that are text are a custom tool's.

    Raises:
        LookupError: the request offers nothing for it; the test's script does not fit the program.
    """
    if tool["kind"] == "raw":
        return tool["name"], tool.get("arguments", {})
    choices = CHOICES.get(tool["kind"])
    if choices is None:
        raise LookupError(f"no tool of kind {tool['kind']!r}")
    return _pick(offered, *choices(tool))


def _shell(tool: dict[str, Any]) -> list[tuple[str, Arguments]]:
    command, words = tool["command"], tool.get("description", "scripted")
    return [
        ("bash", {"command": command, "description": words}),
        ("Bash", {"command": command, "description": words}),
        ("exec_command", {"cmd": command, **tool.get("more", {})}),
        ("exec", _executed(command)),
        ("run_shell_command", {"command": command, "description": words}),
    ]


def _executed(command: str) -> str:
    """A command for models that work by a script of their own."""
    call = f"await tools.exec_command({json.dumps({'cmd': command})})"
    return f"const r = {call}; text(JSON.stringify(r));"


def _write(tool: dict[str, Any]) -> list[tuple[str, Arguments]]:
    path, content = tool["path"], tool["content"]
    lines = "".join(f"+{line}\n" for line in content.splitlines())
    return [
        ("write", {"filePath": path, "content": content}),
        ("Write", {"file_path": path, "content": content}),
        *_patch(f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n"),
        ("write_file", {"file_path": path, "content": content}),
    ]


def _edit(tool: dict[str, Any]) -> list[tuple[str, Arguments]]:
    path, old, new = tool["path"], tool["old"], tool["new"]
    lines = "".join(f"-{line}\n" for line in old.splitlines())
    lines += "".join(f"+{line}\n" for line in new.splitlines())
    return [
        ("edit", {"filePath": path, "oldString": old, "newString": new}),
        ("Edit", {"file_path": path, "old_string": old, "new_string": new}),
        *_patch(f"*** Begin Patch\n*** Update File: {path}\n@@\n{lines}*** End Patch\n"),
    ]


def _patch(text: str) -> list[tuple[str, Arguments]]:
    return [
        ("apply_patch", text),
        ("exec", f"text(JSON.stringify(await tools.apply_patch({json.dumps(text)})));"),
    ]


def _read(tool: dict[str, Any]) -> list[tuple[str, Arguments]]:
    path = tool["path"]
    return [
        ("read", {"filePath": path}),
        ("Read", {"file_path": path}),
        ("exec_command", {"cmd": f"cat {path}"}),
        ("exec", _executed(f"cat {path}")),
    ]


def _ask(tool: dict[str, Any]) -> list[tuple[str, Arguments]]:
    """One question: `question`, `header`, `options` (labels)."""
    options = [{"label": label, "description": label} for label in tool["options"]]
    asked = {"question": tool["question"], "header": tool["header"], "options": options}
    return [
        ("AskUserQuestion", {"questions": [{**asked, "multiSelect": False}]}),
        ("request_user_input", {"questions": [{**asked, "id": tool["header"].lower()}]}),
        ("question", {"questions": [asked]}),
    ]


def _todo(tool: dict[str, Any]) -> list[tuple[str, Arguments]]:
    """`items`: a text each; the first is in progress, the others wait."""
    states = ["in_progress", *["pending"] * (len(tool["items"]) - 1)]
    rows = list(zip(tool["items"], states, strict=True))
    todos = [{"content": text, "status": state, "activeForm": text} for text, state in rows]
    short = [
        {"content": text, "status": state, "priority": "medium", "id": str(number)}
        for number, (text, state) in enumerate(rows)
    ]
    plan = [{"step": text, "status": state} for text, state in rows]
    return [
        ("TodoWrite", {"todos": todos}),
        ("todowrite", {"todos": short}),
        ("update_plan", {"plan": plan}),
    ]


def _agent(tool: dict[str, Any]) -> list[tuple[str, Arguments]]:
    """A sub-agent that has a script of its own, `steps`."""
    prompt = prompt_with("work", *tool["steps"])
    words = {"description": tool["description"], "prompt": prompt}
    return [
        ("Agent", {**words, "subagent_type": "general-purpose"}),
        ("Task", {**words, "subagent_type": "general-purpose"}),
        ("task", {**words, "subagent_type": "general"}),
        ("spawn_agent", {"task_name": tool["description"], "message": prompt}),
    ]


CHOICES = {
    "agent": _agent,
    "shell": _shell,
    "write": _write,
    "edit": _edit,
    "read": _read,
    "ask": _ask,
    "todo": _todo,
}


def _pick(offered: Collection[str], *choices: tuple[str, Arguments]) -> tuple[str, Arguments]:
    for name, arguments in choices:
        if name in offered:
            return name, arguments
    raise LookupError(f"none of {[name for name, _ in choices]} is offered; {sorted(offered)} are")
