"""Strangers by the dozen, and somebody who works here meanwhile (T27, T31)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest

from sereno.core.listeners import arrival, front
from sereno.core.listeners.crowd import EACH, TOTAL, Crowd
from sereno.core.listeners.verify import Verifier
from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from sereno.core.security.passwords import matches
from sereno.core.security.same_user import Owner, Sight
from tests.core.listeners.house import PING, RawClient
from tests.core.listeners.street import (
    PASSWORD,
    TOKEN,
    Street,
    ask,
    get,
    hang_up,
    hashed,
    settings,
    status_of,
    street,
)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def silent(
    place: Street, beginning: bytes = b"GET /ws HT", source: str = "127.0.0.1"
) -> socket.socket:
    one = socket.socket()
    one.connect(place.address)
    one.sendall(beginning)
    return one


@asynccontextmanager
async def working(place: Street) -> AsyncIterator[RawClient]:
    client = place.client(subprotocols=[SERENO_V1, bearer64(TOKEN)])
    await client.enter("working")
    try:
        yield client
    finally:
        client.close()


async def ping(client: RawClient) -> float:
    """Seconds until the pong."""
    before = time.perf_counter()
    await client.say(PING)
    assert b"pong" in await client.next()
    return time.perf_counter() - before


@pytest.mark.alone
@pytest.mark.linux
async def test_t31_slow_loris_of_200_sockets_is_bounded_and_nobody_else_waits() -> None:
    async with street() as place, working(place) as client:
        before = open_files()
        flood: list[socket.socket] = []
        for number in range(200):
            flood.append(silent(place))
            if number % 20 == 0:
                assert await ping(client) < 1
        mine = len(flood)
        assert open_files() - before - mine <= TOTAL
        # A newcomer is served while they all stand there, also one from the same address.
        with anyio.fail_after(5):
            assert status_of(await ask(place.address, get("/api/health"))) == 200
            other = place.client()
            await other.enter("newcomer")
        assert await ping(client) < 1
        # Soon they are only as many as one address may be, and then none.
        with anyio.fail_after(5):
            while len(place.front.crowd) > EACH:
                await anyio.sleep(0.02)
        for one in (*flood, other.socket):
            one.close()


async def test_t31_a_head_that_trickles_in_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arrival.HEAD_S == 5
    monkeypatch.setattr(arrival, "HEAD_S", 0.2)
    async with street() as place:
        reader, writer = await asyncio.open_connection(*place.address)
        with anyio.fail_after(5), contextlib.suppress(ConnectionError):
            while not reader.at_eof() and not reader._buffer:  # type: ignore[attr-defined]
                writer.write(b"G")
                await writer.drain()
                await anyio.sleep(0.02)
        async with asyncio.timeout(5):
            assert status_of(await reader.read()) == 408
        await hang_up(writer)


async def test_t31_frames_before_the_judgement_are_not_even_read() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def verify(_: str, __: str) -> bool:
        asked.set()
        await go.wait()
        return False

    async with street(settings(password_hash=hashed()), verify=verify) as place:
        client = place.client(subprotocols=["paseo.bearer.wrong"])
        client.protocol.send_request(client.protocol.connect())
        await client.flush()
        with anyio.fail_after(5):
            await asked.wait()
        sent = 0
        # The kernels' buffers take some; then nothing goes any more.
        with contextlib.suppress(TimeoutError, BlockingIOError):
            while sent < 64 << 20:
                sent += client.socket.send(b"\x82\xff" + b"\0" * 65_534)
        assert sent < 64 << 20
        (one,) = place.listener._arrivals
        assert len(one._head.rest) <= 16 * 1024
        go.set()
        with anyio.fail_after(5):
            while place.listener._arrivals:
                await anyio.sleep(0.01)
        client.close()


async def test_t31_many_commands_at_once_are_no_attack() -> None:
    """More than there are places, all of the same user and at the same moment: each is served."""
    async with street() as place:
        asking = (ask(place.address, get(), seconds=40) for _ in range(80))
        answers = await asyncio.gather(*asking)
        assert {status_of(answer) for answer in answers} == {200}


@pytest.mark.alone
@pytest.mark.linux
async def test_t27_t87_twenty_strangers_cost_a_working_client_less_than_20_ms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With real hashes: each takes a quarter of a second of one processor. The strangers are of
    twenty machines, as far as the gate can tell."""
    monkeypatch.setattr("sereno.core.security.gate.neighbourhood", str)
    rules = settings(password_hash=hashed(cost=12))

    def elsewhere(connections: Sequence[socket.socket]) -> list[Owner | Sight]:
        return [Sight.ELSEWHERE for _ in connections]

    async with street(rules, sights=elsewhere) as place, working(place) as client:

        async def stranger(number: int) -> None:
            reader, writer = await asyncio.open_connection(
                *place.address, local_addr=(f"127.0.0.{number + 2}", 0)
            )
            try:
                writer.write(get(Authorization=f"Bearer wrong-{number}").encode())
                assert status_of(await reader.read()) in (401, 503)
            finally:
                writer.close()

        quiet = sorted([await ping(client) for _ in range(50)])[25]
        waits: list[float] = []
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(stranger, number)
            with anyio.move_on_after(1.2):
                while True:
                    waits.append(await ping(client))
                    await anyio.sleep(0.005)
            group.cancel_scope.cancel()
        waits.sort()
        assert len(waits) > 20
        assert waits[len(waits) // 2] - quiet < 0.02, (quiet, waits[-5:])


async def test_t27_a_hundred_wrong_tries_compute_five_hashes_and_lock_nobody_who_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "PAUSE_S", 0.01)
    computed: list[str] = []

    def compare(password: str, kept: str) -> bool:
        computed.append(password)
        return matches(password, kept)

    rules = settings(password_hash=hashed())
    async with street(rules, verify=Verifier(compare)) as place:
        right = get(Authorization=f"Bearer {PASSWORD}")
        assert status_of(await ask(place.address, right)) == 200
        statuses = []
        for number in range(100):
            answer = await ask(place.address, get(Authorization=f"Bearer wrong-{number}"))
            statuses.append(status_of(answer))
        assert statuses == [401] * 5 + [429] * 95
        assert b"Retry-After: " in answer
        assert len(computed) == 6
        # What is proved is not locked out, on this device or by the token.
        assert status_of(await ask(place.address, right)) == 200
        assert status_of(await ask(place.address, get(Authorization=f"Bearer {TOKEN}"))) == 200
        assert len(computed) == 6


async def gone(place: Street) -> None:
    """Until nobody stands at the door, and all failures are counted."""
    with anyio.fail_after(5):
        while place.listener._arrivals:
            await anyio.sleep(0.005)


async def test_t27_t31_who_failed_too_often_is_refused_unhurriedly_and_nobody_else_waits() -> None:
    async with street(settings(loopback="token"), crowd=Crowd(failures=2)) as place:
        wrong = get(Authorization="Bearer wrong")
        for _ in range(2):
            assert status_of(await ask(place.address, wrong)) == 401
        await gone(place)
        begin = time.monotonic()
        async with asyncio.TaskGroup() as group:
            slow = [group.create_task(ask(place.address, wrong)) for _ in range(4)]
            right = get(Authorization=f"Bearer {TOKEN}")
            assert status_of(await ask(place.address, right)) == 200
            # On a loaded machine this alone may take longer than the pause.
            slower = time.monotonic() - begin >= front.PAUSE_S
            assert slower or not any(one.done() for one in slow)
        assert {status_of(one.result()) for one in slow} == {401}
        assert time.monotonic() - begin >= front.PAUSE_S


async def test_t31_who_waits_for_a_refusal_gives_its_place_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "PAUSE_S", 60.0)
    async with street(settings(loopback="token"), crowd=Crowd(total=1, failures=1)) as place:
        wrong = get(Authorization="Bearer wrong")
        assert status_of(await ask(place.address, wrong)) == 401
        await gone(place)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ask(place.address, wrong))
            with anyio.fail_after(5):
                while not any(one.failure for one in place.listener._arrivals):
                    await anyio.sleep(0.005)
            right = get(Authorization=f"Bearer {TOKEN}")
            assert status_of(await ask(place.address, right)) == 200
            assert await waiting == b""


@pytest.mark.linux
async def test_t27_passwords_are_compared_by_threads_that_are_nicer_than_the_daemon() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    found: list[int] = []

    def compare(_: str, __: str) -> bool:
        found.append(priority())
        return True

    assert await Verifier(compare)("password", "hash")
    assert found == [min(priority() + 5, 19)]


async def test_t87_equal_passwords_at_once_are_one_comparison_and_two_run_at_a_time() -> None:
    running, most, computed = 0, 0, 0

    def compare(_: str, __: str) -> bool:
        nonlocal running, most, computed
        running += 1
        computed += 1
        most = max(most, running)
        time.sleep(0.03)
        running -= 1
        return True

    verifier = Verifier(compare)
    async with anyio.create_task_group() as group:
        for number in range(30):
            group.start_soon(verifier, f"password-{number % 6}", "hash")
    assert (computed, most, verifier.waiting) == (6, 2, 0)


async def test_who_goes_away_takes_no_comparison_from_others() -> None:
    def compare(_: str, __: str) -> bool:
        time.sleep(0.05)
        return True

    verifier = Verifier(compare)
    leaving = asyncio.create_task(verifier("password", "hash"))
    staying = asyncio.create_task(verifier("password", "hash"))
    await anyio.sleep(0)
    leaving.cancel()
    async with asyncio.timeout(5):
        assert await staying is True


async def test_more_clients_than_allowed_are_told_so_in_words() -> None:
    async with street(most=2) as place:
        clients = [place.client() for _ in range(3)]
        for number, client in enumerate(clients[:2]):
            await client.enter(f"c{number}")
        await clients[2].upgrade()
        assert "503" in str(clients[2].protocol.handshake_exc)
        for client in clients:
            client.close()
        with anyio.fail_after(5):
            while place.listener._channels:
                await anyio.sleep(0.005)
        again = place.client()
        await again.enter()
        again.close()
