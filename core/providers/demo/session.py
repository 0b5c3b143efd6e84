"""One session of the demo agent: its mode, options, and what of it goes to disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sereno.core.providers.demo.stage import TurnFailed

__all__ = ["MODES", "Session", "config_options"]

MODES: list[dict[str, str]] = [
    {"id": "ask", "name": "Ask first", "description": "Asks before it changes or runs anything"},
    {"id": "accept-edits", "name": "Accept edits", "description": "Asks for commands only"},
    {"id": "plan", "name": "Plan", "description": "Changes nothing"},
]
MODELS = {"demo-1": "Demo 1", "demo-2": "Demo 2 (says the same)"}
COMMANDS = {
    "help": ("What the demo agent understands", None),
    "show": ("Headings, a list, code, a table", None),
    "run": ("Run a command, after asking", "command"),
    "edit": ("Add a line to a file, after asking", "file"),
    "plan": ("Make a plan and follow it", "goal"),
    "stream": ("Stream numbered lines", "5000 every 1ms"),
}
_TEXT = frozenset({"user_message_chunk", "agent_message_chunk", "agent_thought_chunk"})
_KEPT = _TEXT | {"tool_call", "tool_call_update", "plan"}


class Session:
    """Mutable; owned by the agent."""

    def __init__(self, session_id: str, cwd: Path) -> None:
        self.id = session_id
        self.cwd = cwd
        self.mode = "ask"
        self.options = {"model": "demo-1", "effort": "low"}
        self.always: set[str] = set()
        self.introduced = False
        self.heard = self.said = 0
        self._history: list[dict[str, Any]] = []
        self._open_entry: dict[str, Any] | None = None
        self._open_text: list[str] = []

    def begin_turn(self, text: str) -> None:
        self.heard += len(text)
        content = {"type": "text", "text": text}
        self._history.append({"sessionUpdate": "user_message_chunk", "content": content})

    def remember(self, update: dict[str, Any]) -> None:
        """Keeps what a later session/load must replay, pieces of text joined."""
        kind = update["sessionUpdate"]
        if kind not in _KEPT:
            return
        if kind not in _TEXT:
            self._history.append(update)
            return
        text = update["content"]["text"]
        self.said += len(text)
        entry = self._open_entry
        if entry is None or entry is not self._history[-1] or entry["sessionUpdate"] != kind:
            self._close_text()
            content = {"type": "text", "text": ""}
            self._open_entry = {"sessionUpdate": kind, "content": content}
            self._history.append(self._open_entry)
        self._open_text.append(text)

    def _close_text(self) -> None:
        # Pieces are joined once, at the end: joining at each piece would be quadratic.
        if self._open_entry is not None:
            self._open_entry["content"]["text"] = "".join(self._open_text)
        self._open_entry = None
        self._open_text.clear()

    def take_history(self) -> list[dict[str, Any]]:
        """What is not on the disk yet."""
        self._close_text()
        history, self._history = self._history, []
        return history

    def usage(self) -> int:
        return (self.heard + self.said) // 4

    def describe(self) -> dict[str, Any]:
        """What session/new and session/load answer beside the id."""
        return {
            "modes": {"currentModeId": self.mode, "availableModes": MODES},
            "configOptions": config_options(self.options),
        }

    def commands(self) -> dict[str, Any]:
        return {
            "sessionUpdate": "available_commands_update",
            "availableCommands": [
                {"name": name, "description": words, "input": {"hint": hint} if hint else None}
                for name, (words, hint) in COMMANDS.items()
            ],
        }

    def set_option(self, params: dict[str, Any]) -> dict[str, Any]:
        option, value = params.get("configId"), params.get("value")
        for known in config_options(self.options):
            if known["id"] == option and value in {each["value"] for each in known["options"]}:
                self.options[known["id"]] = str(value)
                return {"configOptions": config_options(self.options)}
        raise TurnFailed(f"Invalid params: {option} cannot be {value}", -32602)


def config_options(current: dict[str, str]) -> list[dict[str, Any]]:
    """The options of a session in the protocol's form."""
    models = [{"value": key, "name": name} for key, name in MODELS.items()]
    efforts = [{"value": key, "name": key.title()} for key in ("low", "high")]
    return [
        {
            "id": "model",
            "name": "Model",
            "category": "model",
            "type": "select",
            "currentValue": current["model"],
            "options": models,
        },
        {
            "id": "effort",
            "name": "Effort",
            "category": "thought_level",
            "type": "select",
            "currentValue": current["effort"],
            "options": efforts,
        },
    ]
