"""A network that swallows everything without a word: the client asks, waits, and gives up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import anyio
import pytest
from websockets.asyncio.server import ServerConnection, serve

from sereno.core.client import tcp
from sereno.core.client.aio import Client, ConnectionLost
from sereno.core.client.target import Target
from sereno.core.protocol.messages import Pong
from sereno.core.protocol.requests import Ping
from tests.core.listeners.street import street

INFO = (
    '{"type":"session","message":{"type":"status","payload":{"status":"server_info",'
    '"serverId":"srv_test","features":{"providersSnapshot":true}}}}'
)


async def test_who_never_says_anything_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "SILENCE_S", 0.05)
    silent = asyncio.Event()

    async def greet(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(INFO)
        connection.transport.pause_reading()
        await silent.wait()

    async with serve(greet, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        target = Target(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        client = await Client.connect_to(target)
        with anyio.fail_after(10), pytest.raises(ConnectionLost) as caught:
            async for _ in client.messages():
                pass
        assert "does not answer any more" in caught.value.message
        assert caught.value.close_code == 1006
        await client.aclose()
        silent.set()


async def test_a_quiet_daemon_that_answers_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "SILENCE_S", 0.3)
    async with street() as place:
        host, port = place.address
        async with await Client.connect_to(replace(Target(), host=host, port=port)) as client:
            with anyio.move_on_after(1.5):
                async for _ in client.messages():
                    pytest.fail("nothing was to be said")
            assert isinstance(await client.request(Ping(request_id="")), Pong)
