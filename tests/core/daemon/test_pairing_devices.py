"""Devices: revoked alone and at once, changed, all of them rotated; and what a restart ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from sereno.core.daemon.pairing import CLAIMS, CLAIMS_PER_S, Pairings
from sereno.core.home import pairings as files
from sereno.core.protocol.pairing import (
    ChangeDevice,
    ChangeDeviceResult,
    RevokeDevice,
    RevokeDeviceResult,
    RotatePairings,
    SwitchRelay,
)
from sereno.core.store import pairings as store
from sereno.core.store.errors import StoreError
from tests.core.daemon.pairing_house import NOW, House, house


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "home") as made:
        yield made


async def revoke(home: House, device_id: str) -> RevokeDeviceResult:
    return await home.pairings.revoke(RevokeDevice(request_id="", device_id=device_id))


async def change(home: House, device_id: str, **fields: str) -> ChangeDeviceResult:
    request = ChangeDevice(request_id="", device_id=device_id, **fields)  # type: ignore[arg-type]
    return await home.pairings.change(request)


async def used_keys(home: House) -> int:
    return await home.database.read(
        lambda c: int(c.execute("SELECT count(*) FROM used_client_keys").fetchone()[0])
    )


# Revoking


async def test_c54_a_revoked_device_is_out_at_once_and_the_others_stay(home: House) -> None:
    gone, device = await home.pair("cid_1")
    stays, _ = await home.pair("cid_2")
    assert await home.pairings.claim(gone, b"\1" * 16)
    assert await home.pairings.claim(stays, b"\1" * 16)
    assert (await revoke(home, device.id)).error is None
    assert home.dropped == [device.id, gone]
    assert await home.knock(gone, "cid_1") is None
    assert await home.knock(stays, "cid_2") is not None
    assert [one.server_id for one in home.pairings.live()] == [stays]
    assert files.load(home.home, gone) is None
    assert await used_keys(home) == 1, "used keys go with their pairing"
    assert not await home.pairings.claim(gone, b"\2" * 16)
    assert (await revoke(home, device.id)).error is not None
    assert len((await home.state()).devices) == 1


async def test_c54_a_revoked_device_stays_out_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path / "home") as home:
        server_id, device = await home.pair()
        await revoke(home, device.id)
    async with house(tmp_path / "home") as home:
        assert await home.knock(server_id) is None
        assert home.pairings.live() == []
        assert (await home.state()).devices == []


async def test_c54_a_device_is_out_also_where_the_disk_refuses_to_write_that(
    tmp_path: Path,
) -> None:
    async with house(tmp_path / "home") as home:
        server_id, device = await home.pair()
        writer = home.database._writer
        assert writer is not None
        writer._connection.execute("PRAGMA query_only = ON")
        result = await revoke(home, device.id)
        assert "nobody comes by it now" in (result.error or "")
        assert result.next_step
        assert home.dropped == [device.id, server_id]
        assert await home.knock(server_id) is None
        assert files.load(home.home, server_id) is None
        writer._connection.execute("PRAGMA query_only = OFF")
    async with house(tmp_path / "home") as home:
        assert home.pairings.live() == [], "its keys are gone"


async def test_t16_whoever_has_an_old_link_cannot_fill_the_disk(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    server_id, _ = await home.pair()
    other, _ = await home.pair("cid_2")

    async def claims(server_id: str, first: int, count: int) -> int:
        keys = [number.to_bytes(16, "big") for number in range(first, first + count)]
        return [await home.pairings.claim(server_id, key) for key in keys].count(True)

    assert await claims(server_id, 0, CLAIMS + 5) == CLAIMS
    assert caplog.text.count("too many new client keys") == 1, "nor does it fill the log"
    assert await claims(other, 0, 1) == 1, "another pairing is not touched by that"
    home.later(10)
    assert await claims(server_id, 1000, CLAIMS) == 10 * CLAIMS_PER_S
    assert await used_keys(home) == CLAIMS + 10 * CLAIMS_PER_S + 1
    assert not await home.pairings.claim("srv_none", b"\1" * 16)


# Changing


async def test_other_rights_count_at_once_and_a_name_ends_nothing(home: House) -> None:
    server_id, device = await home.pair()
    renamed = await change(home, device.id, name="\tMy\x07 phone ")
    assert renamed.device is not None
    assert renamed.device.name == "My phone"
    assert home.again == []
    changed = await change(home, device.id, rights="viewer")
    assert changed.device is not None
    assert changed.device.rights == "viewer"
    assert (home.again, home.dropped) == ([device.id], []), "nobody is told that they were revoked"
    entry = await home.knock(server_id)
    assert entry is not None
    assert entry.role.value == "viewer"
    assert (await change(home, device.id, name=" \n ")).error is not None
    assert (await change(home, "dev_none", name="x")).error is not None


async def test_who_is_connected_and_when_they_were_here_is_shown_and_kept(
    tmp_path: Path,
) -> None:
    async with house(tmp_path / "home") as home:
        _, device = await home.pair()
        assert (device.last_seen_at, device.way, device.connections) == (None, None, 0)
        home.pairings.arrived(device.id, "relay")
        home.later(60)
        home.pairings.arrived(device.id, "direct")
        (shown,) = (await home.state()).devices
        assert (shown.way, shown.connections) == ("direct", 2)
        home.later(60)
        home.pairings.left(device.id)
        (shown,) = (await home.state()).devices
        assert shown.connections == 1
        async with anyio.create_task_group() as group:
            await group.start(home.pairings.run)
            with anyio.fail_after(5):
                while (await home.database.read(store.devices))[0].seen_ms != NOW + 120_000:
                    await anyio.sleep(0.005)
            group.cancel_scope.cancel()
        home.pairings.arrived("dev_none", "relay")
        home.pairings.left("dev_none")
    async with house(tmp_path / "home") as home:
        (shown,) = (await home.state()).devices
        assert (shown.way, shown.connections) == ("direct", 0)
        assert shown.last_seen_at is not None


# Rotation


async def test_t17_rotation_ends_every_offer_and_every_pairing(tmp_path: Path) -> None:
    async with house(tmp_path / "home") as home:
        paired = [await home.pair(f"cid_{number}") for number in range(3)]
        open_, asking = await home.made(), await home.made()
        await home.glance(asking[1])
        before = {one.server_id for one in home.pairings.live()}
        result = await home.pairings.rotate(RotatePairings(request_id=""))
        assert (result.devices, result.offers, result.error) == (3, 2, None)
        assert home.pairings.live() == []
        assert not list(files.folder(home.home).iterdir())
        for server_id, device in paired:
            assert server_id in home.dropped
            assert device.id in home.dropped
            assert await home.knock(server_id) is None
        state = await home.state()
        assert (state.devices, state.questions) == ([], [])
        assert {one.id: one.ended for one in state.offers} == {
            open_[0]: "rotated",
            asking[0]: "rotated",
        }
        _, fresh = await home.made()
        assert fresh not in before
    async with house(tmp_path / "home") as home:
        assert [one.server_id for one in home.pairings.live()] == [fresh]


async def test_t17_a_key_file_that_stays_is_told_and_opens_nothing(home: House) -> None:
    server_id, _ = await home.pair()
    path = files.path_of(home.home, server_id)
    path.unlink()
    path.mkdir()  # What unlink refuses, for root as well.
    result = await home.pairings.rotate(RotatePairings(request_id=""))
    assert str(path) in (result.error or "")
    assert result.next_step
    assert home.pairings.live() == []
    assert await home.knock(server_id) is None


# Restarts


async def test_c27_an_explicit_restart_ends_offers_and_keeps_pairings(tmp_path: Path) -> None:
    async with house(tmp_path / "home") as home:
        bound, _ = await home.pair()
        open_, asking = await home.made(), await home.made()
        await home.glance(asking[1])
        await home.pairings.restarted()
        assert home.acts.count("pairing.restarted") == 2
    async with house(tmp_path / "home") as home:
        assert [one.server_id for one in home.pairings.live()] == [bound]
        assert await home.knock(bound) is not None
        assert await home.knock(open_[1]) is None
        assert await home.knock(asking[1]) is None
        state = await home.state()
        ends = {one.id: one.ended for one in state.offers if one.device_id is None}
        assert ends == {open_[0]: "restarted", asking[0]: "restarted"}
        assert state.questions == []


async def test_c27_a_hand_over_and_a_crash_end_no_offer(tmp_path: Path) -> None:
    async with house(tmp_path / "home") as home:
        offer_id, server_id = await home.made()
    async with house(tmp_path / "home") as home:
        assert [one.id for one in (await home.state()).offers] == [offer_id]
        async with anyio.create_task_group() as group:
            group.start_soon(home.knock, server_id)
            assert (await home.answer(await home.question(), True)).device is not None


# News


async def test_whoever_waits_for_news_gets_them_when_there_are_some(home: House) -> None:
    state = await home.state()
    found: list[int] = []

    async def wait() -> None:
        found.append((await home.pairings.state(state.revision)).revision)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            assert found == []
            await home.made()
    assert found[0] > state.revision
    with anyio.fail_after(5):
        assert (await home.pairings.state(state.revision)).revision > state.revision
        stranger = await home.pairings.state(1)
    assert stranger.revision > 1, "a number of another daemon is old, whatever it is"


async def test_a_daemon_that_stops_lets_nobody_wait(home: House) -> None:
    state = await home.state()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(home.pairings.state, state.revision)
            await anyio.lowlevel.checkpoint()
            home.pairings.close()
        await home.pairings.state(state.revision)


async def test_the_relay_is_switched_on_and_off_in_the_configuration(tmp_path: Path) -> None:
    async with house(tmp_path / "home", config="# mine\n[log]\nlevel = 'warn'\n") as home:
        server_id_before = home.pairings.live()
        on = await home.pairings.switch_relay(SwitchRelay(request_id="", enabled=True))
        assert on.error is None
        assert (await home.state()).relay.enabled
        off = await home.pairings.switch_relay(SwitchRelay(request_id="", enabled=False))
        assert off.error is None
        state = await home.state()
        assert (state.relay.enabled, state.relay.state) == (False, "off")
        assert "# mine" in home.home.config.read_text()
        assert home.pairings.live() == server_id_before


# Who is who on a direct socket, and web pages


async def test_a_direct_client_is_told_the_id_that_it_was_paired_with(home: House) -> None:
    assert home.pairings.server_id_of("cid_1") is None
    first, _ = await home.pair("cid_1")
    other, _ = await home.pair("cid_2")
    assert home.pairings.server_id_of(" cid_1 ") == first
    assert home.pairings.server_id_of("cid_2") == other
    assert home.pairings.server_id_of("cid_3") is None
    home.later(1)
    second, device = await home.pair("cid_1")
    assert home.pairings.server_id_of("cid_1") == second, "the newest"
    await revoke(home, device.id)
    assert home.pairings.server_id_of("cid_1") == first


async def test_t21_it_is_told_when_official_apps_are_paired_and_when_none_is(
    home: House,
) -> None:
    _, sereno = await home.made(kind="sereno", confirm=False)
    await home.knock(sereno, device_key=b"\1" * 32, device_secret=b"\2" * 32)
    await home.made()
    assert home.app_paired == []
    _, device = await home.pair()
    assert (home.app_paired, home.pairings.has_app) == ([True], True)
    await revoke(home, device.id)
    assert (home.app_paired, home.pairings.has_app) == ([True, False], False)


async def test_a_database_that_cannot_be_written_makes_no_offer(home: House) -> None:
    writer = home.database._writer
    assert writer is not None
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError):
        await home.offer()
    assert home.pairings.live() == []
    assert not files.folder(home.home).exists()


def test_the_service_is_what_handlers_expect() -> None:
    from sereno.core.sessions.services import PairingControl

    kind: type[PairingControl] = Pairings
    assert kind is Pairings
