"""`session/update` notifications into effects: text, tool calls, plans, usage, commands, titles.

The path of every delta: text that needs no care costs a dictionary lookup, one regular expression
and no change of the state. Unknown kinds become diagnostics.
"""

from __future__ import annotations

import re
from typing import Any

from sereno.core.protocol.agents import Command, Usage
from sereno.core.protocol.timeline import AssistantMessage, Reasoning, Todo, TodoItem
from sereno.core.providers.acp.calls import emit_call, forget_finished, merge_call
from sereno.core.providers.acp.content import block_text
from sereno.core.providers.acp.details import shrink
from sereno.core.providers.acp.options import changes, read_options
from sereno.core.providers.acp.permissions import check_changed
from sereno.core.providers.acp.pieces import Hot, TextChunk, ThoughtChunk, ToolPiece, piece_of
from sereno.core.providers.acp.state import Core
from sereno.core.providers.common.core import READY
from sereno.core.providers.common.spending import told
from sereno.core.providers.effects import Changed, Effect, Item
from sereno.core.security.sanitise import Sanitiser, sanitise, sanitise_line

__all__ = ["Updates", "usage_now"]

ASSISTANT, REASONING = "agent_message_chunk", "agent_thought_chunk"
_HISTORY = frozenset(
    {ASSISTANT, REASONING, "user_message_chunk", "tool_call", "tool_call_update", "plan"}
)
_GEMINI_MODE = "[MODE_UPDATE] "
COPILOT = "Copilot"
_COPILOT_SAYS = re.compile(
    r"Error: (?:Failed to get response|Authentication failed)"
    r"|Info: (?:Response was interrupted|Request failed|Operation cancelled)"
)
_TODO_TOOL = "todowrite"
"""OpenCode's list of tasks: a tool, where others send a plan."""
_UNDER_WAY = ("pending", "in_progress")


class Updates:
    """Reads updates for one driver; holds the sanitiser of the text that is being streamed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sanitiser = Sanitiser(core.state.sanitiser)

    def read_hot(self, hot: Hot) -> list[Effect]:
        """The effects of an update of the most frequent kinds."""
        state, update = self._core.state, hot.update
        if state.session_id and hot.sessionId != state.session_id:
            return self._other_session(hot.sessionId)
        if state.replaying:
            return []  # it is in our timeline since it happened
        match update:
            case TextChunk():
                return self._text(ASSISTANT, update.content.text, update.messageId or "")
            case ThoughtChunk():
                return self._text(REASONING, update.content.text, update.messageId or "")
            case _:
                return self._call(update)

    def _other_session(self, session_id: Any) -> list[Effect]:
        return self._core.noted("debug", f"An update of another session: {session_id!r}")

    def read(self, params: dict[str, Any]) -> list[Effect]:
        """The effects of one update."""
        update, state = params.get("update"), self._core.state
        if not isinstance(update, dict):
            return self._core.noted("warning", "An update without content was ignored")
        session_id = params.get("sessionId")
        if state.session_id and session_id != state.session_id:
            return self._other_session(session_id)
        kind = update.get("sessionUpdate")
        if state.replaying and kind in _HISTORY:
            return []  # it is in our timeline since it happened
        match kind:
            case "agent_message_chunk" | "agent_thought_chunk":
                message_id = update.get("messageId")
                message_id = message_id if isinstance(message_id, str) else ""
                return self._text(kind, block_text(update.get("content")), message_id)
            case "tool_call" | "tool_call_update":
                piece = piece_of(update)
                if piece is None:
                    return self._core.noted("warning", "A tool call without an id was ignored")
                return self._call(piece)
            case "plan":
                return self._plan(update)
            case "usage_update":
                return self._usage(update)
            case "available_commands_update":
                return self._commands(update)
            case "current_mode_update":
                mode = update.get("currentModeId")
                return changes(self._core, {"mode_id": mode}) if isinstance(mode, str) else []
            case "config_option_update":
                return changes(self._core, read_options(self._core, update))
            case "session_info_update":
                return self._info(update)
            case "user_message_chunk":
                return []  # an echo; the timeline has the person's words from the person
            case _:
                return self._core.noted("debug", f"An update of unknown kind: {kind!r}")

    def end_text(self) -> None:
        """What comes next is no continuation of the text before."""
        state = self._core.state
        if state.text_kind:
            state.text_kind = state.message_id = ""
            self._forget_sequence()

    def _forget_sequence(self) -> None:
        self._sanitiser.reset()
        self._core.state.sanitiser = self._sanitiser.state
        self._core.touch()

    def _text(self, kind: str, text: str, message_id: str) -> list[Effect]:
        if not text:
            return []
        if kind == ASSISTANT and text.startswith(_GEMINI_MODE):
            return changes(self._core, {"mode_id": text.removeprefix(_GEMINI_MODE).strip()})
        state = self._core.state
        if state.program == COPILOT and _COPILOT_SAYS.match(text):
            # Words of the program, not of the model: an error of the model, or that it tries again.
            state.broken = text.startswith("Error")
            message_id = "copilot" if state.message_id != "copilot" else "copilot again"
            self._core.touch()
        separator = ""
        if state.text_kind != kind or state.message_id != message_id:
            if state.text_kind == kind:
                separator = "\n\n"  # two messages in a row: they would run into each other
            self._forget_sequence()
            text = text.lstrip("\n")
            if not text:
                return []
            state.text_kind, state.message_id = kind, message_id
        clean = self._sanitiser.feed(text, self._core.line_clean)
        if self._sanitiser.state != state.sanitiser:
            state.sanitiser = self._sanitiser.state
            self._core.touch()
        if state.broken and kind == ASSISTANT:
            state.last_text = text[:2_000]
            self._core.touch()
        if not clean:
            return []
        words = separator + clean if separator else clean
        item = AssistantMessage(text=words) if kind == ASSISTANT else Reasoning(text=words)
        return [Item(item, True)]

    def _call(self, piece: ToolPiece) -> list[Effect]:
        record = merge_call(self._core, piece)
        self.end_text()
        todos = record.raw_input.get("todos")
        if record.name == _TODO_TOOL and isinstance(todos, list) and record.status != "failed":
            effects = self._plan({"entries": todos})
        elif record.name == _TODO_TOOL and record.status in _UNDER_WAY:
            effects = []  # its list comes with a later piece; shown now, it would never end
        else:
            effects = emit_call(self._core, record)
        if self._core.state.requests:
            effects += check_changed(self._core, record, piece)
        shrink(record)
        forget_finished(self._core, record)
        return effects

    def _plan(self, update: dict[str, Any]) -> list[Effect]:
        entries = update.get("entries")
        items = [
            TodoItem(
                text=sanitise_line(str(entry.get("content", ""))),
                completed=entry.get("status") == "completed",
            )
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict)
        ]
        if not self._core.new_sum("plan", items):
            return []
        self.end_text()
        return [Item(Todo(items=items))]

    def _usage(self, update: dict[str, Any]) -> list[Effect]:
        usage, spent = self._core.state.usage, self._core.state.spent
        before = (usage.context_used, usage.context_size, spent.cost, spent.run_cost)
        usage.context_used = _number(update.get("used"), usage.context_used)
        usage.context_size = _number(update.get("size"), usage.context_size)
        cost = update.get("cost")
        if isinstance(cost, dict) and cost.get("currency") == "USD":
            amount = _number(cost.get("amount"), None)
            if amount is not None:
                spent.session_cost_told(amount)
        if before == (usage.context_used, usage.context_size, spent.cost, spent.run_cost):
            return []
        self._core.touch()
        return [Changed(usage=usage_now(self._core))]

    def _commands(self, update: dict[str, Any]) -> list[Effect]:
        listed = update.get("availableCommands")
        commands = tuple(
            Command(
                name=sanitise_line(entry["name"], 80),
                description=sanitise(str(entry.get("description") or "")[:1_000]),
                argument_hint=_hint(entry.get("input")),
            )
            for entry in (listed if isinstance(listed, list) else [])
            if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        )
        if not self._core.new_sum("commands", commands):
            return []
        if self._core.state.phase != READY:
            self._core.state.commands = commands
        return [Changed(commands=commands)]

    def _info(self, update: dict[str, Any]) -> list[Effect]:
        state, meta = self._core.state, update.get("_meta")
        codex = meta.get("codex") if isinstance(meta, dict) else None
        status = codex.get("threadStatus") if isinstance(codex, dict) else None
        if isinstance(status, dict) and status.get("type") == "systemError":
            # codex-acp reports a failed model as plain text and an ordinary end of the turn.
            state.broken = True
            self._core.touch()
        title = update.get("title")
        if not isinstance(title, str) or not title.strip():
            return []
        title = sanitise_line(title, 120)
        return [Changed(title=title)] if self._core.new_sum("title", title) else []


def usage_now(core: Core, tokens: dict[str, Any] | None = None) -> Usage:
    """The wire's usage. `tokens`: of a turn that has ended, in the words of some program."""
    state = core.state
    if tokens:
        said = [_first(tokens, *names) for names in _COUNTS]
        if state.program in _TOTALS:
            said, state.totals = _since(state.totals, said), said
        state.spent.add(*said)
        core.touch()
    return told(state.spent, state.usage.context_used, state.usage.context_size)


_COUNTS = (
    ("inputTokens", "input_tokens"),
    ("cachedReadTokens", "cachedInputTokens"),
    ("outputTokens", "output_tokens"),
)
_TOTALS = frozenset({COPILOT})
"""Programs that say with each turn what the whole session has taken."""


def _since(before: list[float | None], now: list[float | None]) -> list[float | None]:
    """What came on top; a count that fell began anew."""
    pairs = zip(before or [None] * len(now), now, strict=True)
    return [new - old if old and new is not None and new >= old else new for old, new in pairs]


def _first(tokens: dict[str, Any], *keys: str) -> float | None:
    return next((n for key in keys if (n := _number(tokens.get(key), None)) is not None), None)


def _number(value: Any, otherwise: float | None) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return otherwise


def _hint(value: Any) -> str:
    hint = value.get("hint") if isinstance(value, dict) else None
    return sanitise_line(hint, 120) if isinstance(hint, str) else ""
