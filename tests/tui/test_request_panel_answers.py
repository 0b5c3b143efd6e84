"""The request panel with real keys: one request after the other, and every way to answer."""

from __future__ import annotations

import msgspec

from sereno.core.protocol.messages import PermissionResolvedPush
from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.values import given
from sereno.tui.screens.agent.view import footer_keys
from sereno.tui.widgets.request_panel_gate import REPEAT_S
from sereno.tui.widgets.request_panel_state import Phase
from tests.tui.request_place import ALWAYS, ONCE, REJECT, asks, person_at, shown


async def test_requests_are_shown_one_at_a_time_oldest_first() -> None:
    async with person_at(asks(1, "first")) as person:
        await person.look()
        await person.requests(asks(1, "first"), asks(2, "second"))
        assert "first" in shown(person)
        assert "second" not in shown(person)
        assert "1 of 2" in shown(person)
        await person.press("n")
        assert [act.response for act in person.answers] == [Deny()]
        await person.requests(asks(2, "second"))
        assert "second" in shown(person)
        assert person.panel.has_focus


async def test_it_closes_with_the_name_of_who_answered() -> None:
    async with person_at(asks(1)) as person:
        agent_id = person.link.agents[0].id
        person.app.model.apply(
            PermissionResolvedPush(
                agent_id=agent_id,
                request_id="request-1",
                resolution=Allow(),
                answered_by="Pixel 9",
            )
        )
        await person.requests()
        assert person.panel.desk.phase is Phase.EMPTY
        hint = str(person.screen.query_one("#hint")._lines)  # type: ignore[attr-defined]
        assert "was allowed by" in hint
        assert "Pixel 9" in hint


async def test_an_own_answer_is_not_announced() -> None:
    async with person_at(asks(1)) as person:
        await person.look()
        await person.press("n")
        await person.requests()
        assert person.screen._notice == ()
        assert person.screen.composer.has_focus


async def test_a_refused_answer_says_why_and_asks_again() -> None:
    async with person_at(asks(1)) as person:
        person.link.refusal = "Pixel 9 has answered already."
        await person.look()
        await person.press("y")
        await person.until(lambda: person.panel.desk.phase is Phase.ASKING)
        assert "Pixel 9 has answered already." in shown(person)


async def test_ctrl_g_goes_to_the_request_also_while_typing() -> None:
    async with person_at(asks(1)) as person:
        await person.pilot.press("h", "i")
        await person.pilot.press("ctrl+g")
        await person.until(lambda: person.panel.has_focus)
        await person.press("tab")
        assert person.screen.composer.has_focus
        assert person.screen.composer.text == "hi"
        assert person.answers == []


async def test_tab_goes_back_to_the_draft_and_the_request_stays() -> None:
    async with person_at(asks(1)) as person:
        await person.look()
        await person.press("tab")
        assert person.screen.composer.has_focus
        assert "make deploy" in shown(person)
        await person.wait(100)
        assert not person.panel.has_focus


async def test_esc_decides_later_and_ctrl_g_comes_back() -> None:
    async with person_at(asks(1)) as person:
        await person.look()
        await person.press("escape")
        assert person.panel.desk.phase is Phase.PUT_OFF
        assert "1 request waits" in shown(person)
        assert person.screen.composer.has_focus
        await person.pilot.press("ctrl+g")
        await person.until(lambda: person.panel.has_focus)
        assert "make deploy" in shown(person)


async def test_s_shows_the_exact_rule_and_enter_sends_it() -> None:
    async with person_at(asks(1, actions=[ONCE, ALWAYS, REJECT])) as person:
        await person.look()
        assert "allow for longer" in shown(person)
        assert "this session" not in shown(person), "nobody said that it ends with it"
        await person.press("s")
        assert "may outlive the session" in shown(person)
        assert "Always allow psql in this session" in shown(person)
        assert person.answers == []
        await person.press("enter")
        assert person.answers[0].response == Allow(selected_action_id="always")


async def test_s_is_not_offered_without_a_standing_answer() -> None:
    async with person_at(asks(1, actions=[ONCE, REJECT])) as person:
        await person.look()
        assert "session" not in shown(person)
        await person.press("s")
        assert person.panel.desk.phase is Phase.ASKING


async def test_r_denies_with_words_for_the_agent() -> None:
    async with person_at(asks(1, actions=[ONCE, REJECT])) as person:
        await person.look()
        await person.press("r")
        for key in "yes":
            await person.pilot.press(key)
        assert person.answers == []
        await person.pilot.press("enter")
        await person.wait(REPEAT_S)
        expected = Deny(selected_action_id="reject", message="yes")
        assert [act.response for act in person.answers] == [expected]


async def test_r_is_not_offered_where_the_words_do_not_reach_the_agent() -> None:
    untold = asks(1, actions=[ONCE, REJECT])
    given(untold.metadata, {})["sereno"]["takesWords"] = False
    async with person_at(untold) as person:
        await person.look()
        assert "say why" not in shown(person)
        screen = person.screen
        keys = footer_keys("panel", None, person.panel.desk, screen.look(), 1)
        assert "r" not in [key for key, _ in keys]
        await person.press("r")
        assert person.panel.desk.phase is Phase.ASKING
        assert "This agent is not told why" in shown(person)
        await person.press("n")
        assert [act.response for act in person.answers] == [Deny(selected_action_id="reject")]


async def test_only_what_ends_with_the_session_is_called_so() -> None:
    ends = msgspec.structs.replace(ALWAYS, id="ends", label="The session", lasts="session")
    async with person_at(asks(1, actions=[ONCE, ends, REJECT])) as person:
        await person.look()
        assert "allow for this session" in shown(person)
    async with person_at(asks(1, actions=[ONCE, ends, ALWAYS, REJECT])) as person:
        await person.look()
        assert "allow for longer" in shown(person)
        await person.press("s")
        assert "Allow for longer:" in shown(person)
        assert "The session  (until the session ends)" in shown(person)
        assert "psql in this session  (may outlive the session)" in shown(person)


async def test_e_is_not_offered_where_the_agent_takes_no_change() -> None:
    async with person_at(asks(1)) as person:
        await person.look()
        assert "edit" not in shown(person)
        await person.press("e")
        assert person.panel.desk.phase is Phase.ASKING


async def test_an_agent_that_asks_and_asks_gets_no_key_of_a_writer() -> None:
    async with person_at() as person:
        for number in range(1, 6):
            await person.pilot.press("y")
            await person.requests(*[asks(each) for each in range(1, number + 1)])
            await person.wait(0.4)
        assert person.answers == []
        assert person.screen.composer.text == "yyyyy"
