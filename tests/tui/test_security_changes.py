"""What is changed on the security screen: tried, asked about, refused, forced."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from textual.widgets import Input

from sereno.core.protocol.security import (
    ChangeSecurity,
    RotateToken,
    SetPassword,
    TryHost,
)
from sereno.tui.screens.confirm.screen import Confirm
from sereno.tui.screens.security import hosts
from sereno.tui.screens.security.panel import EditPanel
from sereno.tui.screens.security.screen import SecurityScreen
from tests.tui.scenes import settle
from tests.tui.security_place import Place, opened, well

SIZES = [pytest.param((100, 30), id="100x30"), pytest.param((60, 20), id="60x20")]


def changes(here: Place) -> list[dict[str, Any]]:
    """What was asked to be changed, without what was not given."""
    asked = [msgspec.structs.asdict(each) for each in here.keeper.of(ChangeSecurity)]
    return [
        {name: value for name, value in each.items() if value is not msgspec.UNSET and value != ""}
        for each in asked
    ]


@pytest.mark.parametrize("size", SIZES)
async def test_hostnames_are_tried_by_the_draft_and_saved_after_a_question(
    size: tuple[int, int],
) -> None:
    async with opened(size=size) as here:
        await here.choose("hostnames")
        await here.type("box.lan")
        await here.press("tab")
        await here.type("box.lan:6767")
        await here.until(lambda: "passes: box.lan is among" in here.words)
        await here.until(lambda: here.keeper.of(TryHost)[-1].host == "box.lan:6767")
        last = here.keeper.of(TryHost)[-1]
        assert (last.host, last.hostnames, last.any_hostname) == (
            "box.lan:6767",
            ["box.lan"],
            False,
        )
        assert changes(here) == [], "trying saves nothing"
        await here.press("enter")
        assert changes(here) == [], "enter where a host is tried saves nothing"
        await here.press("shift+tab", "enter")
        assert isinstance(here.app.screen, Confirm)
        assert "box.lan is answered" in here.words
        assert changes(here) == []
        await here.yes()
        assert changes(here) == [{"any_hostname": False, "hostnames": ["box.lan"]}]
        assert isinstance(here.app.screen, SecurityScreen)
        assert "box.lan; every other one is refused" in here.words


async def test_a_host_that_is_refused_is_said_and_typing_asks_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosts, "CALM", 0.5)
    async with opened() as here:
        await here.choose("hostnames")
        field = here.app.screen.query_one("#host", Input)
        for end in range(len("evil.com")):  # Faster than anybody types.
            field.value = "evil.com"[: end + 1]
        await here.until(lambda: "refused: evil.com: 403." in here.words)
        assert [each.host for each in here.keeper.of(TryHost)] == ["evil.com"]


async def test_any_hostname_names_what_becomes_possible() -> None:
    async with opened() as here:
        await here.choose("hostnames")
        await here.press("shift+tab", "right", "enter")
        assert "DNS rebinding" in here.words
        await here.yes()
        assert changes(here) == [{"any_hostname": True}]
        assert "any name" in here.words


async def test_fewer_names_are_saved_without_a_question() -> None:
    async with opened(well(hostnames=["a.lan", "b.lan"])) as here:
        await here.choose("hostnames")
        await here.press(*["backspace"] * len(", b.lan"), "enter")
        assert changes(here) == [{"any_hostname": False, "hostnames": ["a.lan"]}]


@pytest.mark.parametrize(
    ("address", "asks"),
    [("127.0.0.1:7000", ""), ("7000", ""), ("0.0.0.0:7000", "every network of this machine"),
     ("[::]:7000", "every network"), ("10.0.0.7:7000", "whoever reaches 10.0.0.7"),
     ("box.lan:7000", "whoever reaches box.lan")],
)  # fmt: skip
async def test_an_address_that_others_reach_is_asked_about(address: str, asks: str) -> None:
    async with opened() as here:
        await here.choose("listen")
        here.app.screen.query_one("#list", Input).value = f"127.0.0.1:6767, {address}"
        await settle(here.pilot)
        await here.press("enter")
        assert isinstance(here.app.screen, Confirm) is bool(asks)
        if asks:
            assert asks in here.words
            assert "not encrypted" in here.words
            await here.yes()
        assert changes(here) == [{"listen": ["127.0.0.1:6767", address]}]


async def test_no_leaves_everything_and_the_draft() -> None:
    async with opened() as here:
        await here.choose("listen")
        await here.type(" 0.0.0.0:1")
        await here.press("enter", "n")
        assert changes(here) == []
        assert "0.0.0.0:1" in here.words
        await here.press("escape")
        assert changes(here) == []
        assert isinstance(here.app.screen, SecurityScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_a_refusal_is_shown_whole_and_what_was_typed_stays(size: tuple[int, int]) -> None:
    async with opened(size=size) as here:
        here.keeper.error = "0.0.0.0:1 can be reached from other machines, and no password is set."
        here.keeper.next_step = "Set one with `sereno daemon set-password`, or change the address."
        await here.choose("listen")
        await here.type(" 0.0.0.0:1")
        await here.press("enter")
        await here.yes()
        words = " ".join(here.words.replace("│", " ").split())
        assert f"{here.keeper.error} {here.keeper.next_step}" in words
        assert isinstance(here.app.screen, EditPanel)
        assert "0.0.0.0:1" in here.app.screen.query_one("#list", Input).value
        assert here.keeper.state.listen == ["127.0.0.1:6767"]


async def test_origins_are_asked_about() -> None:
    async with opened() as here:
        await here.choose("origins")
        await here.press("asterisk", "enter")
        assert "Pages of every web site" in here.words
        await here.yes()
        assert changes(here) == [{"origins": ["*"]}]


@pytest.mark.parametrize(
    ("before", "keys", "after", "asks"),
    [
        ("same-user", ("down",), "token", ""),
        ("same-user", ("down", "down"), "trust", "acts as you"),
        ("token", ("up",), "same-user", "without showing anything"),
        ("trust", ("up",), "token", ""),
    ],
)
async def test_the_rule_for_this_machine(
    before: str, keys: tuple[str, ...], after: str, asks: str
) -> None:
    async with opened(well(loopback=before)) as here:
        await here.choose("loopback")
        await here.press(*keys, "enter")
        assert isinstance(here.app.screen, Confirm) is bool(asks)
        if asks:
            assert asks in here.words
            await here.yes()
        assert changes(here) == [{"loopback": after}]


@pytest.mark.parametrize("size", SIZES)
async def test_a_password_is_typed_twice_and_never_seen(size: tuple[int, int]) -> None:
    async with opened(size=size) as here:
        here.keeper.doubts = ["It has only 7 characters."]
        await here.choose("password")
        await here.type("secret1")
        assert "secret1" not in here.words
        assert "•••••••" in here.words
        await here.press("enter")
        await here.type("secret2")
        await here.press("enter")
        assert "The two are not the same." in here.words
        assert here.keeper.of(SetPassword) == []
        await here.type("secret1")
        await here.press("enter")
        assert [each.password for each in here.keeper.of(SetPassword)] == ["secret1"]
        assert isinstance(here.app.screen, SecurityScreen)
        assert "The password is set. It has only 7 characters." in here.words
        assert "secret1" not in here.words


async def test_a_password_that_may_not_be_one_keeps_the_panel_open() -> None:
    async with opened() as here:
        here.keeper.error, here.keeper.next_step = "The password is empty.", "Choose one of 12."
        await here.choose("password")
        await here.press("enter", "enter")
        assert "The password is empty. Choose one of 12." in here.words
        assert isinstance(here.app.screen, EditPanel)
        await here.press("escape")
        assert not here.keeper.state.password_set


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("same-user", "Programs of your user on this machine then connect"),
        ("token", "Whoever has the token connects"),
        ("trust", "Every user and every program"),
    ],
)
async def test_removing_the_password_names_what_becomes_possible(rule: str, words: str) -> None:
    async with opened(well(password_set=True, loopback=rule)) as here:
        await here.press("X")
        assert words in here.words
        await here.press("n")
        assert here.keeper.of(SetPassword) == []
        await here.press("X")
        await here.yes()
        assert [each.password for each in here.keeper.of(SetPassword)] == [None]
        assert "not set" in here.words


async def test_a_refused_removal_is_said_on_the_page() -> None:
    async with opened(well(password_set=True)) as here:
        here.keeper.error, here.keeper.next_step = "10.0.0.7:1 needs one.", "Close it first."
        await here.press("X")
        await here.yes()
        assert "10.0.0.7:1 needs one. Close it first." in here.words
        assert "set" in here.words
        await here.press("r")
        assert "Close it first." not in here.words, "a look that went well is the newer word"


async def test_where_no_password_is_there_is_none_to_remove() -> None:
    async with opened() as here:
        assert "remove the password" not in here.words
        await here.press("X")
        assert "No password is set." in here.words
        assert here.keeper.of(SetPassword) == []


@pytest.mark.parametrize("way", ["key", "fact"])
async def test_the_token_is_made_anew_after_a_question(way: str) -> None:
    async with opened() as here:
        if way == "key":
            await here.press("T")
        else:
            await here.choose("token")
        assert "sent away at once" in here.words
        assert here.keeper.of(RotateToken) == []
        await here.yes()
        assert len(here.keeper.of(RotateToken)) == 1
        assert "made just now" in here.words


@pytest.mark.parametrize(
    ("fact", "setting"),
    [("listen", "daemon.listen"), ("origins", "daemon.cors.allowed_origins"),
     ("password", "daemon.auth.password"), ("loopback", "daemon.auth.loopback")],
)  # fmt: skip
async def test_what_a_variable_sets_cannot_be_changed_here(fact: str, setting: str) -> None:
    state = well(forced={setting: "SERENO_THIS"}, password_set=True)
    async with opened(state) as here:
        assert "set by SERENO_THIS in the daemon's environment" in here.words
        await here.choose(fact)
        assert isinstance(here.app.screen, SecurityScreen)
        assert "SERENO_THIS sets this" in here.words
        assert "enter change" not in here.words
        if fact == "password":
            await here.press("X")
            assert isinstance(here.app.screen, SecurityScreen)
    assert changes(here) == []


async def test_hostnames_of_a_variable_can_be_tried_only() -> None:
    state = well(forced={"daemon.hostnames": "SERENO_HOSTNAMES"}, hostnames=["box.lan"])
    async with opened(state) as here:
        await here.choose("hostnames")
        await here.type("box.lan")
        await here.until(lambda: "passes: box.lan" in here.words)
        assert here.keeper.of(TryHost)[-1].hostnames is msgspec.UNSET
        assert here.app.screen.query_one("#names").disabled
        screen = here.app.screen
        assert isinstance(screen, EditPanel)
        screen.action_save()
        await settle(here.pilot)
        assert "SERENO_HOSTNAMES sets them" in here.words
        assert changes(here) == []


@pytest.mark.parametrize("fact", ["socket", "tls", "page", "guest-0", "check-0"])
async def test_other_facts_promise_no_change(fact: str) -> None:
    async with opened() as here:
        await here.choose(fact)
        assert isinstance(here.app.screen, SecurityScreen)
        assert "enter change" not in here.words
