"""The devices screen, and what the security page does about relay, offers and keys."""

from __future__ import annotations

import pytest

from sereno.core.protocol.pairing import (
    ChangeDevice,
    CloseOffer,
    RevokeDevice,
    RotatePairings,
    SwitchRelay,
)
from sereno.tui.app import SerenoApp
from sereno.tui.lines import plain
from sereno.tui.screens.devices.screen import DevicesScreen
from sereno.tui.screens.devices.view import about, device_rows
from sereno.tui.screens.help.screen import groups_of
from sereno.tui.screens.help.view import help_lines
from sereno.tui.screens.pair.screen import PairScreen
from sereno.tui.screens.security.screen import SecurityScreen
from sereno.tui.widgets.footer import Footer
from tests.tui.pair_screens import opened_pair
from tests.tui.pairing_place import Gate, device, relay
from tests.tui.sample import NOW_MS, stamp
from tests.tui.test_pair import CODE, SIZES
from tests.tui.test_promised_keys import pressed

DEVICES = ("S", "D")


@pytest.mark.parametrize("size", SIZES)
async def test_who_was_let_in(size: tuple[int, int]) -> None:
    async with opened_pair(keys=DEVICES, size=size) as here:
        assert "4 paired, 1 here now" in here.words
        for words in ("Pixel 9", "Work laptop", "iPad (kitchen)", "viewer", "41 d ago", "never",
                      "1 connection, by relay", "settings, pairing, terminals"):  # fmt: skip
            assert words in here.words, words
        await here.press("G")
        assert "shared with other devices" in here.words
        assert "…" not in here.words
        await here.press("escape")
        assert isinstance(here.app.screen, SecurityScreen)


@pytest.mark.parametrize(
    ("expires_s", "connections", "words"),
    [
        (-86_400 * 70, 0, "must pair again if it stays away for another 70 days"),
        (-3600, 0, "must pair again if it stays away for another 1 day"),
        (-86_400 * 90, 1, "must pair again after 90 days away"),
        (None, 0, "for as long as it is not revoked"),
    ],
)
def test_until_when_a_pairing_counts(expires_s: int | None, connections: int, words: str) -> None:
    expires = None if expires_s is None else stamp(expires_s)
    one = device(1, "Pixel 9", expires_at=expires, connections=connections)
    lines = about(one, width=200, now_ms=NOW_MS)
    assert words in "".join(text for line in lines for text, _ in line)


def test_who_left_is_not_said_to_be_here() -> None:
    def told(**more: object) -> str:
        one = device(1, "Pixel 9", **more)
        (row,) = device_rows([one], width=58, now_ms=NOW_MS)
        lines = (*row.lines, *about(one, width=200, now_ms=NOW_MS))
        return "\n".join(plain(line) for line in lines)

    gone = told(last_seen_at=stamp(3), paired_at=stamp(3))
    assert "just now\n" in gone
    assert "no; last seen just now, by relay" in gone
    assert "now, by relay" in told(last_seen_at=stamp(3), connections=0)
    assert "no; never seen" in told(last_seen_at=None)
    assert "1 connection, by relay" in told(connections=1)


async def test_nobody_was_let_in() -> None:
    async with opened_pair(keys=DEVICES, gate=Gate()) as here:
        assert "no device is paired" in here.words
        await here.press("enter", "r", "x")
        assert isinstance(here.app.screen, DevicesScreen)
        await here.press("P")
        assert isinstance(here.app.screen, PairScreen)
        await here.press("D")
        assert isinstance(here.app.screen, DevicesScreen)
        assert len([each for each in here.app.screen_stack if isinstance(each, DevicesScreen)]) == 1


async def test_revoking_says_what_is_lost_and_asks() -> None:
    async with opened_pair(keys=(*DEVICES, "x")) as here:
        assert "Revoke Pixel 9?" in here.words
        assert "connection is closed at once" in here.words
        assert here.gate.of(RevokeDevice) == []
        await here.yes()
        await here.until(lambda: "3 paired" in here.words)
    assert [each.device_id[:8] for each in here.gate.of(RevokeDevice)] == ["00000001"]


async def test_other_rights_and_another_name() -> None:
    async with opened_pair(keys=(*DEVICES, "enter", "down", "enter")) as here:
        await here.until(lambda: here.gate.devices[0].rights == "viewer")
        await here.press("r")
        await here.type(" b")
        await here.press("enter")
        await here.until(lambda: "Pixel 9 b" in here.words)
    first, second = here.gate.of(ChangeDevice)
    assert (first.rights, second.name) == ("viewer", "Pixel 9 b")


async def test_a_refusal_is_shown_whole() -> None:
    async with opened_pair(keys=DEVICES) as here:
        here.gate.refusal = ("It is gone.", "Look again.")
        await here.press("x")
        await here.yes()
        assert "It is gone. Look again." in here.words


async def test_names_hide_nothing() -> None:
    gate = Gate(device(1, "[red]Pi\u202exel\x1b]0;x\x07"))
    async with opened_pair(keys=DEVICES, gate=gate) as here:
        assert "[red]Pi\\u202exel" in here.words
        assert "\x1b" not in here.words


async def test_the_id_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(SerenoApp, "copy_to_clipboard", lambda _app, text: copied.append(text))
    async with opened_pair(keys=(*DEVICES, "c", "i")) as here:
        assert copied == [here.gate.devices[0].id]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [DEVICES, ("S",)], ids=["devices", "security"])
async def test_no_footer_promises_a_key_that_does_nothing(
    keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    async with opened_pair(keys=keys, size=size) as here:
        screen = here.app.screen
        bound = set(screen.active_bindings)
        for named, words in screen.query_one(Footer).keys:
            assert set(pressed(named)) <= bound, f"{named} {words}"
        lines = help_lines(groups_of(screen), size[0] - 1)
        assert not [line for line in lines if "…" in "".join(text for text, _ in line)]


# -- on the security page ------------------------------------------------------------------------


async def test_the_relay_is_switched_off_and_on_after_a_question() -> None:
    async with opened_pair(keys=("S",)) as here:
        assert "relay.paseo.sh:443, answers" in here.words
        await here.choose("relay")
        assert "4 devices cannot reach this daemon" in here.words
        await here.yes()
        await here.until(lambda: "nothing dials out" in here.words)
        await here.press("enter")
        assert "knock from anywhere" in here.words
        await here.yes()
        await here.until(lambda: "nobody is paired or invited" in here.words)
    assert [each.enabled for each in here.gate.of(SwitchRelay)] == [False, True]


async def test_why_the_relay_does_not_answer() -> None:
    gate = Gate()
    gate.relay = relay(state="waiting", error="The name is not known.", next_try_s=12.3,
                       endpoint="wss://r.lan:8443", public_endpoint="r.lan:8787")  # fmt: skip
    async with opened_pair(keys=("S",), gate=gate) as here:
        assert "wss://r.lan:8443, does not answer" in here.words
        assert "The name is not known; next try in 12 s" in here.words
        assert "devices dial r.lan:8787" in here.words


async def test_rotation_says_what_it_ends_and_asks() -> None:
    async with opened_pair(keys=("S", "R")) as here:
        assert "4 devices are sent away at once" in here.words
        assert "Every code and every link that was ever made here is dead." in here.words
        await here.press("n")
        assert here.gate.of(RotatePairings) == []
        await here.press("R")
        await here.yes()
        await here.until(lambda: "4 devices must pair again" in here.words)
        await here.until(lambda: "Devices none" in here.words)
    assert len(here.gate.of(RotatePairings)) == 1


async def test_open_offers_are_ended_there() -> None:
    async with opened_pair(keys=(*CODE, "escape", "S")) as here:
        assert "for official app, ends in 10:00" in here.words
        await here.choose("offer-offer-0")
        assert "End this offer?" in here.words
        await here.yes()
        await here.until(lambda: "ends in" not in here.words)
    assert len(here.gate.of(CloseOffer)) == 1


async def test_a_refusal_there_is_shown() -> None:
    async with opened_pair(keys=("S",)) as here:
        here.gate.refusal = ("config.toml cannot be written.", "Look at its folder.")
        await here.choose("relay")
        await here.yes()
        await here.until(lambda: "config.toml cannot be written. Look at" in here.words)
