"""The client library over a real socket: replies, pushes, and each way in which it can end."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import anyio
import pytest

from sereno.core.client.aio import Client, ConnectionLost, NoDaemon, RpcError
from sereno.core.protocol.messages import AgentStream, FetchAgentResult, Pong
from sereno.core.protocol.requests import (
    CancelAgent,
    FetchAgent,
    Ping,
    SetAgentMode,
    ShutdownServer,
)
from tests.core.listeners.house import gate
from tests.core.sessions.house import view
from tests.core.sessions.test_registry import row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "daemon.sock"


async def test_many_requests_at_once_get_their_own_replies(path: Path) -> None:
    async with gate(path) as place, await Client.connect_unix(path) as client:
        place.door.fleet.views = {f"a{n}": view(f"a{n}") for n in range(50)}
        replies = await asyncio.gather(
            *(client.request(FetchAgent(request_id="", agent_id=f"a{n}")) for n in range(50))
        )
        ids = [one.agent.id for one in replies if isinstance(one, FetchAgentResult) and one.agent]
        assert ids == [f"a{n}" for n in range(50)]


async def test_pushes_come_in_order_beside_replies(path: Path) -> None:
    async with gate(path) as place, await Client.connect_unix(path) as client:
        for seq in range(100):
            place.door.sessions.publish(row(seq))
        assert isinstance(await client.request(Ping(request_id="")), Pong)
        seqs = [one.seq for one in client.take() if isinstance(one, AgentStream)]
        assert seqs == list(range(100))


async def test_a_refusal_is_raised_with_code_and_words(path: Path) -> None:
    async with gate(path), await Client.connect_unix(path) as client:
        with pytest.raises(RpcError) as caught:
            await client.request(CancelAgent(request_id="", agent_id="nobody"))
        assert caught.value.code == "handler_error"
        assert "Agent not found: nobody" in caught.value.message
        assert caught.value.next_step


async def test_no_answer_in_time_is_an_error_and_the_late_reply_a_push(path: Path) -> None:
    async with gate(path) as place, await Client.connect_unix(path) as client:
        place.door.fleet.views["a1"] = view("a1")
        place.door.fleet.blocked = anyio.Event()
        with pytest.raises(RpcError) as caught:
            await client.request(CancelAgent(request_id="", agent_id="a1"), timeout_s=0.05)
        assert caught.value.code == "timeout"
        place.door.fleet.blocked.set()
        with anyio.fail_after(5):
            async for message in client.messages():
                assert type(message).__name__ == "CancelResult"
                break


async def test_nobody_listens(path: Path) -> None:
    with pytest.raises(NoDaemon) as caught:
        await Client.connect_unix(path)
    assert caught.value.code == "no_daemon"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with pytest.raises(NoDaemon):
        await Client.connect_unix(path)


async def test_somebody_listens_and_says_nothing(path: Path) -> None:
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(path))
    silent.listen(1)
    with pytest.raises(NoDaemon) as caught:
        await Client.connect_unix(path, timeout_s=0.1)
    assert caught.value.code == "no_answer"
    silent.close()


async def test_t36_somebody_else_listens(path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        await reader.read(100_000)
        writer.close()

    server = await asyncio.start_unix_server(talk, path)
    with pytest.raises(ConnectionLost) as caught:
        await Client.connect_unix(path)
    assert "SSH-2.0" in caught.value.message
    server.close()


async def test_a_daemon_that_goes_ends_requests_and_iteration_after_the_last_push(
    path: Path,
) -> None:
    async with gate(path) as place:
        place.door.fleet.views["a1"] = view("a1")
        place.door.fleet.blocked = anyio.Event()
        client = await Client.connect_unix(path)
        waiting = asyncio.ensure_future(
            client.request(CancelAgent(request_id="", agent_id="a1"), timeout_s=None)
        )
        await asyncio.sleep(0)
        place.door.sessions.publish(row(1))
        place.door.sessions.close(1012, "The daemon changes hands")
        with pytest.raises(ConnectionLost) as caught:
            await waiting
        assert caught.value.close_code == 1012
        pushes = client.messages()
        assert isinstance(await anext(pushes), AgentStream)
        with pytest.raises(ConnectionLost):
            await anext(pushes)
        with pytest.raises(ConnectionLost):
            await client.send(ShutdownServer(request_id="x"))
        await client.aclose()
        await client.aclose()


async def test_closing_ends_iteration_in_silence(path: Path) -> None:
    async with gate(path):
        client = await Client.connect_unix(path)

        async def close_soon() -> None:
            await asyncio.sleep(0.01)
            await client.aclose()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(close_soon())
            with anyio.fail_after(5):
                assert [message async for message in client.messages()] == []
        with pytest.raises(ConnectionLost):
            await client.request(Ping(request_id=""))


async def test_a_request_sent_right_before_closing_arrives(path: Path) -> None:
    async with gate(path) as place:
        for number in range(20):
            place.door.fleet.views["a1"] = view("a1")
            client = await Client.connect_unix(path)
            await client.send(CancelAgent(agent_id="a1", request_id=f"r{number}"))
            await client.aclose()
        with anyio.fail_after(5):
            while len(place.door.fleet.acts) < 20:
                await anyio.sleep(0.005)


async def test_settings_reply_even_when_refused(path: Path) -> None:
    async with gate(path), await Client.connect_unix(path) as client:
        with pytest.raises(RpcError):
            await client.request(SetAgentMode(request_id="", agent_id="x", mode_id="y"))
