"""Where our own client finds its daemon at the relay, day by day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from sereno.core.client.aio import Client
from sereno.core.client.errors import Refused
from sereno.core.client.paired import PairedHost
from sereno.core.home import Home
from sereno.core.home import pairings as files
from sereno.core.protocol.messages import Pong
from sereno.core.protocol.pairing import RevokeDevice
from sereno.core.protocol.requests import Ping
from tests.core.daemon.pairing_house import NOW, opened
from tests.core.daemon.relayed_house import Relayed, relayed

DAY_S = 24 * 3600


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Relayed]:
    async with relayed(tmp_path / "daemon") as made:
        yield made


@pytest.fixture
async def host(there: Relayed, tmp_path: Path) -> PairedHost:
    """Paired, and gone again."""
    link = await there.link("sereno")
    host = PairedHost.of_target(Home(tmp_path / "laptop"), link, NOW / 1000)
    host.clock = lambda: there.pairing.clock[0] / 1000
    await visit(host)
    return host


async def visit(host: PairedHost) -> None:
    async with await Client.connect_paired(host) as client:
        await ping(client)


async def ping(client: Client) -> None:
    assert isinstance(await client.request(Ping(request_id="")), Pong)


async def waits_at(there: Relayed, places: set[str]) -> None:
    """Until the daemon is to be found at exactly these ids."""
    with anyio.fail_after(10):
        while set(there.remote._lines) != places or there.remote.status().state != "ready":
            await anyio.sleep(0.005)


def places(there: Relayed) -> set[str]:
    return {one.place for one in there.pairing.pairings.live()}


async def later(there: Relayed, seconds: float) -> None:
    there.pairing.later(seconds)
    await there.pairing.pairings._tidy()


async def test_t14_the_id_of_the_offer_is_not_used_beyond_its_day(
    there: Relayed, host: PairedHost
) -> None:
    assert host.place != host.server_id
    await later(there, 2 * DAY_S)
    assert host.server_id in places(there), "the device may not have heard that it was let in"
    await visit(host)
    assert host.place in places(there)
    assert host.server_id not in places(there)
    await waits_at(there, places(there))
    assert files.load(there.pairing.home, host.server_id) is not None, "the pairing is the same"


async def test_t14_the_ids_of_two_days_differ_and_each_day_is_reached(
    there: Relayed, host: PairedHost
) -> None:
    seen = [host.server_id]
    for _ in range(5):
        await visit(host)
        seen.append(host.place)
        await later(there, DAY_S)
        await waits_at(there, places(there))
    assert len(set(seen)) == 6
    assert set(there.remote._lines).isdisjoint(seen[:-1])


@pytest.mark.parametrize("hours", [-11, -5, 5, 11])
async def test_the_clocks_of_both_may_differ(there: Relayed, host: PairedHost, hours: int) -> None:
    host.clock = lambda: NOW / 1000 + hours * 3600
    await visit(host)


async def test_who_is_connected_stays_when_the_day_turns(there: Relayed, host: PairedHost) -> None:
    async with await Client.connect_paired(host) as client:
        before = host.place
        for _ in range(3):
            await later(there, DAY_S)
        await waits_at(there, places(there) | {before})
        await ping(client)
    await waits_at(there, places(there))
    assert before not in places(there)


async def test_a_device_that_never_heard_that_it_was_let_in_is_found_at_the_offer_s_id(
    there: Relayed, tmp_path: Path
) -> None:
    """Its machine died between the daemon's yes and the writing down of it."""
    home = Home(tmp_path / "laptop")
    host = PairedHost.of_target(home, await there.link("sereno"), NOW / 1000)
    host.let_in = lambda _: None  # type: ignore[method-assign,assignment]
    await visit(host)
    again = PairedHost.of_id(home, host.server_id)
    again.clock = lambda: NOW / 1000
    assert again.is_new
    assert again.place == host.server_id
    await visit(again)
    assert not again.is_new


async def test_t04_whoever_comes_by_the_link_after_the_device_is_told_that_it_is_dead(
    there: Relayed, tmp_path: Path
) -> None:
    link = await there.link("sereno")
    host = PairedHost.of_target(Home(tmp_path / "laptop"), link, NOW / 1000)
    host.clock = lambda: NOW / 1000
    for _ in range(3):
        await visit(host)
    with pytest.raises(Refused) as refused:
        await visit(PairedHost.of_target(Home(tmp_path / "thief"), link, NOW / 1000))
    assert refused.value.code == "link_dead"


async def test_c54_a_device_is_revoked_wherever_it_came_by(
    there: Relayed, host: PairedHost
) -> None:
    await visit(host)
    async with await Client.connect_paired(host) as client:
        await ping(client)
        (device,) = (await there.pairing.state()).devices
        await there.pairing.pairings.revoke(RevokeDevice(request_id="", device_id=device.id))
        with anyio.fail_after(5):
            while there.remote._lines:
                await anyio.sleep(0.005)
    assert places(there) == set()


async def test_the_next_daemon_knows_where_its_device_calls(
    there: Relayed, host: PairedHost
) -> None:
    await visit(host)
    before = places(there)
    after = await opened(there.pairing.home, there.pairing.database, {}, there.pairing.clock)
    assert {one.place for one in after.pairings.live()} == before
