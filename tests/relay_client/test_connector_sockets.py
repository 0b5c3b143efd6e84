"""Data sockets at relays that do not behave: how they open, how full they get, how they end."""

from __future__ import annotations

import anyio
import pytest
from websockets.frames import Frame, Opcode

from sereno.relay_client.connector import DataSocket, SocketClosed
from sereno.relay_client.endpoints import parse_endpoint
from tests.relay_client.misbehaving import Socket, for_ever, liar, reading
from tests.relay_client.watched import closing_of, connector, said
from tests.relay_server.running import LIMIT_S


async def test_an_unknown_client_may_say_64_kib_and_a_known_one_more() -> None:
    """Until the channel is open anybody may write."""

    async def behave(socket: Socket) -> None:
        if socket.connection_id is None:
            await socket.say({"type": "sync", "connectionIds": ["known", "unknown"]})
        elif socket.connection_id == "known":
            await socket.wire.send("hello")
            await socket.wire.recv()
            await socket.wire.send("x" * 1_000_000)
        else:
            await socket.wire.send("x" * 65_537)
        await reading(socket)

    found: dict[str, object] = {}
    over = anyio.Event()

    async def opened(socket: DataSocket) -> None:
        if socket.connection_id == "known":
            await socket.receive()
            socket.widen()
            await socket.send("go on")
            found["known"] = len(await socket.receive())
        else:
            found["unknown"] = (await closing_of(socket))[0]
        if len(found) == 2:
            over.set()

    async with liar(behave) as url, connector(parse_endpoint(url), opened):
        with anyio.fail_after(LIMIT_S):
            await over.wait()
    assert found == {"known": 1_000_000, "unknown": 1009}


async def test_who_says_goodbye_and_stays_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.relay_client.websocket.CLOSE_S", 0.1)

    async def behave(socket: Socket) -> None:
        if socket.connection_id is None:
            await socket.say({"type": "connected", "connectionId": "c"})
        else:  # A close frame, and then nothing: the connection is kept open.
            goodbye = Frame(Opcode.CLOSE, b"\x03\xf0bye").serialize(mask=False)
            socket.wire.transport.write(goodbye)
            socket.wire.transport.pause_reading()
        await anyio.sleep_forever()

    closed: list[tuple[int, str]] = []
    over = anyio.Event()

    async def opened(socket: DataSocket) -> None:
        closed.append(await closing_of(socket))
        over.set()

    async with liar(behave) as url, connector(parse_endpoint(url), opened):
        with anyio.fail_after(LIMIT_S):
            await over.wait()
    assert closed == [(1008, "bye")]


async def test_after_close_nothing_is_delivered_any_more() -> None:
    """A revoked device's relay may still have something to say."""

    async def behave(socket: Socket) -> None:
        if socket.connection_id is None:
            await socket.say({"type": "connected", "connectionId": "c"})
            await reading(socket)
        for number in range(100):
            await socket.wire.send(str(number))
        await reading(socket)

    after: list[object] = []
    over = anyio.Event()

    async def opened(socket: DataSocket) -> None:
        assert await said(socket) == "0"
        await socket.close(4403, "Revoked")
        for act in (socket.receive(), socket.send("x")):
            try:
                after.append(await act)
            except SocketClosed as closed:
                after.append((closed.code, closed.reason))
        await socket.close()
        over.set()

    async with liar(behave) as url, connector(parse_endpoint(url), opened):
        with anyio.fail_after(LIMIT_S):
            await over.wait()
    assert after == [(4403, "Revoked")] * 2


async def test_a_connection_that_is_hung_up_while_it_is_dialled_is_let_go() -> None:
    """The relay names it, never answers the dialling, and takes it back; the slot is free again."""
    dialling, over = anyio.Event(), anyio.Event()

    async def before(connection_id: str | None) -> None:
        if connection_id is not None:
            dialling.set()
            await over.wait()

    async def behave(socket: Socket) -> None:
        await socket.say({"type": "connected", "connectionId": "c"})
        await dialling.wait()
        await socket.say({"type": "disconnected", "connectionId": "c"})
        await reading(socket)

    async with (
        liar(behave, before=before) as url,
        connector(parse_endpoint(url), for_ever) as watched,
    ):
        with anyio.fail_after(LIMIT_S):
            await dialling.wait()
            assert watched.connector.sockets == 1
            while watched.connector.sockets:
                await anyio.sleep(0.001)
            over.set()


async def test_a_session_that_reads_nothing_makes_the_relay_wait() -> None:
    """Back pressure: what is not taken stays where it came from."""
    sent = 0
    stuck = anyio.Event()

    async def behave(socket: Socket) -> None:
        nonlocal sent
        if socket.connection_id is None:
            await socket.say({"type": "connected", "connectionId": "c"})
            await reading(socket)
            return
        piece = "x" * 60_000
        while True:
            with anyio.move_on_after(0.3) as patience:
                await socket.wire.send(piece)
            if patience.cancelled_caught:
                stuck.set()
                await anyio.sleep_forever()
            sent += 1

    async with liar(behave) as url, connector(parse_endpoint(url), for_ever):
        with anyio.fail_after(LIMIT_S):
            await stuck.wait()
    assert sent * 60_000 < 32 * 2**20


async def test_a_relay_that_takes_nothing_cannot_keep_a_socket_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also whoever waits for it to take something is let go."""
    monkeypatch.setattr("sereno.relay_client.sockets.CLOSE_S", 0.1)

    async def behave(socket: Socket) -> None:
        if socket.connection_id is None:
            await socket.say({"type": "connected", "connectionId": "c"})
            await reading(socket)
        socket.wire.transport.pause_reading()
        await anyio.sleep_forever()

    ended: list[int] = []
    over = anyio.Event()

    async def writing(socket: DataSocket, sent: list[int]) -> None:
        try:
            while True:
                await socket.send("x" * 100_000)
                sent.append(1)
        except SocketClosed as closed:
            ended.append(closed.code)

    async def opened(socket: DataSocket) -> None:
        sent: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writing, socket, sent)
            before = -1
            while len(sent) > before:
                before = len(sent)
                await anyio.sleep(0.1)
            await socket.close(4403, "Revoked")
        over.set()

    async with liar(behave) as url, connector(parse_endpoint(url), opened) as watched:
        with anyio.fail_after(LIMIT_S):
            await over.wait()
            while watched.connector.sockets:
                await anyio.sleep(0.001)
    assert ended == [4403]
