"""What comes most often, decoded at once: text chunks and pieces of tool calls.

The typed decoder is several times cheaper than looking into dictionaries; a line that does not fit
it exactly takes the general way (jsonrpc.py, updates.py), which forgives everything. Both ways give
the same pieces.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

__all__ = ["Hot", "TextChunk", "ThoughtChunk", "ToolPiece", "piece_of", "read_hot"]


class TextBlock(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class TextChunk(msgspec.Struct, tag_field="sessionUpdate", tag="agent_message_chunk"):
    content: TextBlock
    messageId: str | None = None


class ThoughtChunk(msgspec.Struct, tag_field="sessionUpdate", tag="agent_thought_chunk"):
    content: TextBlock
    messageId: str | None = None


_NAMES = {"raw_input": "rawInput", "raw_output": "rawOutput", "meta": "_meta"}


class ToolPiece(msgspec.Struct, rename={"call_id": "toolCallId", **_NAMES}):
    """A part of what is known of a tool call; None: not said here."""

    call_id: str
    title: str | None = None
    kind: str | None = None
    status: str | None = None
    name: str | None = None
    raw_input: Any = None
    raw_output: Any = None
    content: list[Any] | None = None
    locations: list[Any] | None = None
    meta: Any = None


class ToolStart(ToolPiece, tag_field="sessionUpdate", tag="tool_call"):
    pass


class ToolUpdate(ToolPiece, tag_field="sessionUpdate", tag="tool_call_update"):
    pass


class Hot(msgspec.Struct):
    """The parameters of a `session/update` of one of these kinds."""

    sessionId: str
    update: TextChunk | ThoughtChunk | ToolStart | ToolUpdate


class _Envelope(msgspec.Struct):
    method: Literal["session/update"]
    params: Hot


_decode = msgspec.json.Decoder(_Envelope).decode
_KINDS = re.compile(rb'"sessionUpdate":\s*"(?:agent_(?:message|thought)_chunk|tool_call)')


def read_hot(line: bytes) -> Hot | None:
    """The update of a line, or None if it is to take the general way."""
    if not _KINDS.search(line, 0, 400):
        return None
    try:
        return _decode(line).params
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def piece_of(update: dict[str, Any]) -> ToolPiece | None:
    """A piece from a dictionary in which anything may be wrong; None without an id."""
    call_id = update.get("toolCallId")
    if not isinstance(call_id, str) or not call_id:
        return None
    return ToolPiece(
        call_id,
        _text(update.get("title")),
        _text(update.get("kind")),
        _text(update.get("status")),
        _text(update.get("name")),
        update.get("rawInput"),
        update.get("rawOutput"),
        _list(update.get("content")),
        _list(update.get("locations")),
        update.get("_meta"),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None
