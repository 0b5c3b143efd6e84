"""The code of an offer at the daemon: made, tried, spent, and gone with its offer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sereno.core.daemon.pairing_codes import Codes
from sereno.relay_client.noise.codes import Code
from sereno.relay_client.noise.effects import Send
from sereno.relay_client.noise.typed import MEETINGS, Effect, Handed, TypedClient, TypedDaemon
from tests.core.daemon.pairing_house import House, house


def sent(effects: list[Effect]) -> bytes:
    (frame,) = (one.frame for one in effects if isinstance(one, Send))
    return frame


def tried(end: TypedDaemon, code: Code) -> list[Effect]:
    """What the daemon makes of a client that has this code."""
    client = TypedClient(code, os.urandom)
    return end.receive(sent(client.receive(sent(end.receive(sent(client.start(0.0)))))))


def other(code: Code) -> Code:
    """The same place, other words."""
    words = ("anchor", "anchor", "anchor")
    return Code(code.number, words if words != code.words else ("abandon", "abandon", "abandon"))


async def offered(home: House) -> tuple[Code, str]:
    made = await home.offer(kind="sereno")
    assert made.typed is not None, made.error
    assert made.url is not None
    code = Code.parse(made.typed)
    assert places(home) == [code.place]
    return code, made.url


def places(home: House) -> list[str]:
    return [one.server_id for one in home.pairings.live() if one.kind == "code"]


async def how_it_ended(home: House) -> str | None:
    (offer,) = (await home.state()).offers
    return offer.ended


async def test_only_our_own_clients_get_one_and_no_file_holds_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert (await home.offer(kind="app")).typed is None
        code, _ = await offered(home)
    kept = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert not any(word in kept for word in (code.text.encode(), "-".join(code.words).encode()))
    async with house(tmp_path) as again:
        assert places(again) == []
        assert len(again.pairings.live()) == 2, "the links still count"


async def test_the_right_code_hands_the_link_over_and_the_offer_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        code, link = await offered(home)
        end = home.pairings.meet(code.place, 0.0)
        assert end is not None
        assert home.pairings.meet(code.place, 0.0) is None, "one after the other"
        await home.pairings.met(code.place, None)
        assert Handed(link) in tried(end, code)
        await home.pairings.met(code.place, end)
        assert await how_it_ended(home) is None
        assert places(home) == []
        with pytest.raises(KeyError):
            home.pairings.meet(code.place, 0.0)


async def test_t28_a_wrong_guess_ends_the_offer_and_is_in_the_audit(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        code, _ = await offered(home)
        end = home.pairings.meet(code.place, 0.0)
        assert end is not None
        tried(end, other(code))
        await home.pairings.met(code.place, end)
        assert await how_it_ended(home) == "guessed"
        assert home.pairings.live() == []
        assert home.acts == ["pairing.guessed"]
        assert len(home.dropped) == 1, "who is there by its link goes too"
        with pytest.raises(KeyError):
            home.pairings.meet(code.place, 0.0)


async def test_t28_who_comes_and_proves_nothing_ends_it_at_last(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        code, _ = await offered(home)
        for _ in range(MEETINGS):
            end = home.pairings.meet(code.place, 0.0)
            assert end is not None
            end.gone()
            await home.pairings.met(code.place, end)
            assert await how_it_ended(home) is None
        assert home.pairings.meet(code.place, 0.0) is None
        await home.pairings.met(code.place, None)
        assert await how_it_ended(home) == "guessed"


async def test_who_comes_by_the_link_spends_the_code(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        code, _ = await offered(home)
        end = home.pairings.meet(code.place, 0.0)
        assert end is not None
        (server_id,) = (one.server_id for one in home.pairings.live() if one.kind == "sereno")
        await home.glance(server_id, "", device_key=b"k" * 32, device_secret=b"s" * 32)
        assert places(home) == []
        tried(end, other(code))
        await home.pairings.met(code.place, end)
        assert await how_it_ended(home) is None, "a guess that nobody waits for harms nobody"


async def test_an_offer_that_ends_takes_its_code_along(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await offered(home)
        await home.pairings.restarted()
        assert home.pairings.live() == []


async def test_two_offers_never_wait_at_one_place() -> None:
    drawn = iter([bytes(8), bytes(5), bytes(8), bytes(5), b"\1" * 8, bytes(5)])
    codes = Codes(lambda _: next(drawn))
    assert await codes.make("one", "link") != await codes.make("two", "link")
    assert len(codes.places()) == 2
