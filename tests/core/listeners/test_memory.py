"""The in-memory way between two threads: order, promptness, few wake-ups, and a bound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest

from sereno.core.client.aio import Client, ConnectionLost, NoDaemon
from sereno.core.listeners.memory import HIGH, MemoryListener, MemoryPipe
from sereno.core.protocol.messages import AgentStream, Pong
from sereno.core.protocol.requests import FetchAgents, Ping, Subscribe
from sereno.core.sessions.outbox import LIMIT
from tests.core.sessions.house import Door, door, upsert, view
from tests.core.sessions.test_registry import big, row


class DaemonThread:
    """A door on a loop and thread of its own, as the UI has it."""

    def __init__(self) -> None:
        self.listener = MemoryListener()
        self.house: Door
        self.loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with door() as self.house:
            self.listener.start(self.house.sessions)
            self._ready.set()
            await self._stop.wait()
            self.listener.stop()

    def do(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Runs something on the daemon's loop and waits for it."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(work, *arguments)
        self.loop.call_soon_threadsafe(done.set)
        assert done.wait(5)

    def stop(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
            self.thread.join(5)


@contextmanager
def daemon() -> Iterator[DaemonThread]:
    running = DaemonThread()
    running.thread.start()
    running._ready.wait(5)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def other() -> Iterator[DaemonThread]:
    with daemon() as running:
        yield running


async def test_requests_and_pushes_cross_the_threads_in_order(other: DaemonThread) -> None:
    async with await Client.connect_memory(other.listener) as client:
        assert client.server.server_id == "srv_test"
        assert isinstance(await client.request(Ping(request_id="")), Pong)
        for seq in range(200):
            other.do(other.house.sessions.publish, row(seq))
        seqs = []
        with anyio.fail_after(5):
            async for message in client.messages():
                assert isinstance(message, AgentStream)
                seqs.append(message.seq)
                if len(seqs) == 200:
                    break
        assert seqs == list(range(200))


async def test_replies_come_at_once_and_streams_wake_the_client_seldom(
    other: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    drains = 0
    drain = MemoryPipe._drain

    def counting(pipe: MemoryPipe) -> None:
        nonlocal drains
        drains += 1
        drain(pipe)

    monkeypatch.setattr(MemoryPipe, "_drain", counting)
    async with await Client.connect_memory(other.listener) as client:
        drains = 0
        began = asyncio.get_running_loop().time()
        for seq in range(1000):
            other.do(other.house.sessions.publish, row(seq))
            await asyncio.sleep(0)
        got = 0
        with anyio.fail_after(5):
            while got < 1000:
                got += len(client.take())
                await asyncio.sleep(0.001)
        spent = asyncio.get_running_loop().time() - began
        assert drains <= spent / 0.033 + 2
        times = []
        for _ in range(5):
            began = asyncio.get_running_loop().time()
            await client.request(Ping(request_id=""))
            times.append(asyncio.get_running_loop().time() - began)
        assert min(times) < 0.02, "a reply does not wait for the lazy tick"


async def test_a_client_that_takes_nothing_fills_its_pipe_and_its_outbox_and_no_more(
    other: DaemonThread,
) -> None:
    async with (
        await Client.connect_memory(other.listener) as frozen,
        await Client.connect_memory(other.listener) as live,
    ):
        await frozen.request(FetchAgents(request_id="", subscribe=Subscribe()))
        assert isinstance(frozen._transport, MemoryPipe)
        pipe = frozen._transport
        pipe._drain = lambda: None  # type: ignore[method-assign]
        total = 3 * (HIGH + LIMIT) // 10_000
        got = 0
        for seq in range(total):
            other.do(other.house.sessions.publish, big(seq))
            if seq % 50 == 0:
                other.do(other.house.sessions.publish, upsert(view("a1", updated_ms=seq)))
                got += len([m for m in live.take() if isinstance(m, AgentStream)])
                await asyncio.sleep(0.05)
        assert pipe._size < HIGH + 100_000
        other.do(lambda: None)
        assert other.house.sessions.waiting() <= 2 * LIMIT
        with anyio.fail_after(10):
            while got < total:
                got += len([m for m in live.take() if isinstance(m, AgentStream)])
                await asyncio.sleep(0.005)
        del pipe._drain
        seqs: list[int] = []
        with anyio.fail_after(10):
            while not seqs or seqs[-1] != total - 1:
                pipe._drain()
                seqs += [m.seq for m in frozen.take() if isinstance(m, AgentStream)]  # type: ignore[misc]
                await asyncio.sleep(0.01)
        assert seqs == sorted(set(seqs))
        assert len(seqs) < total


async def test_the_end_of_the_daemon_is_told_and_a_new_client_is_refused(
    other: DaemonThread,
) -> None:
    client = await Client.connect_memory(other.listener)
    other.stop()
    with pytest.raises(ConnectionLost), anyio.fail_after(5):
        async for _ in client.messages():
            pass
    with pytest.raises(ConnectionLost):
        await client.request(Ping(request_id=""))
    with pytest.raises(NoDaemon):
        await Client.connect_memory(other.listener)


async def test_what_the_client_wrote_before_it_closed_is_taken(other: DaemonThread) -> None:
    from sereno.core.protocol.permissions import Allow
    from sereno.core.protocol.requests import PermissionAnswer

    client = await Client.connect_memory(other.listener)
    await client.send(PermissionAnswer(agent_id="a1", request_id="p1", response=Allow()))
    await client.aclose()
    with anyio.fail_after(5):
        while not other.house.fleet.acts:
            await asyncio.sleep(0.005)
    assert other.house.fleet.acts == [("answer", "a1", "p1", "owner (this terminal)")]


async def test_both_loops_may_be_one() -> None:
    async with door() as house:
        listener = MemoryListener()
        listener.start(house.sessions)
        async with await Client.connect_memory(listener) as client:
            assert isinstance(await client.request(Ping(request_id="")), Pong)
        listener.stop()
