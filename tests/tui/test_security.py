"""The security screen: what it shows, who is told no, and the quiet line on the fleet."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from sereno.core.protocol.additions import DaemonStatus, DoorStatus
from sereno.core.protocol.security import (
    ChangeSecurity,
    Check,
    ReadSecurity,
)
from sereno.tui.app import SerenoApp
from sereno.tui.model import Connection, Phase
from sereno.tui.screens.fleet.screen import DOORS_PACE, FleetScreen
from sereno.tui.screens.help.screen import groups_of
from sereno.tui.screens.help.view import help_lines
from sereno.tui.screens.security.page import Page
from sereno.tui.screens.security.screen import PACE, SecurityScreen
from sereno.tui.screens.security.view import ELSEWHERE, OLDER
from sereno.tui.widgets.footer import Footer
from tests.tui import sample
from tests.tui.scenes import settle
from tests.tui.security_place import TAKEN, Keeper, Place, bad, opened, well
from tests.tui.test_promised_keys import pressed

SIZES = [pytest.param((100, 30), id="100x30"), pytest.param((60, 20), id="60x20")]


async def scrolled(here: Place) -> str:
    """Everything that the page shows, from its first to its last line."""
    found = []
    await here.press("g")
    for _ in range(30):
        found.append(here.words)
        await here.press("j")
    return "\n".join(found)


# -- the way in, and what is shown ---------------------------------------------------------------


@pytest.mark.parametrize("keys", [("S",), ("colon", *"security", "enter")], ids=["key", "palette"])
@pytest.mark.parametrize("back", ["escape", "q"])
async def test_it_opens_from_the_fleet_and_closes(keys: tuple[str, ...], back: str) -> None:
    async with opened(keys=keys) as here:
        assert "Who can reach this daemon" in here.words
        await here.press(back)
        assert isinstance(here.app.screen, FleetScreen)
        assert here.keeper.of(ChangeSecurity) == []


@pytest.mark.parametrize("size", SIZES)
async def test_a_safe_home_says_so(size: tuple[int, int]) -> None:
    async with opened(size=size) as here:
        assert "5 checks, all well" in here.words
        told = await scrolled(here)
        for words in (
            "~/.sereno/run/sereno.sock",
            "127.0.0.1:6767 on",
            "not set",
            "made 12 d ago",
            "same-user",
            "1 connection, in memory,",
            "nothing dials",
        ):
            assert words in told, words


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_not_well_stands_first_and_whole(size: tuple[int, int]) -> None:
    async with opened(bad(), size=size) as here:
        assert "! 1 danger ! 2 warnings" in here.words
        assert here.app.screen.query_one(Page).cursor_key == "check-0"
        assert "Check ! danger others may read config.toml chmod 600 it." in here.words
        told = await scrolled(here)
        for words in ("node (pid 4711)", "choose another port", "not open", ".example.com,",
                      "2 connections, TCP,", "SERENO_PASSWORD"):  # fmt: skip
            assert words in told, words
        if size == (60, 20):
            assert "ok 2 other checks are well" in told


@pytest.mark.parametrize("size", SIZES)
async def test_no_line_is_cut(size: tuple[int, int]) -> None:
    async with opened(bad(), size=size) as here:
        assert "…" not in await scrolled(here)
        lines = help_lines(groups_of(here.app.screen), size[0] - 1)
        assert not [line for line in lines if "…" in "".join(text for text, _ in line)]


async def test_it_looks_again_at_a_gentle_pace_and_on_r() -> None:
    async with opened() as here:
        assert len(here.keeper.of(ReadSecurity)) == 1
        for _ in range(PACE - 1):
            here.app._clock_ticked()
        await settle(here.pilot)
        assert len(here.keeper.of(ReadSecurity)) == 1
        here.app._clock_ticked()
        await settle(here.pilot)
        assert len(here.keeper.of(ReadSecurity)) == 2
        await here.press("r")
        assert len(here.keeper.of(ReadSecurity)) == 3
        await here.press("L")
        here.app.open_log()
        await settle(here.pilot)
        for _ in range(3 * PACE):
            here.app._clock_ticked()
        await settle(here.pilot)
        assert len(here.keeper.of(ReadSecurity)) == 3


async def test_texts_of_the_daemon_hide_nothing_and_are_no_markup() -> None:
    text = "[bold]x[/]\x1b]52;c;eA==\x07 \u202egnp.exe"
    state = well(checks=[Check("danger", text, text)], hostnames=["\u200ba.b"],
                 doors=[DoorStatus(text, [], text, text)])  # fmt: skip
    async with opened(state) as here:
        told = await scrolled(here)
        assert "[bold]x[/]\\x1b]52;c;eA==\\x07 \\u202egnp.exe" in told
        assert "\\u200ba.b" in told
        assert "\x1b" not in told
        assert "\u202e" not in told


async def test_it_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(SerenoApp, "copy_to_clipboard", lambda _app, text: copied.append(text))
    async with opened(bad()) as here:
        await here.press("c", "a")
        await here.press("c", "k")
        assert copied[0] == "0.0.0.0:7000"
        assert copied[1].splitlines()[0] == "! danger: others may read config.toml  chmod 600 it."


@pytest.mark.parametrize("size", SIZES)
async def test_no_footer_promises_a_key_that_does_nothing(size: tuple[int, int]) -> None:
    async with opened(well(password_set=True), size=size) as here:
        screen = here.app.screen
        for _ in range(12):
            bound = set(screen.active_bindings)
            for named, words in screen.query_one(Footer).keys:
                assert set(pressed(named)) <= bound, f"{named} {words}"
            await here.press("j")


# -- who is told no ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("remote", "refusal", "words"),
    [
        ("", "Unknown request schema", OLDER),
        ("box.lan", "This needs the owner.", f"{ELSEWHERE} (This needs the owner.)"),
        ("box.lan", "The role operator may not do this (x).", f"{ELSEWHERE} "),
        ("", "The daemon is not reachable.", "The daemon is not reachable."),
        ("box.lan", "The daemon is not reachable.", "The daemon is not reachable."),
    ],
)
async def test_a_daemon_that_does_not_tell(
    remote: str, refusal: str, words: str, size: tuple[int, int]
) -> None:
    connection = Connection(Phase.READY, "ready", remote=remote)
    link = sample.StillLink(sample.fleet(), connection=connection)
    async with opened(size=size, link=link, keys=()) as here:
        link.refusal = refusal
        await here.press("S")
        assert words in here.words
        for key in ("enter", "R", "T", "X"):
            await here.press(key)
            assert isinstance(here.app.screen, SecurityScreen), key
        assert (remote in here.words) is True


async def test_what_was_known_stays_when_the_daemon_goes_and_is_new_when_it_comes() -> None:
    link = sample.StillLink(sample.fleet())
    async with opened(link=link) as here:
        link.refusal = "The daemon is not reachable."
        here.app.model.connected(Connection(Phase.LOST, "gone"))
        await here.until(lambda: "not reachable" in here.words)
        assert "127.0.0.1:6767" in here.words
        await here.press("R", "T")
        assert isinstance(here.app.screen, SecurityScreen), "nothing is asked that cannot be done"
        link.refusal = None
        here.keeper.state = well(listen=[], doors=[])
        here.app.model.connected(Connection(Phase.READY, "ready"))
        await here.until(lambda: "none: nothing comes in" in here.words)
        assert "not reachable" not in here.words


# -- the quiet line on the fleet -------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_an_address_that_is_not_open_is_told_on_the_fleet(size: tuple[int, int]) -> None:
    link = sample.StillLink(sample.fleet()[2:4])
    async with opened(well(doors=[TAKEN]), link=link, size=size, keys=()) as here:
        await here.until(lambda: "! 127.0.0.1:6767 is not open" in here.words)
        assert "S says why" in here.words
        await here.press("S")
        assert "node (pid 4711) has it." in here.words
        await here.press("escape")
        assert isinstance(here.app.screen, FleetScreen)
        assert "not open" not in here.words, "seen once is enough"


async def test_requests_come_before_it_and_it_goes_when_the_address_is_open() -> None:
    link = sample.StillLink(sample.fleet())
    async with opened(well(doors=[TAKEN]), link=link, keys=()) as here:
        await here.until(lambda: bool(here.app.model.doors.news))
        await settle(here.pilot)
        assert "2 requests wait" in here.words
        assert "not open" not in here.words
    link = sample.StillLink(sample.fleet()[2:4])
    async with opened(well(doors=[TAKEN]), link=link, keys=()) as here:
        await here.until(lambda: "not open" in here.words)
        here.keeper.state = well()
        for _ in range(DOORS_PACE):
            here.app._clock_ticked()
        await here.until(lambda: "not open" not in here.words)


async def test_where_all_is_open_nothing_is_said_and_nothing_asked_again() -> None:
    async with opened(keys=()) as here:
        for _ in range(2 * DOORS_PACE):
            here.app._clock_ticked()
        await settle(here.pilot)
        assert len(here.keeper.of(DaemonStatus)) == 1
        assert "not open" not in here.words


async def test_of_another_machine_nothing_is_said() -> None:
    connection = Connection(Phase.READY, "ready", remote="box.lan")
    link = sample.StillLink(sample.fleet()[2:4], connection=connection)
    async with opened(well(doors=[TAKEN]), link=link, keys=()) as here:
        assert here.keeper.of(DaemonStatus) == []
        assert "not open" not in here.words


# -- how it looks ----------------------------------------------------------------------------------


async def _opened(pilot: Pilot[Any], *keys: str) -> None:
    await settle(pilot)
    for key in ("S", *keys):
        await pilot.press(key)
        await settle(pilot)


def _app(state: Any, **more: Any) -> SerenoApp:
    link = sample.StillLink(sample.fleet()[2:4])
    link.asked = Keeper(state)
    return sample.app(link, **more)


PICTURES = {
    "well": (well(), ()),
    "bad": (bad(), ()),
    "hostnames": (well(hostnames=["vps-1.lan"]), ("j", "j", "enter")),
    "listen": (well(), ("enter",)),
    "password": (well(), ("j", "j", "j", "j", "enter", "a", "b")),
    "remove": (well(password_set=True), ("X",)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    state, keys = PICTURES[name]

    async def ready(pilot: Pilot[Any]) -> None:
        await _opened(pilot, *keys)

    assert snap_compare(_app(state), terminal_size=size, run_before=ready)


def test_picture_without_colour(snap_compare: Any) -> None:
    async def ready(pilot: Pilot[Any]) -> None:
        await _opened(pilot)

    app = _app(bad(), no_colour=True)
    assert snap_compare(app, terminal_size=(100, 30), run_before=ready)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_the_notice(size: tuple[int, int], snap_compare: Any) -> None:
    async def ready(pilot: Pilot[Any]) -> None:
        await settle(pilot)

    app = _app(well(doors=[TAKEN]))
    assert snap_compare(app, terminal_size=size, run_before=ready)
