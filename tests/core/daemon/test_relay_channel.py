"""One client through a relay: claimed before anything counts, judged, served, and let go."""

from __future__ import annotations

import anyio
import pytest

from sereno.core.daemon import relay_channel
from sereno.core.daemon.relay_nacl import NaclChannel
from sereno.core.protocol.messages import Pong, ServerInfo
from sereno.core.protocol.outgoing import Kind, Outgoing
from tests.core.daemon.relayed import PAIR, Claims, Judge, MemorySocket, Phone, connected
from tests.core.sessions.house import door


async def test_c11_a_client_is_served_through_the_channel() -> None:
    async with door() as house, connected(house.sessions) as socket:
        phone = Phone(socket)
        phone.hello()
        [info] = await phone.until(bool)
        assert isinstance(info, ServerInfo)
        assert info.server_id == "srv_phone"
        phone.ask("ping")
        [pong] = await phone.until(bool)
        assert isinstance(pong, Pong)
        assert all("server_info" not in str(frame) for frame in socket.sent)


async def test_t05_nothing_is_heard_before_the_key_is_on_disk() -> None:
    claims, judge = Claims(), Judge()
    claims.ready = anyio.Event()
    async with door() as house, connected(house.sessions, judge, claims.claim) as socket:
        phone = Phone(socket)
        phone.hello()
        await phone.open()
        for _ in range(50):
            await anyio.sleep(0.001)
        assert judge.heard == []
        assert house.sessions.count == 0
        claims.ready.set()
        await phone.until(bool)
        assert judge.heard == ["cid_phone"]


async def test_t05_a_recorded_session_played_back_to_a_new_connection_executes_nothing() -> None:
    claims, judge = Claims(), Judge()
    async with door() as house:
        async with connected(house.sessions, judge, claims.claim) as socket:
            phone = Phone(socket)
            phone.hello()
            await phone.until(bool)
            phone.ask("cancel_agent_request", agentId="a1")
            await phone.until(bool)
        asked = list(house.fleet.acts)
        async with connected(house.sessions, judge, claims.claim) as again:
            for frame in phone.recorded:
                again.push(frame)
            assert await again.until_closed() == (1011, "E2EE handshake failed")
        assert judge.heard == ["cid_phone"]
        assert list(house.fleet.acts) == asked


async def test_a_client_that_sends_and_leaves_is_heard() -> None:
    """What had arrived counts, also when the socket is gone by the time the key is claimed."""
    claims, judge = Claims(), Judge()
    claims.ready = anyio.Event()
    async with door() as house, connected(house.sessions, judge, claims.claim) as socket:
        phone = Phone(socket)
        phone.hello()
        await phone.open()
        socket.hang_up()
        claims.ready.set()
        with anyio.fail_after(5):
            while not judge.heard:
                await anyio.sleep(0.001)


async def test_a_store_that_fails_delivers_nothing() -> None:
    async def broken(_: bytes) -> bool:
        raise OSError("disk full")

    judge = Judge()
    async with door() as house:
        socket = MemorySocket()
        phone = Phone(socket)
        phone.hello()
        channel = NaclChannel(socket, house.sessions, "srv_phone", PAIR.secret, broken, judge)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(phone.open)
            with pytest.raises(ExceptionGroup, match="unhandled") as raised:
                await channel.run()
        assert raised.group_contains(OSError, match="disk full")
        assert judge.heard == []
        assert house.sessions.count == 0


async def test_who_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.relay_client.nacl.daemon.HANDSHAKE_S", 0.05)
    async with door() as house, connected(house.sessions) as socket:
        assert await socket.until_closed() == (4001, "Hello timeout")


async def test_a_dropped_device_is_gone_even_when_the_relay_takes_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay_channel, "GOODBYE_S", 0.05)
    async with door() as house:
        with anyio.fail_after(5):
            async with connected(house.sessions) as socket:
                phone = Phone(socket)
                phone.hello()
                await phone.until(bool)
                socket.stuck = anyio.Event()
                assert house.sessions.drop("device:d1", 4401, "Revoked") == 1
                while house.sessions.peers or house.sessions.count:
                    await anyio.sleep(0.001)


async def test_t39_a_slow_client_fills_its_outbox_and_nothing_else() -> None:
    async with door() as house, connected(house.sessions) as socket:
        phone = Phone(socket)
        phone.hello()
        await phone.until(bool)
        socket.stuck = anyio.Event()
        for n in range(400):
            house.sessions.publish(Outgoing(Kind.STATE, f"k{n}", b'{"x":"' + b"y" * 4_000 + b'"}'))
            house.sessions.flush()
        waiting = house.sessions.waiting()
        assert waiting > 1_000_000, "what the socket does not take stays in the outbox"
        assert waiting < 400 * 4_100
        socket.stuck.set()
        socket.stuck = None
        with anyio.fail_after(5):
            while house.sessions.waiting():
                await anyio.sleep(0.001)


async def test_what_is_not_the_clients_ends_the_channel() -> None:
    async with door() as house, connected(house.sessions) as socket:
        phone = Phone(socket)
        phone.hello()
        await phone.until(bool)
        socket.push('{"type":"session"}')
        code, reason = await socket.until_closed()
        assert (code, reason) == (1011, "Received plaintext frame on encrypted channel")
        with anyio.fail_after(5):
            while house.sessions.peers:
                await anyio.sleep(0.001)


def test_the_key_pair_of_the_tests_is_one() -> None:
    assert len(PAIR.public) == 32
    assert MemorySocket().closed is None
