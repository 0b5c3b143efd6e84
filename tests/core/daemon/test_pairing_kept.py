"""What is kept of a pairing and of who came by it: keys, secrets of devices, and nothing more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from sereno.core.daemon.pairing import Entry
from sereno.core.home import HomeError
from sereno.core.home import pairings as files
from sereno.core.protocol.additions import MakeOfferResult
from sereno.core.protocol.security import SetPassword
from sereno.tui.pairing_news import Made
from tests.core.daemon.pairing_house import House, house, secrets_of


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "home") as made:
        yield made


# Our own clients


async def test_c52_our_own_clients_are_bound_by_their_key(home: House) -> None:
    key, other, secret = b"\1" * 32, b"\2" * 32, b"\3" * 32
    _, server_id = await home.made(kind="sereno")
    offered = home.pairings.psk(server_id)
    words = ["able", "baker", "candy"]
    async with anyio.create_task_group() as group:
        group.start_soon(_come, home, server_id, key, secret, words)
        question = await home.question()
        assert question.words == words
        assert home.pairings.psk(server_id) == secret != offered
        assert home.pairings.device_key(server_id) == key
        assert (await home.answer(question, True)).device is not None
    assert await home.knock(server_id, "another id", device_key=key) is not None
    assert await home.knock(server_id, "cid_1", device_key=other) is None
    assert await home.knock(server_id, "cid_1") is None
    assert home.pairings.server_id_of("cid_1") is None


async def _come(home: House, server_id: str, key: bytes, secret: bytes, words: list[str]) -> None:
    entry = await home.knock(server_id, device_key=key, device_secret=secret, words=words)
    assert entry is not None


async def test_who_asks_again_is_shown_with_the_words_of_this_handshake(home: House) -> None:
    """Whoever was cut off, or not answered in time, comes by another handshake: old words beside
    the new ones that the client shows would look like somebody in between."""
    key, secret = b"\1" * 32, b"\3" * 32
    _, server_id = await home.made(kind="sereno")
    await home.glance(server_id, device_key=key, device_secret=secret, words=["able", "baker"])
    (first,) = (await home.state()).questions
    await home.glance(server_id, device_key=key, words=["candy", "delta"])
    (again,) = (await home.state()).questions
    assert (again.id, again.words) == (first.id, ["candy", "delta"])


async def test_two_greetings_under_one_offer_leave_one_secret(home: House) -> None:
    """Both sockets were there before the first finished its handshake."""
    key = b"\1" * 32
    _, server_id = await home.made(kind="sereno")
    async with anyio.create_task_group() as group:
        group.start_soon(_come, home, server_id, key, b"\3" * 32, [])
        question = await home.question()
        assert await home.knock(server_id, device_key=key, device_secret=b"\4" * 32) is None
        assert (await home.answer(question, True)).device is not None
    assert home.pairings.psk(server_id) == b"\3" * 32


async def test_t04_two_devices_under_one_offer_end_it(home: House) -> None:
    answers: list[Entry | None] = []
    _, server_id = await home.made(kind="sereno")

    async def come() -> None:
        answers.append(await home.knock(server_id, device_key=b"\1" * 32, device_secret=b"\3" * 32))

    async with anyio.create_task_group() as group:
        group.start_soon(come)
        await home.question()
        other = await home.knock(server_id, device_key=b"\2" * 32, device_secret=b"\4" * 32)
        assert other is None
    assert answers == [None]
    assert [one.ended for one in (await home.state()).offers] == ["contested"]


async def test_a_device_of_our_own_is_called_what_it_says(home: House) -> None:
    _, server_id = await home.made(kind="sereno", confirm=False)
    await home.knock(server_id, client_type="Sereno on box", device_key=b"\1" * 32)
    assert [one.name for one in (await home.state()).devices] == ["Sereno on box"]


async def test_a_device_secret_outlives_the_daemon_and_a_stranger_changes_none(
    tmp_path: Path,
) -> None:
    key, secret = b"\1" * 32, b"\3" * 32
    async with house(tmp_path / "home") as home:
        _, server_id = await home.made(kind="sereno", confirm=False)
        await home.knock(server_id, device_key=key, device_secret=secret)
        stranger = await home.knock(server_id, device_key=b"\4" * 32, device_secret=b"\5" * 32)
        assert stranger is None
    async with house(tmp_path / "home") as home:
        assert home.pairings.psk(server_id) == secret
        assert home.pairings.device_key(server_id) == key


# What is kept


async def test_c53_t16_nothing_secret_is_in_the_database_or_the_audit(tmp_path: Path) -> None:
    clients = ["cid_00112233445566778899aabbccddeeff", "cid_secret_name_of_a_client_id_xyz"]
    async with house(tmp_path / "home") as home:
        await home.pair(clients[0])
        await home.made()
        _, server_id = await home.made(kind="sereno")
        await home.glance(server_id, device_key=b"\1" * 32, device_secret=b"\7" * 32)
        (question,) = (await home.state()).questions
        await home.answer(question, True)
        _, asking = await home.made()
        await home.glance(asking, clients[1])
        notes = repr(home.notes).encode()
        raw = b"".join(path.read_bytes() for path in home.home.root.glob("sereno.db*"))
    raw += home.home.database.read_bytes()
    secrets = secrets_of(home.home)
    assert len(secrets) >= 12
    for secret in secrets:
        assert secret not in raw
        assert secret not in notes
    for client_id in clients:
        assert client_id.encode() not in raw
        assert client_id.encode() not in notes


async def test_t16_a_link_stands_in_no_traceback(home: House) -> None:
    reply = await home.offer(kind="sereno")
    assert reply.url
    assert reply.typed
    told = repr(reply) + repr([reply]) + repr(Made(reply.url, "", "operator", reply.typed))
    assert reply.url not in told
    assert reply.typed not in told
    shown = MakeOfferResult("", "a secret", "2026", ["127.0.0.1:1"], False)
    assert "a secret" not in repr(shown)
    assert "a secret" not in repr(SetPassword("", "a secret"))


async def test_c14_keys_survive_a_restart_and_damage_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path / "home") as home:
        server_id, _ = await home.pair()
        secret = home.pairings.secret(server_id)
    async with house(tmp_path / "home") as home:
        assert home.pairings.secret(server_id) == secret
    path = files.path_of(home.home, server_id)
    good = path.read_bytes()
    for bad in (b"{}", good[:40], good.replace(b'"v": 2', b'"v": 3'), b"\xff" * 30):
        path.write_bytes(bad)
        with pytest.raises(HomeError) as caught:
            async with house(tmp_path / "home"):
                pass
        assert caught.value.code == "damaged_keys"
        assert str(path) in caught.value.message
        assert path.read_bytes() == bad, "never made anew"
    path.write_bytes(good)
    async with house(tmp_path / "home") as home:
        assert await home.knock(server_id) is not None


async def test_a_pairing_whose_key_is_gone_is_shown_and_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path / "home") as home:
        bound, device = await home.pair()
        _, unbound = await home.made()
    files.remove(home.home, bound)
    files.remove(home.home, unbound)
    async with house(tmp_path / "home") as home:
        assert home.pairings.live() == []
        assert [one.id for one in (await home.state()).devices] == [device.id]
        assert str(files.path_of(home.home, bound)) in caplog.text
        assert not files.path_of(home.home, bound).exists()
    async with house(tmp_path / "home") as home:
        (open_,) = [one for one in (await home.state()).offers if one.ended is None]
        assert open_.device_id == device.id, "the offer that lost its key has ended"
