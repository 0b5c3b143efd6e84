"""Who wants in: the question, its keys that no accident presses (T43, T44), and what is sent."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Input

from sereno.core.protocol.pairing import AnswerQuestion
from sereno.core.protocol.values import UNSET
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.fleet.pairing import KnockBar
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.pair.admit import Admit
from sereno.tui.screens.pair.screen import PairScreen
from sereno.tui.screens.pair.view import Stage
from sereno.tui.widgets.request_panel_gate import DEAD_S
from tests.tui.pair_screens import PairPlace, opened_pair, scanned
from tests.tui.pairing_place import Gate, relay
from tests.tui.scenes import settle
from tests.tui.test_pair import CODE, OWN, SIZES, stage


def answers(here: PairPlace) -> list[AnswerQuestion]:
    return here.gate.of(AnswerQuestion)


@pytest.mark.parametrize("size", SIZES)
async def test_who_came_and_what_they_would_get(size: tuple[int, int]) -> None:
    async with opened_pair(keys=CODE, size=size) as here:
        await here.knocked()
        for words in ("An official app wants in", "mobile, app 0.1.65", "start and stop agents",
                      "settings, pairing, terminals", "could drop", "y let it in"):  # fmt: skip
            assert words in here.words, words
        assert "Words" not in here.words
        assert scanned(here.app) == "", "the code is hidden: it was used"
        assert "…" not in here.words


@pytest.mark.parametrize("size", SIZES)
async def test_own_clients_have_words_to_compare(size: tuple[int, int]) -> None:
    async with opened_pair(keys=OWN, size=size) as here:
        await here.knocked(client_type="cli", app_version="0.1.0")
        assert "Another Sereno wants in" in here.words
        assert "copper tulip anchor" in here.words
        assert "cli, version 0.1.0" in here.words


async def test_words_of_another_handshake_are_shown_at_once_and_kill_the_keys_again() -> None:
    """The other side was cut off and came again: it shows other words now."""
    async with opened_pair(keys=OWN) as here:
        await here.knocked()
        asked = here.app.screen
        here.clock += 5.0
        (question,) = here.gate.questions
        again = msgspec.structs.replace(question, words=["ribbon", "cactus", "velvet"])
        here.gate.questions = [again]
        here.gate.changed()
        await here.until(lambda: "ribbon cactus velvet" in here.words)
        assert "copper" not in here.words
        await here.press("y")
        assert here.app.screen is asked
        assert answers(here) == [], "what was typed for the old words counts for nothing"
        await here.answer("y")
    assert [each.allow for each in answers(here)] == [True]


async def test_c36_a_yes_lets_in_with_name_and_rights() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        await here.press("tab")
        await here.type("Pixel y n")
        assert answers(here) == []
        await here.press("tab", "right")
        assert "read only" in here.words
        await here.answer("y")
        assert stage(here) is Stage.OVER
        assert "Pixel y n is paired." in here.words
    (sent,) = answers(here)
    assert (sent.allow, sent.name, sent.rights) == (True, "Pixel y n", "viewer")


async def test_a_no_ends_the_offer() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        await here.answer("n")
        assert stage(here) is Stage.OVER
        assert "You said no" in here.words
    (sent,) = answers(here)
    assert (sent.allow, sent.name) == (False, UNSET)


async def test_an_offer_from_elsewhere_keeps_what_it_said() -> None:
    async with opened_pair(keys=CODE) as here:
        here.app.pairing.made.clear()
        await here.knocked()
        assert "as offered" in here.words
        await here.answer("y")
    (sent,) = answers(here)
    assert (sent.name, sent.rights) == (UNSET, UNSET)


async def test_t44_keys_are_dead_at_first_and_each_key_starts_that_again() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        await here.press("y")
        here.clock += DEAD_S - 0.1
        await here.press("y")
        here.clock += DEAD_S - 0.1
        await here.press("n")
        assert isinstance(here.app.screen, Admit)
        assert answers(here) == []
        await here.answer("y")
    assert [each.allow for each in answers(here)] == [True]


@pytest.mark.parametrize("keys", [("enter",), ("y", "o"), ("y", "n"), ("space",)])
async def test_t43_enter_and_keys_in_a_burst_answer_nothing(keys: tuple[str, ...]) -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        here.clock += 5
        await here.press(*keys)
        here.clock += 5
        await here.pilot.pause(0.1)
        assert isinstance(here.app.screen, Admit)
        assert answers(here) == []


async def test_t44_a_key_that_is_held_answers_nothing() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        for _ in range(4):
            await here.press("y")
            here.clock += DEAD_S + 0.1
        await here.pilot.pause(0.1)
        assert isinstance(here.app.screen, Admit)
        assert answers(here) == []


async def test_a_key_that_was_for_the_name_answers_nothing() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        await here.press("tab")
        here.clock += 5
        await here.type("Pixel")
        await here.press("enter", "y")
        here.clock += 5
        await here.pilot.pause(0.1)
        assert isinstance(here.app.screen, Admit)
        assert answers(here) == []


async def test_later_and_again() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        await here.press("escape")
        assert isinstance(here.app.screen, PairScreen)
        assert "a answers" in here.words
        here.seconds(2)
        await settle(here.pilot)
        assert isinstance(here.app.screen, PairScreen), "it does not come up again by itself"
        await here.press("a")
        await here.answer("y")
    assert len(answers(here)) == 1


async def test_a_refusal_of_the_answer_is_shown() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked()
        here.gate.refusal = ("Somebody else came by that code.", "Make a new one.")
        await here.answer("y")
        assert "Somebody else came by that code. Make a new one." in here.words


async def test_nobody_is_asked_over_a_name_that_is_being_typed() -> None:
    async with opened_pair(keys=CODE) as here:
        screen = here.app.screen
        assert isinstance(screen, PairScreen)
        screen.action_new()
        await settle(here.pilot)
        await here.press("tab")
        here.gate.knock(here.gate.offers[0].id)
        await here.until(lambda: "a answers" in here.words)
        await here.type("yn")
        assert here.app.screen is screen
        assert screen.query_one("#name", Input).value == "yn"
        await here.press("tab")
        here.seconds(1)
        await here.until(lambda: isinstance(here.app.screen, Admit))
        await settle(here.pilot)


async def test_what_they_say_hides_nothing_and_is_no_markup() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked(client_type="[bold]mob\u202eile", app_version="1\x1b]52;c;eA==\x07")
        assert "[bold]mob\\u202eile" in here.words
        assert "\x1b" not in here.words
        assert "\u202e" not in here.words


async def test_one_that_has_left_again_is_said_to() -> None:
    async with opened_pair(keys=CODE) as here:
        await here.knocked(waiting=False)
        assert "left again; a yes counts when it comes back" in here.words


# -- where the person is elsewhere ---------------------------------------------------------------


async def test_a_knock_is_told_on_the_fleet_until_it_is_answered() -> None:
    async with opened_pair(keys=(*CODE, "escape")) as here:
        here.gate.knock(here.gate.offers[0].id)
        await here.until(lambda: bool(here.app.screen.query(KnockBar)))
        await settle(here.pilot)
        assert "An official app (mobile, app 0.1.65) wants in. P answers." in here.words
        assert "wants in P answers" in here.words
        await here.press("P")
        await here.until(lambda: isinstance(here.app.screen, Admit))
        await here.answer("y")
        await here.press("escape")
        assert isinstance(here.app.screen, FleetScreen)
        await here.until(lambda: not here.app.screen.query(KnockBar))


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_knock_rings_once_where_that_is_wanted(
    wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr("sereno.tui.everywhere.write_raw", lambda _app, text: rung.append(text))
    async with opened_pair(keys=(*CODE, "escape"), bell=wanted) as here:
        here.gate.knock(here.gate.offers[0].id)
        await here.until(lambda: bool(here.app.screen.query(KnockBar)))
        here.gate.changed()
        here.seconds(2)
        await settle(here.pilot)
        assert rung == ["\a"] * wanted


async def test_a_knock_reaches_the_person_at_an_agent() -> None:
    async with opened_pair(keys=(*CODE, "escape", "4")) as here:
        assert isinstance(here.app.screen, AgentScreen)
        here.gate.knock(here.gate.offers[0].id)
        await here.until(lambda: "ctrl+x w answers" in here.words)
        await here.press("ctrl+x", "w")
        await here.until(lambda: isinstance(here.app.screen, Admit))
        await settle(here.pilot)
        await settle(here.pilot)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("state", "wide", "narrow"),
    [
        ("ready", "relay.paseo.sh ok", "relay ok"),
        ("waiting", "! relay.paseo.sh does not answer", "! relay does not answer"),
        ("idle", "relay.paseo.sh idle", "relay idle"),
        ("off", "", ""),
    ],
)
async def test_the_fleet_says_through_which_relay_one_is_reachable(
    state: str, wide: str, narrow: str, size: tuple[int, int]
) -> None:
    gate = Gate()
    gate.relay = relay(enabled=state != "off", state=state)
    async with opened_pair(keys=(), gate=gate, size=size) as here:
        words = wide if size[0] >= 80 else narrow
        if words:
            await here.until(lambda: words in here.words)
        else:
            assert "relay" not in here.words
