"""The program's lines, both ways: what came in as dictionaries, what goes out as bytes.

Framing and half lines are jsonrpc's; the envelope is Claude Code's own (control_request and
control_response). What comes most often, pieces of text, is decoded typed: several times cheaper.
Nothing here raises for what the program says.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sereno.core.providers.claude.state import Core
from sereno.core.providers.jsonrpc import Call, Junk, Peer, decoded

__all__ = ["Channel", "Piece", "TextPiece", "answered", "refused", "user_message"]

_encode = msgspec.json.Encoder().encode


class TextPiece(msgspec.Struct, tag_field="type", tag="text_delta"):
    text: str


class ThoughtPiece(msgspec.Struct, tag_field="type", tag="thinking_delta"):
    thinking: str


class _Delta(msgspec.Struct):
    type: Literal["content_block_delta"]
    delta: TextPiece | ThoughtPiece


class Piece(msgspec.Struct):
    """A piece of the text of the main conversation, or of one of its sub-agents."""

    type: Literal["stream_event"]
    event: _Delta
    parent_tool_use_id: str | None = None


_decode_piece = msgspec.json.Decoder(Piece).decode


class Channel:
    """Both directions of one run."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._peer = Peer(core.state.peer)

    def read(self, data: bytes) -> list[Piece | dict[str, Any] | Junk]:
        """What `data` completes, in order."""
        found: list[Piece | dict[str, Any] | Junk] = []
        for line in self._peer.lines(data):
            message = line if isinstance(line, Junk) else _message(line)
            if message is not None:
                found.append(message)
        self._keep()
        return found

    def finish(self) -> list[Junk]:
        rest = self._peer.finish()
        self._keep()
        return rest

    def request(self, subtype: str, context: str = "", **fields: Any) -> bytes:
        """A control request; its reply comes back with the same `context`."""
        peer = self._core.state.peer
        number = peer.next_id
        peer.next_id = number + 1
        peer.calls[number] = Call(subtype, context)
        self._core.touch()
        request_id = f"sereno-{number}"
        request = {"subtype": subtype, **fields}
        return _line({"type": "control_request", "request_id": request_id, "request": request})

    def reply(self, response: dict[str, Any]) -> Call | None:
        """The request of ours that `response` answers."""
        request_id = response.get("request_id")
        if not isinstance(request_id, str) or not request_id.startswith("sereno-"):
            return None
        number = request_id.removeprefix("sereno-")
        if not (number.isascii() and number.isdecimal() and len(number) < 16):
            return None
        call = self._core.state.peer.calls.pop(int(number), None)
        if call is not None:
            self._core.touch()
        return call

    def waiting(self, subtype: str) -> bool:
        """Whether a request of this kind has no reply yet."""
        return self._peer.waiting(subtype)

    def _keep(self) -> None:
        if self._peer.version:
            self._peer.version = 0
            self._core.touch()


def user_message(content: Any, session_id: str, uuid: str) -> bytes:
    """A prompt. `uuid` comes back in `user_message_uuids` of the result that ends its turn."""
    message = {"role": "user", "content": content}
    return _line(
        {
            "type": "user",
            "message": message,
            "parent_tool_use_id": None,
            "session_id": session_id,
            "uuid": uuid,
        }
    )


def answered(request_id: str, response: dict[str, Any]) -> bytes:
    """Our answer to a request of the program."""
    inner = {"subtype": "success", "request_id": request_id, "response": response}
    return _line({"type": "control_response", "response": inner})


def refused(request_id: str, error: str) -> bytes:
    """A request of the program that we cannot serve."""
    inner = {"subtype": "error", "request_id": request_id, "error": error}
    return _line({"type": "control_response", "response": inner})


def _message(line: bytes) -> Piece | dict[str, Any] | Junk | None:
    if b'_delta"' in line[:120]:
        try:
            return _decode_piece(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # the general way forgives everything
    head = line.lstrip()[:1]
    if not head:
        return None
    if head != b"{":
        return Junk(_head(line), "not JSON")
    message = decoded(line)
    if isinstance(message, dict | Junk):
        return message
    return Junk(_head(line), "JSON, but no message")


def _head(line: bytes) -> str:
    return line[:200].decode("utf-8", "replace")


def _line(message: dict[str, Any]) -> bytes:
    return _encode(message) + b"\n"
