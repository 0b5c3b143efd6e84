"""The pairing of a Paseo home: shared by its phones, each confirmed and revoked alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import anyio
import pytest

from sereno.core.daemon.pairing_rows import pairing_row
from sereno.core.home import Home, HomeError, secret_files
from sereno.core.home import pairings as files
from sereno.core.protocol.pairing import RotatePairings
from sereno.core.security.pairings import taken_over
from sereno.core.store import meta
from sereno.core.store import pairings as store
from sereno.relay_client.keypair import KeyPair
from tests.core.daemon.pairing_house import NOW, house
from tests.core.daemon.test_pairing_devices import revoke

PASEO = "srv_ofPaseo"


async def take_over(root: Path) -> bytes:
    """As import-paseo leaves it; gives the secret key."""
    async with house(root) as home:
        secret = b"\7" * 32
        secret_files.save_file(files.daemon_key_path(home.home), KeyPair.of(secret).encode())

        def work(connection: sqlite3.Connection) -> None:
            store.put(connection, pairing_row(taken_over("off_paseo", PASEO, NOW)))
            meta.set_value(connection, "server_id", PASEO)

        await home.database.write(work)
    return secret


async def test_c14_each_client_of_an_imported_pairing_is_confirmed_once(tmp_path: Path) -> None:
    secret = await take_over(tmp_path / "home")
    async with house(tmp_path / "home") as home:
        assert home.pairings.secret(PASEO) == secret
        assert [(one.server_id, one.kind) for one in home.pairings.live()] == [(PASEO, "paseo")]
        assert home.pairings.has_app
        for client_id in ("cid_1", "cid_2"):
            async with anyio.create_task_group() as group:
                group.start_soon(home.knock, PASEO, client_id)
                question = await home.question()
                assert question.kind == "paseo"
                assert (await home.answer(question, True)).device is not None
        assert (await home.state()).offers == []
        home.later(24 * 3600)
        await home.pairings._tidy()
    async with house(tmp_path / "home") as home:
        first, second = await home.knock(PASEO, "cid_1"), await home.knock(PASEO, "cid_2")
        assert first is not None
        assert second is not None
        assert first.device_id != second.device_id
        assert home.pairings.server_id_of("cid_2") == PASEO


async def test_c54_of_an_imported_pairing_each_phone_is_refused_or_revoked_alone(
    tmp_path: Path,
) -> None:
    await take_over(tmp_path / "home")
    async with house(tmp_path / "home") as home:
        for client_id, allow in (("cid_no", False), ("cid_1", True), ("cid_2", True)):
            await home.glance(PASEO, client_id)
            (question,) = (await home.state()).questions
            assert (await home.answer(question, allow)).error is None
        gone, stays = (await home.state()).devices
        assert (await revoke(home, gone.id)).error is None
        assert gone.id in home.dropped
        assert PASEO not in home.dropped
        assert [one.id for one in (await home.state()).devices] == [stays.id]
        assert (await revoke(home, gone.id)).error is not None
    async with house(tmp_path / "home") as home:
        assert await home.knock(PASEO, "cid_no") is None
        assert await home.knock(PASEO, "cid_1") is None
        assert await home.knock(PASEO, "cid_2") is not None
        assert home.pairings.server_id_of("cid_1") is None
        assert len(home.pairings.live()) == 1


async def test_whoever_has_the_link_of_a_shared_pairing_cannot_fill_the_screen(
    tmp_path: Path,
) -> None:
    await take_over(tmp_path / "home")
    async with house(tmp_path / "home") as home:
        for number in range(8):
            await home.glance(PASEO, f"cid_{number}")
        with anyio.fail_after(5):
            assert await home.knock(PASEO, "cid_8") is None
        assert len((await home.state()).questions) == 8
        home.later(600)
        await home.pairings._tidy()
        assert (await home.state()).questions == []
        await home.glance(PASEO, "cid_8")


async def test_t17_rotation_takes_the_imported_key_too(tmp_path: Path) -> None:
    await take_over(tmp_path / "home")
    async with house(tmp_path / "home") as home:
        await home.pairings.rotate(RotatePairings(request_id=""))
        assert home.pairings.live() == []
        assert not files.daemon_key_path(Home(tmp_path / "home")).exists()


async def test_c14_a_damaged_imported_key_is_refused(tmp_path: Path) -> None:
    await take_over(tmp_path / "home")
    path = files.daemon_key_path(Home(tmp_path / "home"))
    path.write_bytes(b"{}")
    with pytest.raises(HomeError) as caught:
        async with house(tmp_path / "home"):
            pass
    assert caught.value.code == "damaged_keys"
    assert path.read_bytes() == b"{}"
