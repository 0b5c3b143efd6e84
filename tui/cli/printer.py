"""Prints timeline items as text, each once: answers as they stream, tool calls as one line.

The command line's second wall: every piece of agent text goes through a sanitiser that keeps its
state over the chunks of one message (T40). Not here: where items come from (follow.py).
"""

from __future__ import annotations

from collections.abc import Callable

from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    ErrorItem,
    Reasoning,
    TimelineItem,
    Todo,
    ToolCall,
    UserMessage,
)
from sereno.core.security.sanitise import Sanitiser
from sereno.tui.cli.text import clean, clean_line
from sereno.tui.cli.toolwords import is_bare, tool_words

KINDS = ("answers", "prompts", "thoughts", "tools", "plans", "errors")
Write = Callable[[str], object]


def kind_of(item: TimelineItem) -> str:
    """Under which word of `--filter` an item falls."""
    match item:
        case AssistantMessage():
            return "answers"
        case UserMessage():
            return "prompts"
        case Reasoning():
            return "thoughts"
        case ToolCall():
            return "tools"
        case Todo():
            return "plans"
        case ErrorItem() | Compaction():
            return "errors"


class Printer:
    """Text goes to `answer`, everything else to `aside`; both take text with its line ends.

    For `logs` both are stdout; for `run` the answer alone is on stdout, so that it can be piped.
    """

    def __init__(
        self, answer: Write, aside: Write, kinds: frozenset[str] = frozenset(KINDS)
    ) -> None:
        self._answer = answer
        self._aside = aside
        self._kinds = kinds
        self._open: str | None = None
        self._line_begun = False
        self._sanitiser = Sanitiser()
        self._tools: dict[str, str] = {}
        self._bare: dict[str, ToolCall] = {}
        """Calls that began without their arguments: their line waits for the row that has them."""

    def item(self, item: TimelineItem) -> None:
        """One row, or one projected entry; chunks of a message are joined."""
        kind = kind_of(item)
        if kind not in self._kinds:
            return
        match item:
            case AssistantMessage():
                self._stream(kind, item.text, self._answer, "")
            case Reasoning():
                self._stream(kind, item.text, self._aside, "  ")
            case UserMessage():
                self._block("> ", clean(item.text))
            case ToolCall():
                self._tool(item)
            case Todo():
                marks = [f"[{'x' if todo.completed else ' '}] {todo.text}" for todo in item.items]
                self._block("  ", "\n".join(clean_line(mark) for mark in marks))
            case ErrorItem():
                self._block("! ", clean(item.message))
            case Compaction():
                self._block("! ", f"context compacted ({item.status})")

    def note(self, text: str) -> None:
        """A line of ours, beside the timeline."""
        self._block("", text)

    def end(self) -> None:
        """Close the line that is open, so that whatever follows begins on its own."""
        if self._open is not None and self._line_begun:
            (self._answer if self._open == "answers" else self._aside)("\n")
        self._open, self._line_begun = None, False
        self._sanitiser = Sanitiser()

    def finish(self) -> None:
        """Nothing more comes: what waited for its arguments is named without them."""
        for item in self._bare.values():
            self._block("* ", tool_words(item)[0])
        self._bare.clear()
        self.end()

    def _stream(self, kind: str, text: str, write: Write, indent: str) -> None:
        if self._open != kind:
            self.end()
            self._open = kind
        text = self._sanitiser.feed(text)
        if not text:
            return
        if indent:
            body = text.replace("\n", "\n" + indent)
            text = body if self._line_begun else indent + body
            if text.endswith("\n" + indent):
                text = text[: -len(indent)]
        write(text)
        self._line_begun = not text.endswith("\n")

    def _block(self, mark: str, text: str) -> None:
        self.end()
        first, *rest = text.rstrip("\n").split("\n")
        lines = [mark + first, *(" " * len(mark) + line for line in rest)]
        self._aside("\n".join(line.rstrip() for line in lines) + "\n")

    def _tool(self, item: ToolCall) -> None:
        """One line when it begins, one when it ends; both at once where only the end is known."""
        before = self._tools.get(item.call_id)
        if before is None and is_bare(item):
            self._bare[item.call_id] = item
            return
        self._bare.pop(item.call_id, None)
        if before == item.status:
            return
        self._tools[item.call_id] = item.status
        begun, ended = tool_words(item)
        if before is None:
            self._block("* ", begun)
        if ended:
            self._block("  ", ended)
