"""Timeline items and the page in which they are fetched (wire reference sections 6.3 and 6.7).

Not here: how rows are numbered, merged or stored (core/agents, core/store).
"""

from typing import Any, Literal

from sereno.core.protocol.tools import ToolDetail
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AssistantMessage",
    "Collapsed",
    "Compaction",
    "Cursor",
    "Direction",
    "Entry",
    "ErrorItem",
    "Projection",
    "Reasoning",
    "SeqRange",
    "TimelineItem",
    "Todo",
    "TodoItem",
    "ToolCall",
    "ToolStatus",
    "UserMessage",
    "Window",
]

ToolStatus = Literal["running", "completed", "failed", "canceled"]
Direction = Literal["tail", "before", "after"]
Projection = Literal["projected", "canonical"]
Collapsed = Literal["assistant_merge", "reasoning_merge", "tool_lifecycle"]


class UserMessage(Wire, tag_field="type", tag="user_message"):
    text: str
    message_id: str | UnsetType = UNSET


class AssistantMessage(Wire, tag_field="type", tag="assistant_message"):
    """A chunk, to be appended to the one before while it streams."""

    text: str


class Reasoning(Wire, tag_field="type", tag="reasoning"):
    """A chunk, like AssistantMessage."""

    text: str


class ToolCall(Wire, tag_field="type", tag="tool_call", forbid_unknown_fields=True):
    """One state of a tool call; later ones with the same call id replace it.

    `error` is always sent: None unless `failed`, then any JSON value but null. Where a person's no
    is why it did not run, `metadata["sereno"]["denied"]` is {"by": who, "words": their reason}.
    """

    call_id: str
    name: str
    detail: ToolDetail
    status: ToolStatus
    error: Any = None
    metadata: dict[str, Any] | UnsetType = UNSET


class TodoItem(Wire):
    text: str
    completed: bool


class Todo(Wire, tag_field="type", tag="todo"):
    """The whole list; replaces the one before."""

    items: list[TodoItem]


class ErrorItem(Wire, tag_field="type", tag="error"):
    message: str


class Compaction(Wire, tag_field="type", tag="compaction"):
    status: Literal["loading", "completed"]
    trigger: Literal["auto", "manual"] | UnsetType = UNSET
    pre_tokens: float | UnsetType = UNSET


TimelineItem = UserMessage | AssistantMessage | Reasoning | ToolCall | Todo | ErrorItem | Compaction


class Cursor(Wire):
    epoch: str
    seq: int


class SeqRange(Wire):
    start_seq: int
    end_seq: int


class Window(Wire):
    """Extent of the stored rows; an empty timeline is 0, 0, 1."""

    min_seq: int
    max_seq: int
    next_seq: int


class Entry(Wire):
    """One row, or several that a projection joined."""

    provider: str
    item: TimelineItem
    timestamp: str
    seq_start: int
    seq_end: int
    source_seq_ranges: list[SeqRange]
    collapsed: list[Collapsed]
