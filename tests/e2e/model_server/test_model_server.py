"""The scripted model server itself: what tests of real agents rely on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.e2e.model_server import ModelServer, prompt_with
from tests.e2e.model_server.directive import find_directive

BASH = {"type": "function", "function": {"name": "bash", "parameters": {}}}


async def ask(
    server: ModelServer,
    messages: list[dict[str, Any]],
    tools: bool = True,
    path: str = "/v1/chat/completions",
) -> tuple[int, bytes]:
    """The status and the whole body of one request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    body = json.dumps({"model": "m", "messages": messages, "tools": [BASH] if tools else []})
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body.encode())}\r\n\r\n"
    writer.write(head.encode() + body.encode())
    answer = await reader.read()
    writer.close()
    status, _, rest = answer.partition(b"\r\n")
    return int(status.split()[1]), rest.partition(b"\r\n\r\n")[2]


def deltas(body: bytes) -> list[dict[str, Any]]:
    events = [line[6:] for line in body.split(b"\n\n") if line.startswith(b"data: {")]
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    return [{**choice["delta"], "finish": choice["finish_reason"]} for choice in choices]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def test_steps_follow_the_answers_of_the_assistant() -> None:
    shell = {"kind": "shell", "command": "ls"}
    script = prompt_with("go", {"thinking": "hm", "text": "One.", "tool": shell}, {"text": "Two."})
    async with ModelServer() as server:
        history = [{"role": "system", "content": "x"}, user(script)]
        _, body = await ask(server, history)
        parts = deltas(body)
        assert "".join(p.get("reasoning_content", "") for p in parts) == "hm"
        assert "".join(p.get("content") or "" for p in parts) == "One."
        calls = [call for p in parts for call in p.get("tool_calls", [])]
        assert calls[0]["function"]["name"] == "bash"
        arguments = "".join(call["function"]["arguments"] for call in calls)
        assert json.loads(arguments)["command"] == "ls"
        assert parts[-1]["finish"] == "tool_calls"
        history += [{"role": "assistant", "content": ""}, {"role": "tool", "content": "x"}]
        _, body = await ask(server, history)
        assert "".join(p.get("content") or "" for p in deltas(body)) == "Two."
        assert deltas(body)[-1]["finish"] == "stop"
        _, body = await ask(server, [*history, {"role": "assistant", "content": "Two."}])
        assert b"(script " in body
        assert len(server.turns()) == 3


async def test_side_calls_and_prompts_without_a_script() -> None:
    async with ModelServer() as server:
        script = prompt_with("go", {"text": "One."})
        _, body = await ask(server, [user(script)], tools=False)
        assert b"fake tit" in body
        _, body = await ask(server, [user("plain")])
        assert b'"ok"' in body
        assert server.turns() == []
        status, _ = await ask(server, [], path="/v1/nothing")
        assert status == 404


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_failures_by_number(status: int) -> None:
    fault = {"kind": str(status), "times": 1}
    async with ModelServer() as server:
        script = prompt_with("go", {"text": "ok"}, id=f"t{status}", error=fault)
        code, body = await ask(server, [user(script)])
        assert (code, f"scripted failure {status}" in body.decode()) == (status, True)
        code, _ = await ask(server, [user(script)])
        assert code == 200


async def test_a_dropped_answer_and_a_hang_up() -> None:
    async with ModelServer() as server:
        fault = {"kind": "drop", "after": 2}
        script = prompt_with("go", {"text": "a long text that is cut"}, error=fault)
        _, body = await ask(server, [user(script)])
        assert len(deltas(body)) == 2
        assert b"[DONE]" not in body
        slow = prompt_with("go", {"text": "x" * 1000}, delay_ms=50)
        task = asyncio.create_task(ask(server, [user(slow)]))
        async with asyncio.timeout(5):
            while not server.turns():
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert any(entry["event"] == "dropped" for entry in server.log)


def test_scripts_are_found_where_they_are_quoted() -> None:
    script = prompt_with("x", {"text": "a"})
    assert find_directive(script) == find_directive(json.dumps(script)[1:-1])
    assert find_directive("no script @@fake {broken") is None
    assert find_directive("none") is None
