"""Offers and questions, over a real database and real key files: who gets in, who never does."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from sereno.core.daemon.pairing import Entry
from sereno.core.daemon.pairing_desk import MOST_OPEN
from sereno.core.home import HomeError
from sereno.core.home import pairings as files
from sereno.core.protocol.pairing import CloseOffer
from sereno.core.security.roles import Role
from sereno.core.store import pairings as store
from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.noise.offer3 import Offer3
from sereno.relay_client.offer import Offer
from tests.core.daemon.pairing_house import House, house

TEN_MINUTES = 600.0


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "home") as made:
        yield made


# Offers


async def test_c15_an_offer_for_an_app_holds_its_own_id_and_key(home: House) -> None:
    first, second = await home.offer(), await home.offer()
    assert first.url is not None
    assert second.url is not None
    offers = [Offer.parse(first.url), Offer.parse(second.url)]
    assert offers[0].server_id != offers[1].server_id
    assert offers[0].public_key != offers[1].public_key
    assert first.url.startswith("https://app.paseo.sh/#offer=")
    assert offers[0].endpoint.authority == "relay.paseo.sh:443"
    for offer in offers:
        pair = KeyPair.of(home.pairings.secret(offer.server_id))
        assert pair.public == offer.public_key
        path = files.path_of(home.home, offer.server_id)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert KeyPair.decode(path.read_bytes()) == pair
    assert {one.server_id for one in home.pairings.live()} == {one.server_id for one in offers}
    assert {one.kind for one in home.pairings.live()} == {"app"}


async def test_an_offer_for_our_own_clients_holds_a_secret_and_its_expiry(home: House) -> None:
    result = await home.offer(kind="sereno")
    assert result.url is not None
    offer = Offer3.parse(result.url)
    assert offer.secret == home.pairings.psk(offer.server_id)
    assert KeyPair.of(home.pairings.secret(offer.server_id)).public == offer.public_key
    assert offer.expires_at == (home.clock[0] + 600_000) // 1000
    assert home.pairings.device_key(offer.server_id) is None
    with pytest.raises(KeyError):
        home.pairings.psk((await home.made())[1])


@pytest.mark.parametrize(
    ("relay", "kind", "expected"),
    [
        ("", "app", "relay.paseo.sh:443"),
        ('endpoint = "relay.example:8787"', "app", "relay.example:8787"),
        ('endpoint = "wss://relay.example"', "app", None),
        (
            'endpoint = "wss://relay.example"\npublic_endpoint = "relay.example:8787"',
            "app",
            "relay.example:8787",
        ),
        (
            'endpoint = "wss://relay.example"\npublic_endpoint = "relay.example:8787"',
            "sereno",
            "relay.example:443",
        ),
        (
            'endpoint = "ws://10.0.0.1:8787"\npublic_endpoint = "relay.example:8787"',
            "sereno",
            "relay.example:8787",
        ),
    ],
)
async def test_an_offer_names_a_relay_that_its_client_can_dial(
    tmp_path: Path, relay: str, kind: str, expected: str | None
) -> None:
    config = f"[daemon.relay]\nenabled = true\n{relay}\n"
    async with house(tmp_path / "home", config=config) as home:
        result = await home.offer(kind=kind)
        if expected is None:
            assert result.code == "endpoint_not_official"
            assert "public_endpoint" in (result.next_step or "")
            assert home.pairings.live() == []
            return
        assert result.url is not None
        parse = Offer.parse if kind == "app" else Offer3.parse
        assert parse(result.url).endpoint.authority == expected


async def test_the_app_of_the_configuration_is_where_links_lead(tmp_path: Path) -> None:
    config = '[daemon.relay]\nenabled = true\n[app]\nbase_url = "https://app.example/"\n'
    async with house(tmp_path / "home", config=config) as home:
        assert (await home.offer()).url is not None
        assert ((await home.offer()).url or "").startswith("https://app.example/#offer=")


async def test_while_the_relay_is_off_there_are_no_offers(tmp_path: Path) -> None:
    async with house(tmp_path / "home", config="# mine\n") as home:
        refused = await home.offer()
        assert (refused.code, refused.offer, refused.url) == ("relay_off", None, None)
        assert "--enable-relay" in (refused.next_step or "")
        assert home.home.config.read_text() == "# mine\n"
        made = await home.offer(enable_relay=True)
        assert made.url is not None
        text = home.home.config.read_text()
        assert "# mine" in text
        assert "enabled = true" in text
        assert (await home.state()).relay.enabled


async def test_what_a_variable_switches_off_is_not_switched_on(tmp_path: Path) -> None:
    env = {"SERENO_RELAY_ENABLED": "false"}
    async with house(tmp_path / "home", config="", env=env) as home:
        refused = await home.offer(enable_relay=True)
        assert refused.code == "relay_forced"
        assert "SERENO_RELAY_ENABLED" in (refused.error or "")
        assert home.home.config.read_text() == ""


async def test_t16_an_unused_offer_is_gone_after_ten_minutes_with_its_key(home: House) -> None:
    offer_id, server_id = await home.made()
    async with anyio.create_task_group() as group:
        await group.start(home.pairings.run)
        home.later(TEN_MINUTES)
        home.pairings._soon()
        with anyio.fail_after(5):
            while home.pairings.live():
                await home.pairings.state((await home.state()).revision)
        group.cancel_scope.cancel()
    (shown,) = (await home.state()).offers
    assert (shown.id, shown.ended) == (offer_id, "expired")
    assert not list(files.folder(home.home).iterdir())
    with pytest.raises(KeyError):
        home.pairings.secret(server_id)
    assert await home.knock(server_id) is None
    assert "pairing.expired" in home.acts


async def test_t16_an_offer_is_too_old_whether_or_not_somebody_looked(home: House) -> None:
    _, server_id = await home.made()
    home.later(TEN_MINUTES)
    assert await home.knock(server_id) is None
    (shown,) = (await home.state()).offers
    assert shown.ended == "expired"


async def test_what_ended_is_forgotten_after_a_while(home: House) -> None:
    offer_id, _ = await home.made()
    await home.pairings.close_offer(CloseOffer(request_id="", offer_id=offer_id))
    assert [one.ended for one in (await home.state()).offers] == ["closed"]
    home.later(TEN_MINUTES)
    await home.pairings._tidy()
    assert (await home.state()).offers == []
    assert await home.database.read(store.pairings) == []


async def test_a_closed_offer_is_dead_and_cannot_be_closed_again(home: House) -> None:
    offer_id, server_id = await home.made()
    request = CloseOffer(request_id="", offer_id=offer_id)
    assert (await home.pairings.close_offer(request)).error is None
    assert home.dropped == [server_id]
    assert await home.knock(server_id) is None
    assert (await home.pairings.close_offer(request)).error is not None


async def test_the_oldest_of_too_many_offers_is_closed(home: House) -> None:
    ids = [(await home.made())[0] for _ in range(MOST_OPEN + 2)]
    shown = {one.id: one.ended for one in (await home.state()).offers}
    assert [shown[one] for one in ids] == ["closed"] * 2 + [None] * MOST_OPEN
    assert len(home.pairings.live()) == MOST_OPEN


# The question


async def test_t04_nobody_gets_in_before_a_person_said_yes(home: House) -> None:
    offer_id, server_id = await home.made(name="My phone", rights="viewer")
    entries: list[Entry | None] = []

    async def come() -> None:
        entries.append(await home.knock(server_id))

    async with anyio.create_task_group() as group:
        group.start_soon(come)
        question = await home.question()
        assert (question.offer_id, question.kind) == (offer_id, "app")
        assert (question.client_type, question.app_version) == ("mobile", "0.1.65")
        assert entries == []
        result = await home.answer(question, True)
    assert result.device is not None
    assert (result.device.name, result.device.rights) == ("My phone", "viewer")
    (entry,) = entries
    assert entry == await home.knock(server_id), "and comes again without a question"
    assert entry is not None
    assert (entry.device_id, entry.role, entry.server_id) == (
        result.device.id,
        Role.VIEWER,
        server_id,
    )
    state = await home.state()
    assert state.questions == []
    assert [(one.id, one.device_id) for one in state.offers] == [(offer_id, result.device.id)]
    assert home.acts == ["pairing.knock", "device.paired"]


async def test_the_person_may_say_other_rights_and_another_name(home: House) -> None:
    _, server_id = await home.made()
    async with anyio.create_task_group() as group:
        group.start_soon(home.knock, server_id)
        result = await home.answer(
            await home.question(), True, name=" \x1b[31mTablet\n", rights="viewer"
        )
    assert result.device is not None
    assert (result.device.name, result.device.rights) == ("Tablet", "viewer")


async def test_a_question_outlives_its_socket_and_a_yes_counts_at_the_next_visit(
    home: House,
) -> None:
    _, server_id = await home.made()
    await home.glance(server_id)
    (question,) = (await home.state()).questions
    assert not question.waiting
    assert (await home.answer(question, True)).device is not None
    assert await home.knock(server_id) is not None


async def test_a_question_and_a_yes_outlive_the_daemon(tmp_path: Path) -> None:
    async with house(tmp_path / "home") as home:
        _, server_id = await home.made()
        await home.glance(server_id)
    async with house(tmp_path / "home") as home:
        (question,) = (await home.state()).questions
        assert [one.server_id for one in home.pairings.live()] == [server_id]
        await home.answer(question, True)
    async with house(tmp_path / "home") as home:
        assert await home.knock(server_id) is not None
        assert await home.knock(server_id, "cid_2") is None


async def test_c52_a_no_ends_the_offer_for_everybody(home: House) -> None:
    _, server_id = await home.made()
    answers: list[object] = ["nothing yet"]

    async def come() -> None:
        answers[0] = await home.knock(server_id)

    async with anyio.create_task_group() as group:
        group.start_soon(come)
        question = await home.question()
        assert (await home.answer(question, False)).error is None
    assert answers == [None]
    assert home.dropped == [server_id]
    assert [one.ended for one in (await home.state()).offers] == ["refused"]
    assert await home.knock(server_id, "cid_2") is None
    assert files.load(home.home, server_id) is None
    again = await home.answer(question, True)
    assert again.device is None
    assert "Nobody asks" in (again.error or "")


async def test_t04_a_second_client_before_the_yes_ends_the_offer(home: House) -> None:
    _, server_id = await home.made()
    answers: list[object] = ["nothing yet"]

    async def come() -> None:
        answers[0] = await home.knock(server_id, "cid_1")

    async with anyio.create_task_group() as group:
        group.start_soon(come)
        question = await home.question()
        assert await home.knock(server_id, "cid_2") is None
    assert answers == [None]
    assert [one.ended for one in (await home.state()).offers] == ["contested"]
    assert (await home.answer(question, True)).device is None
    assert await home.knock(server_id, "cid_1") is None
    assert "pairing.contested" in home.acts


async def test_t04_a_used_offer_is_dead_for_everybody_else(home: House) -> None:
    server_id, device = await home.pair("cid_1")
    for _ in range(3):
        assert await home.knock(server_id, "cid_2") is None
    assert home.acts.count("pairing.stranger") == 1, "somebody has the link: told, and once"
    entry = await home.knock(server_id, " cid_1 ")
    assert entry is not None
    assert entry.device_id == device.id
    assert (await home.state()).questions == []


async def test_a_script_may_say_yes_beforehand_to_one_client_only(home: House) -> None:
    _, server_id = await home.made(confirm=False)
    entries: list[object] = []

    async def come(client_id: str) -> None:
        entries.append(await home.knock(server_id, client_id))

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(come, f"cid_{number}")
    assert len([one for one in entries if one is not None]) == 1
    assert len((await home.state()).devices) == 1
    assert home.acts.count("device.paired") == 1


async def test_what_a_client_says_of_itself_is_made_fit_to_show(home: House) -> None:
    _, server_id = await home.made()
    await home.glance(server_id, app_version="\x1b]0;x\x07" + "9" * 400, words=["a\nb"])
    (question,) = (await home.state()).questions
    assert question.app_version is not None
    assert "\x1b" not in question.app_version
    assert len(question.app_version) <= 32
    assert question.words == ["a", "b"]


async def test_an_unanswered_question_ends_with_its_offer(home: House) -> None:
    _, server_id = await home.made()
    await home.glance(server_id)
    home.later(TEN_MINUTES)
    (question,) = (await home.state()).questions
    assert (await home.answer(question, True)).device is None
    await home.pairings._tidy()
    state = await home.state()
    assert state.questions == []
    assert [one.ended for one in state.offers] == ["expired"]


async def test_who_cannot_be_written_into_the_audit_does_not_get_in(home: House) -> None:
    async def full(*_: object) -> None:
        raise HomeError("disk_full", "The disk is full.", "Free some space.")

    _, server_id = await home.made(confirm=False)
    home.pairings._knocking._note = full
    with pytest.raises(HomeError):
        await home.knock(server_id)
    assert (await home.state()).devices == []
