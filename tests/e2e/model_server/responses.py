"""OpenAI Responses: requests read, answers as server-sent events. Pure.

Codex in code mode sends no `tools`; what it offers then stands in an input item. A tool whose
arguments are text is a custom tool (`apply_patch`, `exec`), the others are functions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.e2e.model_server.ask import JSON_CHUNK, TEXT_CHUNK, Ask, kind_of_failure, pieces
from tests.e2e.model_server.directive import due
from tests.e2e.model_server.tools import concrete_call

__all__ = ["PATH", "answer_frames", "error_body", "read_request"]

PATH = "/v1/responses"
CALLS = ("function_call", "custom_tool_call", "reasoning")
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 12,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 22,
}


def read_request(body: dict[str, Any]) -> Ask:
    """What a request body asks for."""
    items = body.get("input", [])
    found = due(_turns(items))
    parts = [part for item in items for part in _parts(item)]
    return Ask(
        body.get("model", ""),
        tuple(_offered(body)),
        found[0] if found else None,
        found[1] if found else 0,
        images=sum(1 for part in parts if part.get("type") == "input_image"),
        namespaces={
            inner["name"]: tool["name"]
            for tool in _tools(body)
            if tool.get("type") == "namespace"
            for inner in tool.get("tools", ())
        },
    )


def _tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    more = [item for item in body.get("input", []) if item.get("type") == "additional_tools"]
    return [*(body.get("tools") or ()), *(tool for item in more for tool in item["tools"])]


def _offered(body: dict[str, Any]) -> Iterator[str]:
    for tool in _tools(body):
        if tool.get("type") == "namespace":
            yield from (inner["name"] for inner in tool.get("tools", ()))
        else:
            yield tool.get("name", tool.get("type", ""))


def _turns(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(role, text) of each turn: what one answer consisted of is one turn of the assistant."""
    turns: list[tuple[str, str]] = []
    for item in items:
        kind, role = item.get("type", "message"), item.get("role")
        if kind in CALLS or (kind == "message" and role == "assistant"):
            if not turns or turns[-1][0] != "assistant":
                turns.append(("assistant", ""))
        elif kind == "agent_message":  # what another agent of the team wants or tells
            texts = [part.get("text") or part.get("encrypted_content", "") for part in _parts(item)]
            turns.append(("user", "\n".join(texts)))
        elif kind.endswith("_output"):
            turns.append(("tool", ""))
        elif role == "user":
            turns.append(("user", "\n".join(part.get("text", "") for part in _parts(item))))
    return turns


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    if isinstance(content, str):
        return [{"type": "input_text", "text": content}]
    return content if isinstance(content, list) else []


def answer_frames(ask: Ask, number: int) -> Iterator[bytes]:
    """The events of one answer; `number` makes its ids unique."""
    whole: dict[str, Any] = {"id": f"resp_{number:04}", "object": "response", "created_at": 1}
    whole |= {"status": "in_progress", "model": ask.model, "output": [], "usage": None}
    items = _items(ask, number)
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": whole},
        {"type": "response.in_progress", "response": whole},
    ]
    for index, item in enumerate(items):
        events += ({**event, "output_index": index} for event in _item_events(item))
    done = {**whole, "status": "completed", "output": items, "usage": USAGE}
    events.append({"type": "response.completed", "response": done})
    for sequence, event in enumerate(events):
        yield _event({**event, "sequence_number": sequence})


def error_body(status: int) -> dict[str, Any]:
    kind = kind_of_failure(status)
    return {"error": {"message": f"scripted failure {status}", "type": kind, "code": kind}}


def _items(ask: Ask, number: int) -> list[dict[str, Any]]:
    step = ask.due_step()
    items: list[dict[str, Any]] = []
    if step.thinking:
        summary = [{"type": "summary_text", "text": step.thinking}]
        item = {"type": "reasoning", "id": f"rs_{number:04}", "summary": summary}
        items.append({**item, "encrypted_content": None})
    if step.text:
        content = [{"type": "output_text", "text": step.text, "annotations": []}]
        item = {"type": "message", "id": f"msg_{number:04}", "status": "completed"}
        items.append({**item, "role": "assistant", "content": content})
    for index, tool in enumerate(step.calls):
        name, arguments = concrete_call(tool, ask.offered)
        call = {"id": f"fc_{number:04}_{index}", "call_id": f"call_{number:04}_{index}"}
        call |= {"status": "completed", "name": name}
        if name in ask.namespaces:
            call["namespace"] = ask.namespaces[name]
        if isinstance(arguments, str):
            items.append({"type": "custom_tool_call", **call, "input": arguments})
        else:
            items.append({"type": "function_call", **call, "arguments": json.dumps(arguments)})
    return items


def _item_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """From `output_item.added` to `output_item.done`, with the pieces between."""
    ids = {"item_id": item["id"]}
    match item["type"]:
        case "reasoning":
            empty = {**item, "summary": []}
            text, part = item["summary"][0]["text"], {**ids, "summary_index": 0}
            stem, size = "response.reasoning_summary_text", TEXT_CHUNK
        case "message":
            empty = {**item, "status": "in_progress", "content": []}
            text, part = item["content"][0]["text"], {**ids, "content_index": 0}
            stem, size = "response.output_text", TEXT_CHUNK
        case "function_call":
            empty = {**item, "status": "in_progress", "arguments": ""}
            text, part = item["arguments"], ids
            stem, size = "response.function_call_arguments", JSON_CHUNK
        case _:
            empty = {**item, "status": "in_progress", "input": ""}
            text, part = item["input"], ids
            stem, size = "response.custom_tool_call_input", JSON_CHUNK
    frame = {
        "reasoning": ("response.reasoning_summary_part", "summary_text"),
        "message": ("response.content_part", "output_text"),
    }.get(item["type"])
    yield {"type": "response.output_item.added", "item": empty}
    if frame is not None:
        yield {"type": f"{frame[0]}.added", **part, "part": {"type": frame[1], "text": ""}}
    for piece in pieces(text, size):
        yield {"type": f"{stem}.delta", **part, "delta": piece}
    key = "text" if frame is not None else stem.rpartition("_")[2]
    yield {"type": f"{stem}.done", **part, key: text}
    if frame is not None:
        yield {"type": f"{frame[0]}.done", **part, "part": {"type": frame[1], "text": text}}
    yield {"type": "response.output_item.done", "item": item}


def _event(message: dict[str, Any]) -> bytes:
    kind = str(message["type"]).encode()
    return b"event: " + kind + b"\ndata: " + msgspec.json.encode(message) + b"\n\n"
