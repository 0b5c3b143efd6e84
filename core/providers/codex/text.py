"""The agent's words and thoughts as they stream: deltas of Codex into chunks of the timeline.

Holds the sanitiser of the text that is being streamed. A message that came in pieces is not told
again when it is complete; one that did not is told then.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import AssistantMessage, Reasoning
from sereno.core.providers.codex.state import Core
from sereno.core.providers.codex.values import as_int, as_text, as_texts
from sereno.core.providers.effects import Effect, Item
from sereno.core.security.sanitise import Sanitiser

__all__ = ["Text"]

ASSISTANT, REASONING = "message", "thought"
STREAMED_KEPT = 8


class Text:
    """Streams for one driver."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sanitiser = Sanitiser(core.state.sanitiser)

    def message_delta(self, params: dict[str, Any]) -> list[Effect]:
        """`item/agentMessage/delta`. A review's own words are data for Codex, not for people."""
        if self._core.state.reviewing:
            return []
        return self._piece(ASSISTANT, as_text(params.get("itemId")), 0, params.get("delta"))

    def thought_delta(self, params: dict[str, Any], raw: bool) -> list[Effect]:
        """A piece of a summary, or with `raw` of the reasoning itself; one of both is shown."""
        item = as_text(params.get("itemId"))
        index = as_int(params.get("contentIndex" if raw else "summaryIndex")) or 0
        state = self._core.state
        if raw and f"{item}/summary" in state.streamed:
            return []
        mark = f"{item}/raw" if raw else f"{item}/summary"
        if not raw and f"{item}/raw" in state.streamed:
            return []
        return self._piece(REASONING, item, index, params.get("delta"), mark)

    def completed(self, item: dict[str, Any]) -> list[Effect]:
        """The whole of an `agentMessage` or `reasoning` item, where it did not stream."""
        state, item_id = self._core.state, as_text(item.get("id"))
        marks = (item_id, f"{item_id}/summary", f"{item_id}/raw")
        if any(mark in state.streamed for mark in marks):
            return []
        if item.get("type") == "agentMessage":
            if state.reviewing:
                return []
            return self._piece(ASSISTANT, item_id, 0, item.get("text"))
        parts = as_texts(item.get("summary")) or as_texts(item.get("content"))
        return self._piece(REASONING, item_id, 0, "\n\n".join(part for part in parts if part))

    def end(self) -> None:
        """What comes next is no continuation of the text before."""
        state = self._core.state
        if state.text_kind:
            state.text_kind = state.text_item = ""
            self._forget_sequence()

    def _forget_sequence(self) -> None:
        self._sanitiser.reset()
        self._core.state.sanitiser = self._sanitiser.state
        self._core.touch()

    def _piece(
        self, kind: str, item: str, part: int, text: Any, mark: str | None = None
    ) -> list[Effect]:
        if not isinstance(text, str) or not text:
            return []
        state, separator = self._core.state, ""
        if (state.text_kind, state.text_item, state.part) != (kind, item, part):
            if state.text_kind == kind:
                separator = "\n\n"  # two messages in a row: they would run into each other
            self._forget_sequence()
            text = text.lstrip("\n")
            if not text:
                return []
            state.text_kind, state.text_item, state.part = kind, item, part
            if (mark or item) not in state.streamed:
                state.streamed = [*state.streamed, mark or item][-STREAMED_KEPT:]
        clean = self._sanitiser.feed(text, self._core.line_clean)
        if self._sanitiser.state != state.sanitiser:
            state.sanitiser = self._sanitiser.state
            self._core.touch()
        if not clean:
            return []
        words = separator + clean if separator else clean
        chunk = AssistantMessage(text=words) if kind == ASSISTANT else Reasoning(text=words)
        return [Item(chunk, True)]
