"""The daemon's way to a relay, against the real one in the same loop."""

from __future__ import annotations

from unittest.mock import ANY

import anyio
import pytest

from sereno.relay_client.connector import DataSocket, dial_client
from sereno.relay_client.control import Timing
from sereno.relay_client.endpoints import parse_endpoint
from tests.relay_client.misbehaving import wire
from tests.relay_client.watched import SERVER_ID, closing_of, connector, echo, said
from tests.relay_server.running import LIMIT_S, ended, heard, relay


async def test_what_a_client_says_comes_back_through_the_relay() -> None:
    async with relay() as running:
        endpoint = parse_endpoint(running.url)
        async with connector(endpoint) as watched:
            await watched.until("ready")
            client = await dial_client(endpoint, SERVER_ID)
            await client.send("text")
            assert await said(client) == "text"
            await client.send(b"\x00bytes")
            assert await said(client) == b"\x00bytes"
            await client.close()
        assert [one.phase for one in watched.states] == ["connecting", "ready"]


async def test_who_came_before_the_daemon_is_served_when_it_comes() -> None:
    async with relay() as running:
        endpoint = parse_endpoint(running.url)
        clients = [await dial_client(endpoint, SERVER_ID) for _ in range(3)]
        for number, client in enumerate(clients):
            await client.send(f"first {number}")
        async with connector(endpoint):
            for number, client in enumerate(clients):
                assert await said(client) == f"first {number}"
                await client.close()


async def test_a_client_that_leaves_ends_its_data_socket_with_1001() -> None:
    closed: list[tuple[int, str]] = []
    over = anyio.Event()

    async def opened(socket: DataSocket) -> None:
        await socket.send("open")
        closed.append(await closing_of(socket))
        over.set()

    async with relay() as running:
        endpoint = parse_endpoint(running.url)
        async with connector(endpoint, opened):
            client = await dial_client(endpoint, SERVER_ID)
            assert await said(client) == "open"
            await client.close()
            with anyio.fail_after(LIMIT_S):
                await over.wait()
    assert closed == [(1001, "Client disconnected")]


async def test_the_end_of_a_session_closes_its_client_and_no_other() -> None:
    async def opened(socket: DataSocket) -> None:
        if await socket.receive() == "stay":
            await echo(socket)

    async with relay() as running:
        endpoint = parse_endpoint(running.url)
        async with connector(endpoint, opened):
            staying = await dial_client(endpoint, SERVER_ID)
            await staying.send("stay")
            leaving = await dial_client(endpoint, SERVER_ID)
            await leaving.send("leave")
            assert await closing_of(leaving) == (1012, "Server disconnected")
            await staying.send("here")
            assert await said(staying) == "here"
            await staying.close()


async def test_a_session_that_fails_is_logged_and_ends_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def opened(socket: DataSocket) -> None:
        if await socket.receive() == "break":
            raise ZeroDivisionError("of the test")
        await echo(socket)

    async with relay() as running:
        endpoint = parse_endpoint(running.url)
        async with connector(endpoint, opened) as watched:
            staying = await dial_client(endpoint, SERVER_ID)
            await staying.send("stay")
            breaking = await dial_client(endpoint, SERVER_ID)
            await breaking.send("break")
            assert await closing_of(breaking) == (1012, "Server disconnected")
            await staying.send("here")
            assert await said(staying) == "here"
            assert watched.states[-1].phase == "ready"
            await staying.close()
    assert "a session through the relay failed" in caplog.text
    assert SERVER_ID not in caplog.text


async def test_stopping_says_goodbye_to_everybody() -> None:
    async with relay() as running:
        endpoint = parse_endpoint(running.url)
        async with connector(endpoint):
            client = await dial_client(endpoint, SERVER_ID)
            await client.send("x")
            assert await said(client) == "x"
        assert await closing_of(client) == (1012, "Server disconnected")


async def test_a_relay_that_comes_back_is_found_again() -> None:
    async with wire() as between, connector(parse_endpoint(between.url)) as watched:
        async with relay() as running:
            between.target = running.port
            await watched.until("ready")
            between.target = None
        lost = await watched.until("waiting", of=lambda state: state.code == "relay_closed")
        assert lost.error is not None
        assert "1012: Relay stopping" in lost.error
        async with relay() as running:
            between.target = running.port
            await watched.until("ready", 2)
            client = await dial_client(parse_endpoint(between.url), SERVER_ID)
            await client.send("again")
            assert await said(client) == "again"
            await client.close()


async def test_sessions_outlive_the_control_socket_of_their_daemon() -> None:
    async with relay() as running:
        endpoint = parse_endpoint(running.url)
        async with connector(endpoint) as watched:
            await watched.until("ready")
            client = await dial_client(endpoint, SERVER_ID)
            await client.send("before")
            assert await said(client) == "before"
            thief = await running.open("server")  # Takes the place of the control socket.
            assert await heard(thief) == {"type": "sync", "connectionIds": [ANY]}
            replaced = await watched.until("waiting")
            assert replaced.code == "relay_replaced"
            await watched.until("ready", 2)
            assert await ended(thief) == (1008, "Replaced by new connection")
            await client.send("after")
            assert await said(client) == "after"
            await client.close()


async def test_a_relay_that_falls_silent_is_left_and_dialled_again() -> None:
    """Half-open: nothing is closed, and nothing comes any more."""
    async with relay() as running, wire(running.port) as between:
        timing = Timing(ping=0.05, dead=0.2)
        async with connector(parse_endpoint(between.url), timing=timing) as watched:
            await watched.until("ready")
            between.freeze()
            lost = await watched.until("waiting")
            assert lost.code == "relay_silent"
            between.passing.set()
            await watched.until("ready", 2)


async def test_stopping_does_not_wait_long_for_a_relay_that_does_not_answer() -> None:
    """A device that is revoked is gone within a second, whatever the relay does."""
    async with relay() as running, wire(running.port) as between:
        endpoint = parse_endpoint(between.url)
        async with connector(endpoint) as watched:
            client = await dial_client(parse_endpoint(running.url), SERVER_ID)
            await client.send("x")
            assert await said(client) == "x"
            between.freeze()
            stopped_at = anyio.current_time()
        assert anyio.current_time() - stopped_at < 5  # 0.8 s, and what a busy machine adds.
        assert watched.connector.sockets == 0
        await client.close()
