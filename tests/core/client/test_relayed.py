"""Our own client through a real relay to real pairings: asyncio and blocking, let in and not."""

from __future__ import annotations

import select
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sereno.core.client.aio import Client
from sereno.core.client.bridge import RelayedClient
from sereno.core.client.errors import ClientError, ConnectionLost, NoDaemon, Refused
from sereno.core.client.paired import PairedHost
from sereno.core.home import Home
from sereno.core.protocol.frames import CloseCode
from sereno.core.protocol.messages import Pong
from sereno.core.protocol.pairing import ChangeDevice
from sereno.core.protocol.requests import Ping
from sereno.core.security.roles import Role
from tests.core.daemon.pairing_house import NOW
from tests.core.daemon.relayed_house import Relayed, relayed

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Relayed]:
    async with relayed(tmp_path / "daemon") as made:
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Home:
    return Home(tmp_path / "laptop")


def host_of(home: Home, link: str) -> PairedHost:
    host = PairedHost.of_target(home, link, NOW / 1000)
    host.clock = lambda: NOW / 1000
    return host


async def ping(client: Client) -> None:
    assert isinstance(await client.request(Ping(request_id="")), Pong)


async def test_c52_the_words_are_the_same_on_both_sides_and_a_yes_lets_in(
    there: Relayed, here: Home
) -> None:
    link = await there.link("sereno", confirm=True)
    heard: list[tuple[str, ...]] = []
    async with anyio.create_task_group() as tasks:

        async def answer() -> None:
            question = await there.pairing.question()
            assert question.words == list(heard[0])
            assert question.kind == "sereno"
            assert question.client_type.startswith("Sereno on ")
            await there.pairing.answer(question, True)

        tasks.start_soon(answer)
        host = host_of(here, link)
        client = await Client.connect_paired(host, words=heard.append)
    async with client:
        await ping(client)
    again = host_of(here, f"sereno://{host.server_id}")
    async with await Client.connect_paired(again, words=heard.append) as client:
        await ping(client)
    assert len(heard) == 1, "who is known is not asked about"
    (device,) = (await there.pairing.state()).devices
    assert device.rights == "operator"


async def test_other_rights_count_at_once_and_are_not_told_as_the_end(
    there: Relayed, here: Home
) -> None:
    """Whoever was told that they were revoked would pair again, for nothing."""
    host = host_of(here, await there.link("sereno"))
    kept = await anyio.to_thread.run_sync(RelayedClient.through, host)
    (device,) = (await there.pairing.state()).devices
    await there.pairing.pairings.change(
        ChangeDevice(request_id="", device_id=device.id, rights="viewer")
    )
    with pytest.raises(ConnectionLost) as lost:
        await anyio.to_thread.run_sync(partial(kept.request, Ping(request_id=""), timeout_s=5))
    assert lost.value.close_code == CloseCode.RESTART
    await anyio.to_thread.run_sync(kept.close)
    async with await Client.connect_paired(host) as client:
        await ping(client)
        roles = [one.role for one in there.sessions.sessions.peers]
        assert roles == [Role.VIEWER]


async def test_c16_a_no_is_told(there: Relayed, here: Home) -> None:
    link = await there.link("sereno", confirm=True)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(there.say, False)
        with pytest.raises(Refused) as refused:
            await Client.connect_paired(host_of(here, link))
    assert refused.value.code == "refused"


async def test_c52_t04_a_second_device_is_out(there: Relayed, here: Home, tmp_path: Path) -> None:
    link = await there.link("sereno")
    async with await Client.connect_paired(host_of(here, link)) as client:
        await ping(client)
        with pytest.raises(Refused) as refused:
            await Client.connect_paired(host_of(Home(tmp_path / "thief"), link))
        assert refused.value.code == "link_dead"
        await ping(client)


async def test_a_large_message_goes_both_ways(there: Relayed, here: Home) -> None:
    """Beyond what fits a frame of the channel, and a handshake."""
    link = await there.link("sereno")
    async with await Client.connect_paired(host_of(here, link)) as client:
        await client.request(Ping(request_id=""))
        there.sessions.sessions.tell(b'{"type":"session","message":' + _large(300_000) + b"}")
        with anyio.fail_after(10):
            async for message in client.messages():
                assert len(getattr(message, "content", "")) == 300_000
                break


def _large(size: int) -> bytes:
    return (
        b'{"type":"activity_log","payload":{"id":"a","timestamp":"2026-01-01T00:00:00.000Z",'
        b'"type":"error","content":"' + b"x" * size + b'"}}'
    )


async def test_c54_a_revoked_device_hears_why(there: Relayed, here: Home) -> None:
    link = await there.link("sereno")
    async with await Client.connect_paired(host_of(here, link)) as client:
        await ping(client)
        (device,) = (await there.pairing.state()).devices
        there.remote.drop(device.id)
        with anyio.fail_after(1), pytest.raises(ConnectionLost) as lost:
            async for _ in client.messages():
                pass
    assert (lost.value.close_code, lost.value.reason) == (4401, "Revoked")


async def test_c27_a_dead_link_says_what_may_be_wrong(
    there: Relayed, here: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.relay_client.noise.client.HANDSHAKE_S", 0.3)
    link = await there.link("sereno")
    there.pairing.later(3_600)
    await there.pairing.pairings.restarted()
    with pytest.raises(NoDaemon) as away:
        await Client.connect_paired(host_of(here, link))
    assert away.value.code == "daemon_away"
    assert "revoked or rotated" in away.value.next_step


async def test_t12_a_relay_that_dies_is_told_from_an_end(there: Relayed, here: Home) -> None:
    link = await there.link("sereno")
    async with await Client.connect_paired(host_of(here, link)) as client:
        await ping(client)
        there.relay.server.stop()
        with anyio.fail_after(10), pytest.raises(ConnectionLost) as lost:
            async for _ in client.messages():
                pass
        assert lost.value.close_code == 1006
        assert "not whole" in lost.value.reason


async def test_a_relay_that_is_not_there(there: Relayed, here: Home) -> None:
    link = await there.link("sereno")
    there.relay.server.stop()
    with pytest.raises(NoDaemon) as away:
        await Client.connect_paired(host_of(here, link))
    assert away.value.code.startswith("relay_")


# Blocking


async def blocking(host: PairedHost) -> RelayedClient:
    return await anyio.to_thread.run_sync(partial(RelayedClient.through, host))


async def test_the_blocking_client_is_readable_when_something_waits(
    there: Relayed, here: Home
) -> None:
    client = await blocking(host_of(here, await there.link("sereno")))
    try:
        ask = partial(client.request, Ping(request_id=""))
        assert isinstance(await anyio.to_thread.run_sync(ask), Pong)
        assert select.select([client.fileno()], [], [], 0)[0] == []
        assert client.receive_bytes(0.0) is None
        there.sessions.sessions.tell(b'{"type":"session","message":' + _large(10) + b"}")
        readable = partial(select.select, [client.fileno()], [], [], 5)
        assert (await anyio.to_thread.run_sync(readable))[0]
        assert client.next_push(0.0) is not None
        assert select.select([client.fileno()], [], [], 0)[0] == []
    finally:
        await anyio.to_thread.run_sync(client.close)
    client.close()


async def test_c54_the_blocking_client_of_a_revoked_device_does_not_call_again(
    there: Relayed, here: Home
) -> None:
    client = await blocking(host_of(here, await there.link("sereno")))
    (device,) = (await there.pairing.state()).devices
    there.remote.drop(device.id)
    with pytest.raises(Refused) as revoked:
        await anyio.to_thread.run_sync(client.receive_bytes, 5.0)
    assert revoked.value.code == "revoked"
    with pytest.raises(Refused):
        client.send_bytes(b"{}")
    await anyio.to_thread.run_sync(client.close)


async def test_the_blocking_client_says_why_it_was_not_let_in(
    there: Relayed, here: Home, tmp_path: Path
) -> None:
    link = await there.link("sereno")
    first = await blocking(host_of(here, link))
    with pytest.raises(ClientError) as refused:
        await blocking(host_of(Home(tmp_path / "thief"), link))
    assert refused.value.code == "link_dead"
    await anyio.to_thread.run_sync(first.close)
