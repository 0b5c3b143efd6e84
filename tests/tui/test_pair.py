"""The pairing screen: what for, the code that a real reader reads, hiding, how it ends."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from sereno.core.protocol.pairing import CloseOffer, OfferPairing
from sereno.tui.app import SerenoApp
from sereno.tui.model import Connection, Phase
from sereno.tui.pairing_words import ELSEWHERE
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.help.screen import groups_of
from sereno.tui.screens.help.view import help_lines
from sereno.tui.screens.pair.screen import HIDE_S, PairScreen
from sereno.tui.screens.pair.view import Stage
from sereno.tui.widgets.footer import Footer
from tests.tui import sample
from tests.tui.pair_screens import PairPlace, opened_pair, read_image, scanned
from tests.tui.pairing_place import APP_URL, OWN_URL, TYPED, Gate, relay
from tests.tui.scenes import settle
from tests.tui.test_promised_keys import pressed

SIZES = [pytest.param((100, 30), id="100x30"), pytest.param((60, 20), id="60x20")]
CODE = ("P", "enter")
OWN = ("P", "right", "enter")
FOR_APPS = "drop, delay or reorder whole messages"


def stage(here: PairPlace) -> Stage:
    assert isinstance(here.app.screen, PairScreen)
    return here.app.screen.stage


# -- the code ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "size", "link"),
    [
        (CODE, (100, 30), APP_URL),
        (CODE, (57, 30), APP_URL),
        (CODE, (140, 50), APP_URL),
        (OWN, (60, 20), OWN_URL),
        (OWN, (37, 20), OWN_URL),
        (OWN, (100, 30), OWN_URL),
    ],
)
async def test_c15_a_reader_reads_the_screen(
    keys: tuple[str, ...], size: tuple[int, int], link: str
) -> None:
    async with opened_pair(size=size, keys=keys) as here:
        assert stage(here) is Stage.CODE
        assert scanned(here.app).casefold() == link.casefold()


@pytest.mark.parametrize(
    "look",
    [{"theme": "sereno-light"}, {"theme": "sereno-terminal"}, {"no_colour": True}],
    ids=["light", "terminal", "no_colour"],
)
async def test_the_code_is_dark_on_light_in_every_look(look: dict[str, Any]) -> None:
    async with opened_pair(keys=CODE, **look) as here:
        assert scanned(here.app) == APP_URL


@pytest.mark.parametrize("size", [(99, 29), (56, 40), (60, 20)])
async def test_a_code_is_shown_whole_or_not_at_all(size: tuple[int, int]) -> None:
    async with opened_pair(size=size, keys=CODE) as here:
        assert stage(here) is Stage.SMALL
        assert scanned(here.app) == ""
        assert f"needs 57 x 30 cells, and here are {size[0]} x {size[1]}" in here.words
        await here.pilot.resize_terminal(100, 30)
        await here.until(lambda: scanned(here.app) == APP_URL)
        await here.pilot.resize_terminal(*size)
        await here.until(lambda: scanned(here.app) == "")


async def test_what_it_grants_and_what_a_relay_could_do_stands_beside_it() -> None:
    async with opened_pair(keys=CODE) as here:
        for words in ("Valid 10:00, once", "settings, pairing, terminals", FOR_APPS,
                      "answer requests", "relay.paseo.sh", "do not post or record"):  # fmt: skip
            assert words in here.words, words


async def test_another_sereno_is_promised_more() -> None:
    async with opened_pair(keys=OWN) as here:
        assert "can cut the line, and nothing else" in here.words
        assert FOR_APPS not in here.words
    (asked,) = here.gate.of(OfferPairing)
    assert asked.kind == "sereno"


@pytest.mark.parametrize("size", SIZES)
async def test_what_can_be_typed_instead_stands_beside_the_code(size: tuple[int, int]) -> None:
    async with opened_pair(keys=OWN, size=size) as here:
        assert TYPED in "".join(here.words.replace("▀", " ").split())
        await here.press("l")
        assert TYPED in "".join(here.words.replace("▀", " ").split())
    async with opened_pair(keys=CODE, size=size) as here:
        assert "typed" not in here.words


async def test_without_room_for_the_code_there_are_the_words_to_type_for_a_minute() -> None:
    async with opened_pair(keys=OWN, size=(60, 19)) as here:
        assert stage(here) is Stage.SMALL
        assert f"sereno --host {TYPED}" in here.words
        assert "do not post or record it" in here.words
        assert "s the code as an image" in " ".join(here.words.split())
        here.seconds(HIDE_S)
        await settle(here.pilot)
        assert TYPED not in here.words
        await here.press("enter")
        assert TYPED in here.words
    async with opened_pair(keys=CODE, size=(60, 19)) as here:
        assert "sereno --host" not in here.words


async def test_what_is_filled_in_is_asked_for() -> None:
    async with opened_pair(keys=("P", "tab")) as here:
        await here.type("Pixel")
        await here.press("tab", "right", "enter")
        assert "read only" in here.words
    (asked,) = here.gate.of(OfferPairing)
    assert (asked.kind, asked.name, asked.rights) == ("app", "Pixel", "viewer")
    assert (asked.confirm, asked.enable_relay) == (True, False)


# -- hiding, and other forms ---------------------------------------------------------------------


async def test_it_is_hidden_after_a_minute_without_a_key() -> None:
    async with opened_pair(keys=CODE) as here:
        here.seconds(HIDE_S - 1)
        await here.press("f5")
        here.seconds(HIDE_S - 1)
        assert scanned(here.app) == APP_URL
        here.seconds(1)
        await settle(here.pilot)
        assert stage(here) is Stage.HIDDEN
        assert scanned(here.app) == ""
        assert "10:00" in here.words
        await here.press("enter")
        assert scanned(here.app) == APP_URL
        await here.press("h")
        assert scanned(here.app) == ""
        await here.press("h")
        assert scanned(here.app) == APP_URL


async def test_the_link_as_text_is_hidden_too() -> None:
    async with opened_pair(keys=(*CODE, "l"), size=(60, 20)) as here:
        assert APP_URL in here.words.replace(" ", "")
        here.seconds(HIDE_S)
        await settle(here.pilot)
        assert stage(here) is Stage.HIDDEN
        assert APP_URL[:40] not in here.words.replace(" ", "")


async def test_the_link_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(SerenoApp, "copy_to_clipboard", lambda _app, text: copied.append(text))
    async with opened_pair(keys=(*CODE, "c")) as here:
        assert copied == [APP_URL]
        assert "It is a key" in here.words


async def test_t16_the_image_is_its_owners_and_goes_with_the_offer(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    crash = tmp_path / "logs" / "crash.log"
    file = tmp_path / "pair.png"
    async with opened_pair(keys=(*CODE, "s"), size=(60, 20), crash_file=crash) as here:
        await here.until(file.exists)
        await here.until(lambda: "The image:" in here.words)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert read_image(file) == APP_URL
        here.gate.end(here.gate.offers[0].id, "expired")
        await here.until(lambda: stage(here) is Stage.OVER)
        assert not file.exists()


async def test_less_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened_pair(keys=CODE) as here:
        monkeypatch.setattr(here.app, "_now_ms", lambda: sample.NOW_MS + 19_000)
        here.seconds(1)
        await settle(here.pilot)
        assert "Valid 9:41" in here.words


async def test_without_room_for_words_the_time_stands_below() -> None:
    async with opened_pair(keys=CODE, size=(60, 30)) as here:
        assert stage(here) is Stage.CODE
        assert "10:00" in here.words


# -- the relay, refusals -------------------------------------------------------------------------


async def test_a_relay_that_is_off_is_switched_on_after_a_question() -> None:
    gate = Gate()
    gate.relay = relay(enabled=False, state="off")
    async with opened_pair(keys=CODE, gate=gate) as here:
        assert "Switch the relay on?" in here.words
        assert "knock from anywhere" in here.words
        await here.press("n")
        assert gate.offers == []
        await here.press("enter")
        await here.yes()
        await here.until(lambda: scanned(here.app) == APP_URL)
    assert [each.enable_relay for each in gate.of(OfferPairing)] == [False, False, True]


async def test_a_refusal_is_shown_whole() -> None:
    gate = Gate()
    gate.refusal = ("Ten offers are open.", "End one of them.")
    async with opened_pair(keys=CODE, gate=gate, size=(60, 20)) as here:
        assert "Ten offers are open. End one of them." in here.words
        assert stage(here) is Stage.CHOICE


async def test_pairing_from_another_machine_is_told_no() -> None:
    link = sample.StillLink(
        sample.fleet(), connection=Connection(Phase.READY, "ready", remote="box.lan")
    )
    app = sample.app(link)
    async with app.run_test(size=(60, 20)) as pilot:
        await settle(pilot)
        link.refusal = "Pairing is done on the daemon's own machine only."
        await pilot.press("P")
        await settle(pilot)
        here = PairPlace(app, pilot, _nobody())
        assert "own machine only" in here.words
        await here.press("enter")
        assert stage(here) is Stage.CHOICE


async def test_a_device_is_told_where_pairing_is_decided() -> None:
    link = sample.StillLink(
        sample.fleet(), connection=Connection(Phase.READY, "ready", remote="box.lan")
    )
    app = sample.app(link)
    async with app.run_test(size=(60, 20)) as pilot:
        await settle(pilot)
        link.refusal = "The role operator may not do this (sereno.pairing.read.request)."
        await pilot.press("P")
        await settle(pilot)
        here = PairPlace(app, pilot, _nobody())
        assert ELSEWHERE in here.words
        assert "make the code" not in here.words, "nothing is offered that cannot be"
        assert "role operator" not in here.words
        await here.press("D")
        assert ELSEWHERE in here.words
        assert "pair another" not in here.words


def _nobody() -> Any:
    from tests.tui.security_place import Keeper

    return Keeper()


# -- how it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "words"),
    [("expired", "nobody used it"), ("contested", "Somebody else may have seen the code"),
     ("restarted", "restarted"), ("rotated", "rotated")],
)  # fmt: skip
async def test_an_end_is_told_with_its_cause(why: Any, words: str) -> None:
    async with opened_pair(keys=CODE) as here:
        here.gate.end(here.gate.offers[0].id, why)
        await here.until(lambda: stage(here) is Stage.OVER)
        await here.until(lambda: words in here.words)
        assert scanned(here.app) == ""
        await here.press("n")
        assert stage(here) is Stage.CHOICE


async def test_leaving_changes_nothing_and_ending_asks() -> None:
    async with opened_pair(keys=(*CODE, "escape")) as here:
        assert isinstance(here.app.screen, FleetScreen)
        await here.press("P")
        assert scanned(here.app) == APP_URL, "the same one"
        await here.press("x")
        assert here.gate.of(CloseOffer) == []
        await here.yes()
        await here.until(lambda: stage(here) is Stage.OVER)
        assert "It was closed." in here.words
    assert len(here.gate.of(OfferPairing)) == len(here.gate.of(CloseOffer)) == 1


@pytest.mark.parametrize("way", [("colon", *"pair", "enter"), ("ctrl+x", "w")])
async def test_other_ways_there(way: tuple[str, ...]) -> None:
    async with opened_pair(keys=way) as here:
        assert stage(here) is Stage.CHOICE


# -- what the place promises ---------------------------------------------------------------------

STATES: dict[str, tuple[str, ...]] = {
    "choice": ("P",),
    "code": CODE,
    "own": OWN,
    "hidden": (*CODE, "h"),
    "link": (*CODE, "l"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STATES)
async def test_no_footer_promises_a_key_that_does_nothing(name: str, size: tuple[int, int]) -> None:
    async with opened_pair(keys=STATES[name], size=size) as here:
        screen = here.app.screen
        bound = set(screen.active_bindings)
        for named, words in screen.query_one(Footer).keys:
            assert set(pressed(named)) <= bound, f"{named} {words}"
        lines = help_lines(groups_of(screen), size[0] - 1)
        assert not [line for line in lines if "…" in "".join(text for text, _ in line)]


PICTURES = {**STATES, "devices": ("S", "D"), "relay": ("S", *("j",) * 4)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    from tests.tui.pair_screens import DEVICES, shown_app

    app, ready = shown_app(Gate(*DEVICES), PICTURES[name])
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["app", "own"])
def test_picture_of_the_question(kind: str, size: tuple[int, int], snap_compare: Any) -> None:
    from tests.tui.pair_screens import DEVICES, shown_app

    keys = OWN if kind == "own" else CODE
    app, ready = shown_app(Gate(*DEVICES), keys, knock=True)
    assert snap_compare(app, terminal_size=size, run_before=ready)
