"""Devices that stay away for long must pair again; those that are here never."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.core.home import pairings as files
from sereno.core.protocol.values import iso
from sereno.core.store import pairings as store
from tests.core.daemon.pairing_house import NOW, RELAY_ON, House, house, opened
from tests.core.daemon.test_pairing_devices import revoke
from tests.core.daemon.test_pairing_shared import PASEO, take_over

DAY_S = 24 * 3600
TEN_DAYS = RELAY_ON + "[daemon.auth]\ndevice_days = 10\n"


async def tidied(home: House) -> None:
    """What the daemon does each half minute, once."""
    await home.pairings._tidy()


async def confirmed(home: House, client_id: str) -> str:
    """A client of the shared pairing that the person said yes to; its device id."""
    await home.glance(PASEO, client_id)
    (question,) = (await home.state()).questions
    device = (await home.answer(question, True)).device
    assert device is not None
    return device.id


async def stored(home: House) -> int:
    return len(await home.database.read(store.devices))


async def test_c55_a_device_that_was_away_for_too_long_must_pair_again(tmp_path: Path) -> None:
    async with house(tmp_path / "home", config=TEN_DAYS) as home:
        server_id, device = await home.pair()
        assert device.expires_at == iso(NOW + 10 * DAY_S * 1000)
        home.later(10 * DAY_S - 1)
        await tidied(home)
        assert await home.knock(server_id) is not None
        home.later(1)
        await tidied(home)
        assert home.acts[-1] == "device.expired"
        assert home.dropped == [device.id, server_id]
        assert await home.knock(server_id) is None
        assert home.pairings.live() == []
        assert files.load(home.home, server_id) is None
        assert await stored(home) == 0


async def test_c55_it_is_too_late_also_before_anybody_has_looked(tmp_path: Path) -> None:
    async with house(tmp_path / "home", config=TEN_DAYS) as home:
        server_id, _ = await home.pair()
        home.later(10 * DAY_S)
        assert await home.knock(server_id) is None
        assert (await home.state()).devices == []


async def test_c55_each_visit_counts_from_its_end(tmp_path: Path) -> None:
    async with house(tmp_path / "home", config=TEN_DAYS) as home:
        server_id, device = await home.pair()
        home.later(9 * DAY_S)
        home.pairings.arrived(device.id, "relay")
        home.later(30 * DAY_S)
        await tidied(home)
        assert (await home.state()).devices[0].connections == 1
        home.pairings.left(device.id)
        home.later(10 * DAY_S - 1)
        await tidied(home)
        assert await home.knock(server_id) is not None


async def test_c55_a_killed_daemon_knows_who_was_here(tmp_path: Path) -> None:
    """Nobody saw the device leave; it was here for a month, and a minute ago."""
    async with house(tmp_path / "home", config=TEN_DAYS) as home:
        server_id, device = await home.pair()
        home.pairings.arrived(device.id, "relay")
        for _ in range(30):
            home.later(DAY_S)
            await tidied(home)
        home.later(60)
        after = await opened(home.home, home.database, {}, home.clock)
        await tidied(after)
        assert await after.knock(server_id) is not None


async def test_c55_for_ever_where_the_person_wants_it(tmp_path: Path) -> None:
    config = RELAY_ON + "[daemon.auth]\ndevice_days = 0\n"
    async with house(tmp_path / "home", config=config) as home:
        server_id, device = await home.pair()
        assert device.expires_at is None
        home.later(3_000 * DAY_S)
        await tidied(home)
        assert await home.knock(server_id) is not None


async def test_c55_on_a_shared_pairing_one_is_asked_about_again(tmp_path: Path) -> None:
    async with house(tmp_path / "home", config=TEN_DAYS):
        pass  # The configuration stays.
    await take_over(tmp_path / "home")
    async with house(tmp_path / "home") as home:
        gone, shut = await confirmed(home, "cid_gone"), await confirmed(home, "cid_shut")
        await revoke(home, shut)
        home.later(10 * DAY_S)
        stays = await confirmed(home, "cid_stays")
        await tidied(home)
        assert [one.id for one in (await home.state()).devices] == [stays]
        assert gone in home.dropped
        assert PASEO not in home.dropped
        await home.glance(PASEO, "cid_gone")  # asks, and is not let in by itself
        assert await home.knock(PASEO, "cid_shut") is None
    async with house(tmp_path / "home") as home:
        assert [one.id for one in (await home.state()).devices] == [stays]


async def test_c55_what_the_disk_keeps_lets_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path / "home", config=TEN_DAYS) as home:
        server_id, _ = await home.pair()
        home.later(10 * DAY_S)

        async def full(*_: object, **__: object) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(home.database, "write", full)
        with pytest.raises(OSError, match="no space"):
            await tidied(home)
        assert await home.knock(server_id) is None
