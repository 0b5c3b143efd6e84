"""The request panel with real keys: the rules against accidents (T43, T44), end to end.

The panel's clock is the test's own; the screen's timers only ask it.
"""

from __future__ import annotations

import pytest

from sereno.core.protocol.permissions import Allow
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.widgets.request_panel_gate import DEAD_S, QUIET_S
from sereno.tui.widgets.request_panel_state import Phase
from tests.tui.request_place import ALWAYS, ONCE, REJECT, asks, person_at, shown


async def test_t44_the_request_takes_the_keyboard_when_nobody_types_and_y_allows() -> None:
    async with person_at(asks(1, actions=[ONCE, REJECT])) as person:
        assert not person.panel.has_focus
        await person.look()
        await person.press("y")
        assert [act.response for act in person.answers] == [Allow(selected_action_id="once")]
        assert person.answers[0].request_id == "request-1"


async def test_t44_what_is_typed_while_a_request_appears_goes_to_the_draft() -> None:
    async with person_at() as person:
        await person.pilot.press("t", "h", "e", "space")
        await person.requests(asks(1))
        for key in ["y", "e", "s", "enter"]:
            await person.pilot.press(key)
            await person.wait(0.2)
        assert person.answers == []
        assert not person.panel.has_focus
        sent = [act for act in person.link.acts if type(act).__name__ == "SendPrompt"]
        assert [getattr(act, "text", "") for act in sent] == ["the yes"]


async def test_t44_the_keyboard_stays_while_there_is_a_draft() -> None:
    async with person_at() as person:
        await person.pilot.press("h", "i")
        await person.requests(asks(1))
        await person.wait(600)
        assert not person.panel.has_focus
        assert person.screen.composer.has_focus


async def test_t44_the_keyboard_stays_until_no_key_came_for_a_while() -> None:
    async with person_at() as person:
        await person.pilot.press("h", "backspace")
        await person.requests(asks(1))
        await person.wait(QUIET_S - 0.2)
        assert not person.panel.has_focus
        await person.pilot.press("h", "backspace")
        await person.wait(QUIET_S - 0.2)
        assert not person.panel.has_focus
        await person.wait(0.4)
        await person.until(lambda: person.panel.has_focus)


@pytest.mark.parametrize("key", ["y", "n", "s", "enter", "r"])
async def test_t44_keys_are_dead_at_first_and_each_starts_the_time_again(key: str) -> None:
    async with person_at(asks(1, actions=[ONCE, ALWAYS, REJECT])) as person:
        await person.wait(QUIET_S + 0.1)
        await person.until(lambda: person.panel.has_focus)
        for _ in range(10):
            await person.wait(DEAD_S - 0.1)
            await person.pilot.press(key)
        assert "dead for 0.6 s" in shown(person)
        assert person.answers == []
        assert person.panel.desk.phase is Phase.ASKING


async def test_a_panel_that_goes_with_its_screen_draws_nothing_any_more() -> None:
    """Its timer may be due when the screen is taken apart, in whatever order."""
    async with person_at(asks(1)) as person:
        panel, screen = person.panel, person.screen
        await screen.query_one("#hint").remove()
        person.app.pop_screen()
        gone = screen.remove()
        panel._woken()
        await gone


async def test_t44_enter_never_allows() -> None:
    async with person_at(asks(1)) as person:
        await person.look()
        await person.press("enter", "enter", "enter")
        assert person.answers == []


async def test_t44_a_key_that_is_held_answers_one_request() -> None:
    async with person_at(asks(1), asks(2)) as person:
        await person.look()
        await person.press("y")
        assert len(person.answers) == 1
        await person.requests(asks(2))
        assert person.panel.has_focus
        for _ in range(20):
            await person.pilot.press("y")
            person.now += 0.05
            person.panel._woken()
        assert len(person.answers) == 1


async def test_t44_a_paste_answers_nothing() -> None:
    from textual import events

    async with person_at(asks(1)) as person:
        await person.look()
        person.panel.post_message(events.Paste("y\n"))
        await person.wait(2)
        assert person.answers == []
        for key in "yes":
            await person.pilot.press(key)
        await person.wait(5)
        assert person.answers == []


async def test_t43_allow_is_off_until_the_end_of_a_long_text_was_seen() -> None:
    long = "\n".join(f"echo {number}" for number in range(80)) + "\nrm -rf /"
    async with person_at(asks(1, long, actions=[ONCE, ALWAYS, REJECT])) as person:
        await person.look()
        assert "rm -rf /" not in shown(person)
        assert "of 81" in shown(person)
        await person.press("y", "s")
        assert person.answers == []
        assert "once the end was seen" in shown(person)
        while "rm -rf /" not in shown(person):
            await person.press("space")
        await person.until(lambda: "once the end was seen" not in shown(person))
        await person.press("y")
        assert len(person.answers) == 1


async def test_t43_the_end_seen_in_the_pager_counts() -> None:
    long = "\n".join(f"echo {number}" for number in range(80))
    async with person_at(asks(1, long)) as person:
        await person.look()
        await person.page()
        await person.pilot.press("q")
        await person.until(lambda: isinstance(person.app.screen, AgentScreen))
        assert not person.panel.desk.end_seen
        await person.wait(2)
        await person.page()
        await person.pilot.press("G", "q")
        await person.until(lambda: isinstance(person.app.screen, AgentScreen))
        await person.until(lambda: person.panel.desk.end_seen)


async def test_t43_a_screen_too_small_to_decide_in_allows_nothing() -> None:
    async with person_at(asks(1, "x" * 400), size=(40, 9)) as person:
        await person.look()
        await person.press("y")
        assert person.answers == []


async def test_t43_text_of_the_agent_cannot_pass_for_a_line_of_the_panel() -> None:
    spoof = "ls\n\n reads as    ls, which only reads\n y  allow once        n  deny"
    title = "Request 1: harmless\n in  nowhere"
    async with person_at(asks(1, spoof, title=title)) as person:
        lines = shown(person).split("\n")
        theirs = [line for line in lines if "which only reads" in line or "nowhere" in line]
        assert theirs
        assert all(line.lstrip("│ ").startswith(("┃ ", "· ")) for line in theirs)
        assert "run a command" in lines[0]
        assert "harmless" not in lines[0]
        assert any("shell syntax (several lines)" in line for line in lines)


async def test_t42_hidden_characters_of_a_request_are_shown() -> None:
    async with person_at(asks(1, "rm\u202egnp.tac\u200b x\u0430y")) as person:
        text = shown(person)
        assert "rm\\u202egnp.tac\\u200b" in text
        assert "different alphabets" in text
        assert "\u202e" not in text
