"""OpenAI chat completions: requests read, answers as server-sent events. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.e2e.model_server.ask import JSON_CHUNK, TEXT_CHUNK, Ask, kind_of_failure, pieces
from tests.e2e.model_server.directive import due
from tests.e2e.model_server.tools import concrete_call

__all__ = ["PATH", "answer_frames", "error_body", "read_request"]

PATH = "/v1/chat/completions"
USAGE = {"prompt_tokens": 10, "completion_tokens": 12, "total_tokens": 22}


def read_request(body: dict[str, Any]) -> Ask:
    """What a request body asks for."""
    messages = body.get("messages", [])
    texts = [(message.get("role", ""), _text(message)) for message in messages]
    found = due(texts)
    parts = [part for message in messages for part in _parts(message)]
    return Ask(
        body.get("model", ""),
        tuple(
            tool.get("function", tool.get("custom", tool)).get("name", "")
            for tool in body.get("tools") or []
        ),
        found[0] if found else None,
        found[1] if found else 0,
        images=sum(1 for part in parts if part.get("type") == "image_url"),
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
    step = ask.due_step()
    yield _chunk(ask, number, {"role": "assistant", "content": ""})
    for piece in pieces(step.thinking, TEXT_CHUNK):
        yield _chunk(ask, number, {"reasoning_content": piece})
    for piece in pieces(step.text, TEXT_CHUNK):
        yield _chunk(ask, number, {"content": piece})
    for index, tool in enumerate(step.calls):
        name, arguments = concrete_call(tool, ask.offered)
        function: dict[str, str] = {"name": name, "arguments": ""}
        call: dict[str, Any] = {"index": index, "id": f"call_{number}_{index}"}
        call |= {"type": "function", "function": function}
        yield _chunk(ask, number, {"tool_calls": [call]})
        for piece in pieces(json.dumps(arguments), JSON_CHUNK):
            part = {"index": index, "function": {"arguments": piece}}
            yield _chunk(ask, number, {"tool_calls": [part]})
    yield _chunk(ask, number, {}, "tool_calls" if step.calls else "stop")
    yield _event({**_head(ask, number), "choices": [], "usage": USAGE})
    yield b"data: [DONE]\n\n"


def error_body(status: int) -> dict[str, Any]:
    kind = kind_of_failure(status)
    return {"error": {"message": f"scripted failure {status}", "type": kind, "code": kind}}


def _head(ask: Ask, number: int) -> dict[str, Any]:
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk"}
    return {**head, "created": 1, "model": ask.model}


def _chunk(ask: Ask, number: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _event({**_head(ask, number), "choices": [choice]})


def _event(message: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(message) + b"\n\n"
