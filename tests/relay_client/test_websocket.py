"""A relay that sends more, and smaller, than anybody reads: bounded in bytes, and nothing is lost
of what an honest one sends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from sereno.relay_client import websocket
from sereno.relay_client.allowance import Allowance
from sereno.relay_client.dialling import Dialler
from sereno.relay_client.endpoints import parse_endpoint
from sereno.relay_client.sockets import RelaySocket, SocketClosed
from sereno.relay_client.websocket import FRAME, MOST_PINGS, RelayWebSocket

LIMIT_S = 20.0
MOST = 4 * 1024 * 1024
PIECE = 4096
Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


@asynccontextmanager
async def raw(behave: Behave) -> AsyncIterator[int]:
    """Opens every WebSocket, then sends bytes as `behave` likes; gives the port."""
    over = asyncio.Event()

    async def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
        (request,) = protocol.events_received()
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        writer.write(b"".join(protocol.data_to_send()))
        try:
            await behave(reader, writer)
            await over.wait()
        except ConnectionError:
            pass  # The other end had enough, which is what these tests are about.
        finally:
            writer.transport.abort()

    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    port: int = listening.getsockname()[1]
    async with await asyncio.start_server(arrived, sock=listening):
        try:
            yield port
        finally:
            over.set()


async def dial(port: int, allowance: Allowance[RelayWebSocket] | None = None) -> RelayWebSocket:
    endpoint = parse_endpoint(f"ws://127.0.0.1:{port}")
    connection = await Dialler(endpoint, allowance=allowance).dial(
        endpoint.url("srv_one", "client"), MOST
    )
    assert isinstance(connection, RelayWebSocket)
    return connection


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(LIMIT_S):
        while not condition():
            await anyio.sleep(0.005)


async def test_empty_frames_that_nobody_reads_do_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket, "PIECE", PIECE)
    sent = 200_000

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(Opcode.BINARY) * sent)
        await writer.drain()

    async with raw(flood) as port:
        allowance: Allowance[RelayWebSocket] = Allowance()
        connection = await dial(port, allowance)
        await until(lambda: connection.recv_messages.paused)
        await anyio.sleep(0.05)  # Whether more comes after that is the question.
        assert 0 < len(connection.recv_messages.frames) <= PIECE // 2
        assert allowance.held >= FRAME * len(connection.recv_messages.frames)
        one = RelaySocket(connection)
        with anyio.fail_after(LIMIT_S):
            for _ in range(PIECE):  # Two pieces.
                assert await one.receive() == b""
        assert 0 < len(connection.recv_messages.frames) <= PIECE // 2
        one.abort()
        await until(lambda: allowance.held == 0)


async def test_whatever_comes_at_once_is_read_whole_and_in_order() -> None:
    expected: list[str | bytes] = []
    blob = bytearray()
    for number in range(3000):
        expected.append(f"message {number} ✓")
        blob += frame(Opcode.TEXT, f"message {number} ✓".encode())
        if number % 7 == 0:
            blob += frame(Opcode.PING, b"between")
        if number % 100 == 0:
            expected.append(b"x" * 70_000)
            blob += frame(Opcode.BINARY, b"x" * 60_000, fin=False)
            blob += frame(Opcode.PING, b"inside")
            blob += frame(Opcode.CONT, b"x" * 10_000)

    async def say_all(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(blob + frame(Opcode.CLOSE, (1012).to_bytes(2, "big") + b"gone"))
        writer.write_eof()

    async with raw(say_all) as port:
        one = RelaySocket(await dial(port))
        found: list[str | bytes] = []
        with anyio.fail_after(LIMIT_S):
            while len(found) < len(expected):
                found.append(await one.receive())
                if len(found) % 500 == 0:
                    await anyio.sleep(0.01)
            with pytest.raises(SocketClosed) as closed:
                await one.receive()
    assert found == expected
    assert (closed.value.code, closed.value.reason) == (1012, "gone")


async def test_who_pings_and_takes_no_answers_is_cut() -> None:
    async def ping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        while True:
            writer.write(frame(Opcode.PING, b"p" * 125) * 100)
            await writer.drain()

    async with raw(ping) as port:
        connection = await dial(port)
        connection.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, 8192
        )
        with anyio.fail_after(LIMIT_S), pytest.raises(SocketClosed) as closed:
            await RelaySocket(connection).receive()
    assert closed.value.code == 1006


async def test_pings_are_answered_however_many_come_to_who_takes_the_answers() -> None:
    sent = 3 * MOST_PINGS

    async def ping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(sent):
            writer.write(frame(Opcode.PING, b"are you there"))
        await reader.readexactly(sent * (2 + 4 + len(b"are you there")))
        writer.write(frame(Opcode.TEXT, b"all of them"))

    async with raw(ping) as port:
        one = RelaySocket(await dial(port))
        with anyio.fail_after(LIMIT_S):
            assert await one.receive() == "all of them"
        one.abort()


async def test_of_two_connections_that_hold_too_much_the_larger_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket, "CLOSE_S", 0.05)
    sizes = iter((200_000, 150_000))

    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = next(sizes)
        whole = frame(Opcode.BINARY, b"x" * size)
        writer.write(whole[:-1])
        await writer.drain()
        if size == 150_000:
            await asyncio.sleep(0.2)
            writer.write(whole[-1:])

    async with raw(half) as port:
        allowance: Allowance[RelayWebSocket] = Allowance(300_000)
        larger = await dial(port, allowance)
        await until(lambda: allowance.held > 190_000)
        smaller = await dial(port, allowance)
        with anyio.fail_after(LIMIT_S):
            with pytest.raises(SocketClosed) as closed:
                await RelaySocket(larger).receive()
            assert len(await RelaySocket(smaller).receive()) == 150_000
        assert (closed.value.code, closed.value.reason) == (1009, "too much waits to be read")
        RelaySocket(smaller).abort()
        await until(lambda: allowance.held == 0)


async def test_a_message_in_parts_without_an_end_counts_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket, "CLOSE_S", 0.05)

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(Opcode.TEXT, b"x" * 1000, fin=False))
        while True:
            writer.write(frame(Opcode.CONT, b"x" * 1000, fin=False))
            await writer.drain()

    async with raw(endless) as port:
        allowance: Allowance[RelayWebSocket] = Allowance(500_000)
        connection = await dial(port, allowance)
        with anyio.fail_after(LIMIT_S), pytest.raises(SocketClosed) as closed:
            await RelaySocket(connection).receive()
        assert closed.value.code == 1009
        assert closed.value.reason == "too much waits to be read"
