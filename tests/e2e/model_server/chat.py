"""OpenAI chat completions: requests read, answers as server-sent events. Pure.

A request without tools is a side call (title, summary): it gets a short text and uses no step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.e2e.model_server.directive import Directive, Step, due
from tests.e2e.model_server.tools import concrete_call

__all__ = ["PATH", "Ask", "answer_frames", "error_body", "read_request"]

PATH = "/v1/chat/completions"
TEXT_CHUNK, JSON_CHUNK = 8, 16
USAGE = {"prompt_tokens": 10, "completion_tokens": 12, "total_tokens": 22}


class Ask(msgspec.Struct, frozen=True):
    """What a request wants. `directive` None: no script, so a plain word."""

    model: str
    offered: tuple[str, ...]
    directive: Directive | None
    step: int

    @property
    def side_call(self) -> bool:
        return not self.offered

    def due_step(self) -> Step:
        if self.side_call:
            return Step(text="fake title")
        if self.directive is None:
            return Step(text="ok")
        steps = self.directive.steps
        return steps[self.step] if self.step < len(steps) else Step(text="(script over)")


def read_request(body: dict[str, Any]) -> Ask:
    """What a request body asks for."""
    texts = [(message.get("role", ""), _text(message)) for message in body.get("messages", [])]
    found = due(texts)
    return Ask(
        body.get("model", ""),
        tuple(tool["function"]["name"] for tool in body.get("tools") or []),
        found[0] if found else None,
        found[1] if found else 0,
    )


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part.get("text", "") for part in parts)


def answer_frames(ask: Ask, number: int) -> Iterator[bytes]:
    """The events of one answer; `number` makes its ids unique."""
    step = ask.due_step()
    yield _chunk(ask, number, {"role": "assistant", "content": ""})
    for piece in _pieces(step.thinking, TEXT_CHUNK):
        yield _chunk(ask, number, {"reasoning_content": piece})
    for piece in _pieces(step.text, TEXT_CHUNK):
        yield _chunk(ask, number, {"content": piece})
    for index, tool in enumerate(step.calls):
        name, arguments = concrete_call(tool, ask.offered)
        function: dict[str, str] = {"name": name, "arguments": ""}
        call: dict[str, Any] = {"index": index, "id": f"call_{number}_{index}"}
        call |= {"type": "function", "function": function}
        yield _chunk(ask, number, {"tool_calls": [call]})
        for piece in _pieces(json.dumps(arguments), JSON_CHUNK):
            part = {"index": index, "function": {"arguments": piece}}
            yield _chunk(ask, number, {"tool_calls": [part]})
    yield _chunk(ask, number, {}, "tool_calls" if step.calls else "stop")
    yield _event({**_head(ask, number), "choices": [], "usage": USAGE})
    yield b"data: [DONE]\n\n"


def error_body(status: int) -> dict[str, Any]:
    kinds = {429: "rate_limit_exceeded", 401: "invalid_api_key", 400: "invalid_request_error"}
    kind = kinds.get(status, "server_error")
    return {"error": {"message": f"scripted failure {status}", "type": kind, "code": kind}}


def _head(ask: Ask, number: int) -> dict[str, Any]:
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk"}
    return {**head, "created": 1, "model": ask.model}


def _chunk(ask: Ask, number: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _event({**_head(ask, number), "choices": [choice]})


def _event(message: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(message) + b"\n\n"


def _pieces(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]
