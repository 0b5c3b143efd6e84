"""The daemon's way to relays that do not behave: it neither dies nor hangs nor grows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket as sockets

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.relay_client.budget import BURST, PER_S
from sereno.relay_client.connector import (
    MOST_SOCKETS,
    DataSocket,
    RelayError,
    SocketClosed,
    dial_client,
)
from sereno.relay_client.control import Timing
from sereno.relay_client.endpoints import parse_endpoint
from tests.relay_client.misbehaving import Socket, for_ever, liar, reading
from tests.relay_client.watched import closing_of, connector
from tests.relay_server.running import LIMIT_S

SYNC = {"type": "sync", "connectionIds": []}


async def test_a_relay_that_closes_at_once_is_dialled_again_and_again() -> None:
    async def behave(socket: Socket) -> None:
        await socket.wire.close(1013, "Too many ids")

    async with liar(behave) as url, connector(parse_endpoint(url)) as watched:
        fourth = await watched.until("waiting", 4)
        assert fourth.code == "relay_busy"
        assert fourth.error is not None
        assert "Too many ids" in fourth.error
        assert "ready" not in {one.phase for one in watched.states}


async def test_the_waits_grow_until_it_is_ready() -> None:
    """And what it waited for is told; nothing is waited for in this test."""
    patience = 4
    opened = 0

    async def behave(socket: Socket) -> None:
        nonlocal opened
        opened += 1
        if opened > patience:
            await socket.say(SYNC)
            await socket.wire.recv()  # Its first ping: what was said is on its way.

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await anyio.sleep(0)

    async with (
        liar(behave) as url,
        connector(parse_endpoint(url), random=lambda: 0.5, sleep=sleep) as watched,
    ):
        await watched.until("waiting", 7)
        waits = [one.next_try_s for one in watched.states if one.phase == "waiting"][:7]
    assert waits == [0.5, 1.0, 2.0, 4.0, 0.5, 0.5, 0.5]
    assert slept[:6] == waits[:6]


async def test_a_relay_that_never_speaks_is_left() -> None:
    async with (
        liar(reading) as url,
        connector(parse_endpoint(url), timing=Timing(ready=0.1)) as watched,
    ):
        lost = await watched.until("waiting", 2)
        assert lost.code == "not_a_relay"
        assert "ready" not in {one.phase for one in watched.states}


async def test_a_relay_that_falls_silent_after_ready_is_left() -> None:
    async def behave(socket: Socket) -> None:
        await socket.say(SYNC)
        await reading(socket)

    timing = Timing(ping=0.05, dead=0.12)
    async with liar(behave) as url, connector(parse_endpoint(url), timing=timing) as watched:
        await watched.until("ready", 2)
        assert (await watched.until("waiting")).code == "relay_silent"


async def test_garbage_on_the_control_socket_is_passed_over() -> None:
    async def behave(socket: Socket) -> None:
        if socket.connection_id is None:
            for frame in ("", "{", "[" * 1000, b"\xff", '{"type":"sync"}', '{"type":"x"}'):
                await socket.wire.send(frame)
            await socket.say({"type": "connected", "connectionId": "c"})
            await reading(socket)
        else:
            await socket.wire.send("hello")
            await reading(socket)

    heard: list[str | bytes] = []
    came = anyio.Event()

    async def opened(socket: DataSocket) -> None:
        heard.append(await socket.receive())
        came.set()

    async with liar(behave) as url, connector(parse_endpoint(url), opened) as watched:
        with anyio.fail_after(LIMIT_S):
            await came.wait()
        assert heard == ["hello"]
        assert [one.phase for one in watched.states] == ["connecting", "ready"]


async def test_a_connection_that_is_named_often_is_dialled_once() -> None:
    dialled: list[str | None] = []
    enough = anyio.Event()

    async def behave(socket: Socket) -> None:
        dialled.append(socket.connection_id)
        if socket.connection_id is not None:
            if {"same", "last"} <= set(dialled):
                enough.set()
            await reading(socket)
            return
        for _ in range(20):
            await socket.say({"type": "connected", "connectionId": "same"})
            await socket.say({"type": "sync", "connectionIds": ["same", "same"]})
        await socket.say({"type": "connected", "connectionId": "last"})
        await reading(socket)

    async with liar(behave) as url, connector(parse_endpoint(url), for_ever):
        with anyio.fail_after(LIMIT_S):
            await enough.wait()
    assert sorted(dialled, key=str) == [None, "last", "same"]


async def test_of_ten_thousand_connections_as_many_are_dialled_as_are_let_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dialled = 0
    control: list[Socket] = []

    async def behave(socket: Socket) -> None:
        nonlocal dialled
        if socket.connection_id is None:
            control.append(socket)
            ids = [f"conn_{number:016x}" for number in range(10_000)]
            await socket.say({"type": "sync", "connectionIds": ids})
            for one in ids[:200]:
                await socket.say({"type": "connected", "connectionId": one})
        else:
            dialled += 1
        await reading(socket)

    full = anyio.Event()
    inside = 0

    async def opened(socket: DataSocket) -> None:
        nonlocal inside
        inside += 1
        if inside == MOST_SOCKETS:
            full.set()
        await closing_of(socket)

    async with liar(behave) as url, connector(parse_endpoint(url), opened):
        with anyio.fail_after(LIMIT_S):
            await full.wait()
            # A slot that becomes free is given to the next who is named.
            await control[0].say({"type": "disconnected", "connectionId": f"conn_{0:016x}"})
            while inside == MOST_SOCKETS:
                await control[0].say({"type": "connected", "connectionId": "another"})
                await anyio.sleep(0.01)
        assert dialled == inside == MOST_SOCKETS + 1
    assert caplog.text.count("names more clients") == 1
    assert "conn_" not in caplog.text


async def test_a_control_message_without_an_end_is_refused() -> None:
    async def behave(socket: Socket) -> None:
        await socket.wire.send(json.dumps({"type": "sync", "connectionIds": ["x" * 2**21]}))
        await reading(socket)

    async with liar(behave) as url, connector(parse_endpoint(url)) as watched:
        lost = await watched.until("waiting", 2)
        assert lost.error is not None
        assert "1009" in lost.error


async def test_who_drops_the_connection_before_tls_is_told_apart() -> None:
    async def dropping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
            writer.get_extra_info("socket").setsockopt(
                sockets.SOL_SOCKET, sockets.SO_LINGER, linger
            )
        writer.transport.abort()

    server = await asyncio.start_server(dropping, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with connector(parse_endpoint(f"wss://127.0.0.1:{port}")) as watched:
            lost = await watched.until("waiting", 3)
            assert lost.code in ("relay_broken", "relay_tls")


async def test_a_relay_that_names_and_takes_back_without_end_is_dialled_no_faster() -> None:
    dialled = 0
    told = anyio.Event()

    async def before(connection_id: str | None) -> None:
        nonlocal dialled
        dialled += connection_id is not None

    async def behave(socket: Socket) -> None:
        if socket.connection_id is None:
            for number in range(600):
                await socket.say({"type": "connected", "connectionId": f"c{number}"})
                await anyio.sleep(0)
                await socket.say({"type": "disconnected", "connectionId": f"c{number}"})
            told.set()
        await reading(socket)

    begin = anyio.current_time()
    async with liar(behave, before=before) as url, connector(parse_endpoint(url)) as watched:
        with anyio.fail_after(LIMIT_S):
            await told.wait()
            while watched.connector.sockets:
                await anyio.sleep(0.01)
        assert dialled <= BURST + PER_S * (anyio.current_time() - begin)
        assert [one.phase for one in watched.states] == ["connecting", "ready"]


@settings(max_examples=60)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=100).map(lambda text: f"HTTP/1.1 {text}\r\n\r\n".encode()),
        st.tuples(st.integers(0, 999), st.binary(max_size=50)).map(
            lambda both: b"HTTP/1.1 %d OK\r\nLocation: " % both[0] + both[1] + b"\r\n\r\n"
        ),
    )
)
async def test_whatever_a_relay_answers_is_told_in_words(answer: bytes) -> None:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answering, "127.0.0.1", 0) as server:
        endpoint = parse_endpoint(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with anyio.fail_after(LIMIT_S), pytest.raises(RelayError):
            await dial_client(endpoint, "srv_x")


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=200), max_size=5))
async def test_whatever_bytes_follow_the_upgrade_end_in_words(pieces: list[bytes]) -> None:
    async def behave(socket: Socket) -> None:
        for piece in pieces:
            socket.wire.transport.write(piece)
        socket.wire.transport.close()
        await anyio.sleep_forever()

    async with liar(behave) as url:
        socket = await dial_client(parse_endpoint(url), "srv_x")
        with anyio.fail_after(LIMIT_S), contextlib.suppress(SocketClosed):
            while True:
                await socket.receive()
        await socket.close()
