"""The scripted model server as Claude Code (Messages) and Codex (Responses) see it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.e2e.model_server import ModelServer, messages, prompt_with, responses

SHELL = {"kind": "shell", "command": "ls"}
WRITE = {"kind": "write", "path": "a.txt", "content": "one\ntwo\n"}


async def ask(server: ModelServer, path: str, body: dict[str, Any]) -> tuple[int, str, bytes]:
    """The status, the head and the body of one request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    data = json.dumps(body).encode()
    writer.write(f"POST {path} HTTP/1.1\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data)
    answer = await reader.read()
    writer.close()
    head, _, rest = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head, rest.encode()


def events(body: bytes) -> list[dict[str, Any]]:
    """Every event; its name must stand before it and be its type."""
    found = []
    for frame in body.decode().split("\n\n")[:-1]:
        name, _, data = frame.partition("\ndata: ")
        found.append(json.loads(data))
        assert name == f"event: {found[-1]['type']}"
    return found


def anthropic(prompt: str, *later: dict[str, Any], **more: Any) -> dict[str, Any]:
    first = {"role": "user", "content": [{"type": "text", "text": prompt}]}
    tools = [{"name": "Bash"}, {"name": "Write"}]
    between = {"role": "system", "content": "# Environment"}
    turns = [first, between, *later]
    return {"model": "m", "tools": tools, "messages": turns, "stream": True, **more}


def openai(prompt: str, *later: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": prompt}]
    first = {"type": "message", "role": "user", "content": content}
    tools = [
        {"type": "function", "name": "exec_command"},
        {"type": "custom", "name": "apply_patch"},
    ]
    return {"model": "m", "tools": tools, "input": [first, *later], "stream": True, **more}


async def test_messages_in_blocks_and_by_steps() -> None:
    script = prompt_with("go", {"thinking": "hm", "text": "One.", "tools": [SHELL, WRITE]})
    async with ModelServer() as server:
        _, _, body = await ask(server, f"{messages.PATH}?beta=true", anthropic(script))
        found = events(body)
        starts = [e["content_block"] for e in found if e["type"] == "content_block_start"]
        kinds = [block["type"] for block in starts]
        assert kinds == ["thinking", "text", "tool_use", "tool_use"]
        parts = [e["delta"].get("partial_json", "") for e in found if "delta" in e and "index" in e]
        assert '"command": "ls"' in "".join(parts)
        assert found[-2]["delta"]["stop_reason"] == "tool_use"
        call = {"type": "tool_result", "tool_use_id": "x", "content": "ok"}
        history: list[dict[str, Any]] = [
            {"role": "assistant", "content": []},
            {"role": "user", "content": [call]},
        ]
        _, _, body = await ask(server, messages.PATH, anthropic(script, *history, stream=False))
        whole = json.loads(body)
        assert whole["content"] == [{"type": "text", "text": "(script over)"}]
        assert whole["stop_reason"] == "end_turn"
        _, _, body = await ask(server, messages.PATH, anthropic(script, tools=[], stream=False))
        assert json.loads(json.loads(body)["content"][0]["text"]) == {"title": "fake title"}
        status, _, body = await ask(server, messages.COUNT_PATH, anthropic(script))
        assert (status, json.loads(body)) == (200, {"input_tokens": 42})
        assert [entry["step"] for entry in server.turns()] == [0, 1]


async def test_responses_in_items_and_by_steps() -> None:
    steps = ({"thinking": "hm", "text": "One.", "tools": [SHELL, WRITE]}, {"text": "Two."})
    script = prompt_with("go", *steps)
    async with ModelServer() as server:
        _, _, body = await ask(server, responses.PATH, openai(script))
        found = events(body)
        assert [event["sequence_number"] for event in found] == list(range(len(found)))
        items = [event["item"] for event in found if event["type"] == "response.output_item.done"]
        kinds = ["reasoning", "message", "function_call", "custom_tool_call"]
        assert [item["type"] for item in items] == kinds
        assert json.loads(items[2]["arguments"]) == {"cmd": "ls"}
        assert items[3]["input"] == (
            "*** Begin Patch\n*** Add File: a.txt\n+one\n+two\n*** End Patch\n"
        )
        assert found[-1]["type"] == "response.completed"
        assert found[-1]["response"]["output"] == items
        outputs = [{"type": f"{kind}_output", "output": "ok"} for kind in kinds[2:]]
        _, _, body = await ask(server, responses.PATH, openai(script, *items, *outputs))
        last = events(body)[-1]["response"]["output"]
        assert last[0]["content"][0]["text"] == "Two."


async def test_responses_in_code_mode_offer_their_tools_in_the_input() -> None:
    inner = {"type": "namespace", "name": "functions", "tools": [{"name": "exec"}]}
    more = {"type": "additional_tools", "role": "developer", "tools": [inner]}
    async with ModelServer() as server:
        script = prompt_with("go", {"tool": SHELL})
        _, _, body = await ask(server, responses.PATH, openai(script, more, tools=None))
        (item,) = events(body)[-1]["response"]["output"]
        assert (item["type"], item["name"]) == ("custom_tool_call", "exec")
        assert 'tools.exec_command({"cmd": "ls"})' in item["input"]


@pytest.mark.parametrize(
    ("path", "request_of", "kind"),
    [
        (messages.PATH, anthropic, "rate_limit_error"),
        (responses.PATH, openai, "rate_limit_exceeded"),
    ],
)
async def test_failures_say_when_to_come_again(path: str, request_of: Any, kind: str) -> None:
    fault = {"kind": "429", "times": 1, "retry_after": 1.5, "message": "too much"}
    script = prompt_with("go", {"text": "ok"}, error={**fault, "headers": {"x-reset": "7"}})
    async with ModelServer() as server:
        status, head, body = await ask(server, path, request_of(script))
        assert (status, json.loads(body)["error"]["type"]) == (429, kind)
        assert json.loads(body)["error"]["message"] == "too much"
        assert "retry-after: 1.5\r\n" in head
        assert "x-reset: 7\r\n" in head
        assert (await ask(server, path, request_of(script)))[0] == 200


async def test_images_of_a_prompt_are_counted() -> None:
    async with ModelServer() as server:
        picture: dict[str, Any] = {"role": "user", "content": [{"type": "image", "source": {}}]}
        await ask(server, messages.PATH, anthropic(prompt_with("a", {"text": "b"}), picture))
        content = [{"type": "input_image", "image_url": "data:"}]
        picture = {"type": "message", "role": "user", "content": content}
        await ask(server, responses.PATH, openai(prompt_with("a", {"text": "b"}), picture))
        assert [entry["images"] for entry in server.turns()] == [1, 1]
