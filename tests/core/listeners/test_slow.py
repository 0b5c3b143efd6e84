"""A client that stops reading: it costs its outbox and no more, and delays nobody."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio

from sereno.core.client.aio import Client
from sereno.core.listeners.pump import HIGH, Pump
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import AgentStream, Pong
from sereno.core.protocol.requests import Ping
from sereno.core.sessions.outbox import LIMIT
from tests.core.listeners.house import PING, RawClient, gate
from tests.core.sessions.test_registry import big, row

ROWS = 6_000  # of 10 kB: 60 MB
AT_ONCE = 20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def test_t32_a_client_that_stops_reading_costs_its_outbox_and_delays_nobody(
    tmp_path: Path,
) -> None:
    async with gate(tmp_path / "s") as place, await Client.connect_unix(place.path) as quick:
        frozen = [RawClient(place.path) for _ in range(3)]
        for number, client in enumerate(frozen):
            await client.enter(f"frozen-{number}", "browser")
        gc.collect()
        before, got, worst = resident(), 0, 0.0
        for first in range(0, ROWS, AT_ONCE):
            for seq in range(first, first + AT_ONCE):
                place.door.sessions.publish(big(seq))
            began = time.monotonic()
            assert isinstance(await quick.request(Ping(request_id="")), Pong)
            worst = max(worst, time.monotonic() - began)
            got += sum(isinstance(one, AgentStream) for one in quick.take())
        with anyio.fail_after(10):
            while got < ROWS:
                got += sum(isinstance(one, AgentStream) for one in quick.take())
                await asyncio.sleep(0.001)
        assert got == ROWS, "the quick one has each row"
        assert worst < 0.5, worst
        assert place.door.sessions.waiting() <= 3 * 2 * LIMIT
        gc.collect()
        # Rows are shared: three frozen clients keep the same ones.
        assert resident() - before < 2 * LIMIT + 3 * 4 * HIGH + 16_000_000
        seqs = [one async for one in _seqs(frozen[0], ROWS - 1)]
        assert seqs == sorted(set(seqs))
        assert len(seqs) < ROWS
        for client in frozen:
            client.close()


async def _seqs(client: RawClient, last: int) -> AsyncIterator[int]:
    """What a client reads when it wakes up, to the newest row."""
    with anyio.fail_after(20):
        while True:
            message = decode_daemon_frame(await client.next())
            if isinstance(message, AgentStream):
                assert isinstance(message.seq, int)
                yield message.seq
                if message.seq == last:
                    return


async def test_t32_a_follower_on_the_command_line_is_closed_with_1013(tmp_path: Path) -> None:
    async with gate(tmp_path / "s") as place:
        follower = RawClient(place.path)
        await follower.enter("follower", "cli")
        for seq in range(1_000):
            place.door.sessions.publish(big(seq))
            if seq % AT_ONCE == 0:
                await asyncio.sleep(0)
        assert place.door.sessions.waiting() <= 2 * LIMIT
        # It reads the beginning without a hole, and then why there is no more.
        code, _ = await follower.closed()
        seqs = [
            one.seq
            for one in map(decode_daemon_frame, follower.frames)
            if isinstance(one, AgentStream)
        ]
        assert seqs == list(range(len(seqs)))
        assert code == 1013
        follower.close()


async def test_who_never_reads_its_goodbye_is_cut(tmp_path: Path) -> None:
    async with gate(tmp_path / "s") as place:
        frozen = RawClient(place.path)
        await frozen.enter("frozen", "cli")
        for seq in range(1_500):
            place.door.sessions.publish(big(seq))
            if seq % AT_ONCE == 0:
                await asyncio.sleep(0)
        with anyio.fail_after(10):
            while place.listener._channels:
                await asyncio.sleep(0.02)
        assert place.door.sessions.waiting() == 0
        frozen.close()


async def test_t32_pings_whose_answers_are_not_taken_are_not_read(tmp_path: Path) -> None:
    """Pongs are control frames, which no outbox holds: they must not pile up either."""
    ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
    async with gate(tmp_path / "s") as place:
        client = RawClient(place.path)
        await client.enter()
        (channel,) = place.listener._channels
        pump = channel._pump
        assert isinstance(pump, Pump)
        piece = memoryview(ping * 400)
        at = most = 0
        with anyio.fail_after(20):
            while not pump._deaf:
                with contextlib.suppress(BlockingIOError):
                    at += client.socket.send(piece[at % len(piece) :])
                await asyncio.sleep(0)
                most = max(most, pump._size)
        assert most < 4 * HIGH
        client.socket.setblocking(True)
        client.socket.settimeout(10)
        # It goes on where it was, and nothing is lost.
        rest = len(piece) - at % len(piece)
        sender = asyncio.create_task(
            asyncio.to_thread(client.socket.sendall, piece[-rest:] if rest < len(piece) else b"")
        )
        pongs = (at + (rest if rest < len(piece) else 0)) // len(ping)
        got = 0
        while got < pongs * 127:
            got += len(await asyncio.to_thread(client.socket.recv, 1 << 20))
        await sender
        assert got == pongs * 127
        client.socket.setblocking(False)
        await client.say(PING)
        assert isinstance(decode_daemon_frame(await client.next()), Pong)
        client.close()


async def test_t32_a_message_of_pieces_without_a_byte_costs_nothing(tmp_path: Path) -> None:
    async with gate(tmp_path / "s") as place:
        client = RawClient(place.path)
        await client.enter()
        (channel,) = place.listener._channels
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client.socket, b"\x01\x80\0\0\0\0")
        for _ in range(20):
            await loop.sock_sendall(client.socket, b"\x00\x80\0\0\0\0" * 2_000)
        await loop.sock_sendall(client.socket, b"\x00\x81\0\0\0\0 ")
        with anyio.fail_after(10):
            while not (channel._parts is not None and len(channel._parts) == 1):
                await asyncio.sleep(0.01)
        assert sys.getsizeof(channel._parts) < 200
        client.close()


async def test_many_clients_share_each_framing_and_each_gets_all(tmp_path: Path) -> None:
    async with gate(tmp_path / "s") as place:
        clients = [await Client.connect_unix(place.path) for _ in range(50)]
        for seq in range(500):
            place.door.sessions.publish(row(seq))
            if seq % 10 == 0:
                await asyncio.sleep(0)
        for client in clients:
            seqs: list[int] = []
            with anyio.fail_after(10):
                while len(seqs) < 500:
                    seqs += [m.seq for m in client.take() if isinstance(m, AgentStream)]  # type: ignore[misc]
                    await asyncio.sleep(0.001)
            assert seqs == list(range(500))
            await client.aclose()
