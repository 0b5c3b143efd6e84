"""What the model says: pieces of text and reasoning as they stream, and whole messages.

A block that has streamed is not said again when its whole arrives; one that never streamed (the
output of a slash command, an answer without streaming) is. Not here: what a turn is (turns.py).
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import AssistantMessage, Reasoning
from sereno.core.providers.claude.calls import know, sub_agent_said
from sereno.core.providers.claude.lines import Piece, TextPiece
from sereno.core.providers.claude.state import Core
from sereno.core.providers.claude.usage import context_seen
from sereno.core.providers.claude.values import listed, record, text
from sereno.core.providers.effects import Effect, Item
from sereno.core.security.sanitise import Sanitiser

__all__ = ["Talk"]

SPEECH, THOUGHT = "text", "thinking"


class Talk:
    """Reads streamed and whole messages; holds the sanitiser of the text that is being streamed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sanitiser = Sanitiser(core.state.sanitiser)

    def piece(self, piece: Piece) -> list[Effect]:
        """A piece of text. Those of sub-agents are not streamed: their whole text is taken."""
        if piece.parent_tool_use_id:
            return []
        delta = piece.event.delta
        if isinstance(delta, TextPiece):
            return self._streamed(SPEECH, delta.text)
        return self._streamed(THOUGHT, delta.thinking)

    def event(self, message: dict[str, Any]) -> list[Effect]:
        """A stream_event that is no piece of text."""
        if message.get("parent_tool_use_id"):
            return []
        event, state = record(message.get("event")), self._core.state
        match event.get("type"):
            case "message_start":
                begun = record(event.get("message"))
                state.message_id, state.streamed = text(begun.get("id")), ""
                self._core.touch()
                return context_seen(self._core, record(begun.get("usage")))
            case "content_block_start" if state.streamed:
                state.streamed = ""
                self._core.touch()
            case "content_block_delta":  # damaged, or of a shape that the fast way does not take
                delta = record(event.get("delta"))
                kind = {"text_delta": SPEECH, "thinking_delta": THOUGHT}.get(
                    text(delta.get("type"))
                )
                if kind is not None:
                    return self._streamed(kind, text(delta.get(kind)))
            case "message_delta":
                return context_seen(self._core, record(event.get("usage")), grown=True)
        return []

    def assistant(self, message: dict[str, Any]) -> list[Effect]:
        """A whole message; the program sends one for each block, while it still streams."""
        inner = record(message.get("message"))
        parent = text(message.get("parent_tool_use_id"))
        if message.get("is_api_error_message") is True or text(message.get("error")):
            self._core.state.error_kind = text(message.get("error"))
            self._core.touch()
            return []  # the result of the turn says it again, as its failure
        effects: list[Effect] = []
        content = inner.get("content")
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        for block in listed(content):
            effects += self._block(block, text(inner.get("id")), parent)
        return effects

    def _block(self, block: dict[str, Any], message_id: str, parent: str) -> list[Effect]:
        kind, state = block.get("type"), self._core.state
        if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            if not parent:
                self.end()
            return know(self._core, block, parent)
        if kind not in (SPEECH, THOUGHT):
            return []
        words = text(block.get(kind))
        if parent:
            return sub_agent_said(self._core, parent, words) if kind == SPEECH else []
        if message_id == state.message_id and state.streamed == kind:
            return []
        self.pause()
        effects = self._say(kind, words)
        self.pause()
        return effects

    def end(self) -> None:
        """What comes next is no continuation of the text before."""
        state = self._core.state
        if state.text_kind or state.streamed:
            state.text_kind = state.streamed = ""
            self._forget_sequence()

    def pause(self) -> None:
        """Like `end`, but nothing need stand between this and what comes next, as where the program
        begins a turn by itself: the timeline would join both in one paragraph.
        """
        state = self._core.state
        kind = state.text_kind.removesuffix(" again")
        self.end()
        if kind:
            state.text_kind = f"{kind} again"
            self._core.touch()

    def _forget_sequence(self) -> None:
        self._sanitiser.reset()
        self._core.state.sanitiser = self._sanitiser.state
        self._core.touch()

    def _streamed(self, kind: str, words: str) -> list[Effect]:
        state = self._core.state
        if state.streamed != kind:
            state.streamed = kind
            if state.text_kind == kind:
                state.text_kind = f"{kind} again"  # two blocks in a row would run into each other
            self._core.touch()
        return self._say(kind, words)

    def _say(self, kind: str, words: str) -> list[Effect]:
        if not words:
            return []
        state, separator = self._core.state, ""
        if state.text_kind != kind:
            separator = "\n\n" if state.text_kind == f"{kind} again" else ""
            self._forget_sequence()
            words = words.lstrip("\n")
            if not words:
                return []
            state.text_kind = kind
            if kind == SPEECH:
                state.spoken = True
        clean = self._sanitiser.feed(words)
        if self._sanitiser.state != state.sanitiser:
            state.sanitiser = self._sanitiser.state
            self._core.touch()
        if not clean:
            return []
        item = (
            AssistantMessage(text=separator + clean)
            if kind == SPEECH
            else Reasoning(text=separator + clean)
        )
        return [Item(item, True)]
