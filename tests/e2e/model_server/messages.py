"""Anthropic Messages: requests read, answers as server-sent events or whole. Pure.

`messages` may hold entries of role `system` between the turns; they count for nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.e2e.model_server.ask import JSON_CHUNK, TEXT_CHUNK, Ask, pieces
from tests.e2e.model_server.directive import due
from tests.e2e.model_server.tools import concrete_call

__all__ = ["COUNT_PATH", "PATH", "answer_body", "answer_frames", "error_body", "read_request"]

PATH = "/v1/messages"
COUNT_PATH = "/v1/messages/count_tokens"
INPUT_USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 1,
    "service_tier": "standard",
}
OUTPUT_TOKENS = 12
SIGNATURE = "ZmFrZQ=="
FAILURES = {
    400: "invalid_request_error",
    401: "authentication_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def read_request(body: dict[str, Any]) -> Ask:
    """What a request body asks for."""
    messages = body.get("messages", [])
    found = due([(message.get("role", ""), _text(message)) for message in messages])
    parts = [part for message in messages for part in _parts(message)]
    return Ask(
        body.get("model", ""),
        tuple(tool["name"] for tool in body.get("tools") or []),
        found[0] if found else None,
        found[1] if found else 0,
        title='{"title": "fake title"}',
        stream=bool(body.get("stream", False)),
        images=sum(1 for part in parts if part.get("type") == "image"),
    )


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in _parts(message))


def answer_frames(ask: Ask, number: int) -> Iterator[bytes]:
    """The events of one answer; `number` makes its ids unique."""
    head = {**answer_body(ask, number), "content": [], "stop_reason": None}
    yield _event({"type": "message_start", "message": {**head, "usage": INPUT_USAGE}})
    for index, block in enumerate(_blocks(ask, number)):
        yield from _block_frames(index, block)
    delta = {"stop_reason": _stop_reason(ask), "stop_sequence": None}
    yield _event(
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": OUTPUT_TOKENS}}
    )
    yield _event({"type": "message_stop"})


def answer_body(ask: Ask, number: int) -> dict[str, Any]:
    """The whole answer, for a request that does not want it in pieces."""
    return {
        "id": f"msg_{number:04}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": _blocks(ask, number),
        "stop_reason": _stop_reason(ask),
        "stop_sequence": None,
        "usage": {**INPUT_USAGE, "output_tokens": OUTPUT_TOKENS},
    }


def error_body(status: int) -> dict[str, Any]:
    kind = FAILURES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": f"scripted failure {status}"}}


def _stop_reason(ask: Ask) -> str:
    return "tool_use" if ask.due_step().calls else "end_turn"


def _blocks(ask: Ask, number: int) -> list[dict[str, Any]]:
    step = ask.due_step()
    blocks: list[dict[str, Any]] = []
    if step.thinking:
        blocks.append({"type": "thinking", "thinking": step.thinking, "signature": SIGNATURE})
    if step.text:
        blocks.append({"type": "text", "text": step.text})
    for index, tool in enumerate(step.calls):
        name, arguments = concrete_call(tool, ask.offered)
        call_id = f"toolu_{number:04}_{index}"
        blocks.append({"type": "tool_use", "id": call_id, "name": name, "input": arguments})
    return blocks


def _block_frames(index: int, block: dict[str, Any]) -> Iterator[bytes]:
    empty: dict[str, Any]
    match block["type"]:
        case "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": piece}
                for piece in pieces(block["thinking"], TEXT_CHUNK)
            ]
            deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        case "text":
            empty = {"type": "text", "text": ""}
            texts = pieces(block["text"], TEXT_CHUNK)
            deltas = [{"type": "text_delta", "text": piece} for piece in texts]
        case _:
            empty = {**block, "input": {}}
            parts = pieces(json.dumps(block["input"]), JSON_CHUNK)
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in parts]
    yield _event({"type": "content_block_start", "index": index, "content_block": empty})
    yield _event({"type": "ping"})
    for delta in deltas:
        yield _event({"type": "content_block_delta", "index": index, "delta": delta})
    yield _event({"type": "content_block_stop", "index": index})


def _event(message: dict[str, Any]) -> bytes:
    kind = str(message["type"]).encode()
    return b"event: " + kind + b"\ndata: " + msgspec.json.encode(message) + b"\n\n"
