"""Abstract tools of a script as calls that the asking program understands.

Chosen by what the request offers, not by who asks: names differ between programs and releases.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

__all__ = ["concrete_call"]


def concrete_call(tool: dict[str, Any], offered: Collection[str]) -> tuple[str, dict[str, Any]]:
    """(name, arguments) for a tool of a script.

    Raises:
        LookupError: the request offers nothing for it; the test's script does not fit the program.
    """
    match tool["kind"]:
        case "shell":
            command, words = tool["command"], tool.get("description", "scripted")
            return _pick(
                offered,
                ("bash", {"command": command, "description": words}),
                ("Bash", {"command": command, "description": words}),
                ("exec_command", {"cmd": command}),
                ("run_shell_command", {"command": command, "description": words}),
            )
        case "write":
            path, content = tool["path"], tool["content"]
            return _pick(
                offered,
                ("write", {"filePath": path, "content": content}),
                ("Write", {"file_path": path, "content": content}),
                ("write_file", {"file_path": path, "content": content}),
            )
        case "edit":
            path, old, new = tool["path"], tool["old"], tool["new"]
            return _pick(
                offered,
                ("edit", {"filePath": path, "oldString": old, "newString": new}),
                ("Edit", {"file_path": path, "old_string": old, "new_string": new}),
            )
        case "read":
            path = tool["path"]
            return _pick(offered, ("read", {"filePath": path}), ("Read", {"file_path": path}))
        case "raw":
            return tool["name"], tool.get("arguments", {})
        case kind:
            raise LookupError(f"no tool of kind {kind!r}")


def _pick(
    offered: Collection[str], *choices: tuple[str, dict[str, Any]]
) -> tuple[str, dict[str, Any]]:
    for name, arguments in choices:
        if name in offered:
            return name, arguments
    raise LookupError(f"none of {[name for name, _ in choices]} is offered; {sorted(offered)} are")
