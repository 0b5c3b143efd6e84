"""The request panel with real keys: the rules against accidents (T43, T44), end to end.

The panel's clock is the test's own; the screen's timers only ask it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentUpserted, PermissionResolvedPush
from sereno.core.protocol.permissions import Allow, Deny, PermissionAction, PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import given
from sereno.tui.app import SerenoApp
from sereno.tui.messages import Answer
from sereno.tui.screens.agent.pager import RequestPager
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.agent.view import footer_keys
from sereno.tui.widgets.request_panel import RequestPanel
from sereno.tui.widgets.request_panel_gate import BURST_S, DEAD_S, QUIET_S, REPEAT_S
from sereno.tui.widgets.request_panel_state import Phase
from tests.tui import sample
from tests.tui.idle import until

ONCE = PermissionAction(id="once", label="Allow", behavior="allow")
ALWAYS = PermissionAction(
    id="always", label="Always allow psql in this session", behavior="allow", standing=True
)
REJECT = PermissionAction(id="reject", label="Reject", behavior="deny")


def asks(number: int, command: str = "make deploy", **more: Any) -> PermissionRequest:
    detail = ShellDetail(command=command, cwd=f"{sample.HOME}/src/shop")
    return sample.request(number, detail, 60 - number, **more)


class Person:
    """Somebody at the agent screen, with a clock that they hold in their hand."""

    def __init__(self, app: SerenoApp, pilot: Pilot[str], link: sample.StillLink) -> None:
        self.app, self.pilot, self.link = app, pilot, link
        self.now = 1000.0
        self.updates = 0

    @property
    def screen(self) -> AgentScreen:
        screen = self.app.screen
        assert isinstance(screen, AgentScreen)
        return screen

    @property
    def panel(self) -> RequestPanel:
        return self.screen.panel

    @property
    def answers(self) -> list[Answer]:
        return [act for act in self.link.acts if isinstance(act, Answer)]

    def agent(self, *requests: PermissionRequest) -> AgentSnapshot:
        self.updates += 1
        return sample.agent(
            1, "Tax", status="running", pending=requests, updated=-self.updates, since=10
        )

    async def requests(self, *requests: PermissionRequest) -> None:
        """The daemon says which requests are open."""
        self.app.model.apply(AgentUpserted(agent=self.agent(*requests)))
        await self.settle()

    async def settle(self) -> None:
        self.screen.model_changed(self.app.model.take_changes())
        self.screen.refresh_all()
        await self.pilot.pause()
        await self.pilot.pause()

    async def wait(self, seconds: float) -> None:
        """The clock goes on, and what was due at it happens."""
        panel = self.panel
        first = min(seconds, BURST_S + 0.01)
        for step in (first, seconds - first):
            self.now += step
            panel._woken()
        panel._look_around()
        await self.pilot.pause()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Keys at human speed: each a second after the last."""
        for key in keys:
            await self.pilot.press(key)
            await self.wait(1.0)

    async def look(self) -> None:
        """Waits until the request has taken the keyboard and its keys work."""
        await self.wait(QUIET_S + 0.1)
        await self.until(lambda: self.panel.has_focus)
        await self.wait(DEAD_S + 0.1)

    async def page(self) -> None:
        """Opens the pager on the whole text and waits until it listens."""
        panel = self.panel
        await self.pilot.press("v")
        self.now += 1.0
        panel._woken()
        await self.until(lambda: isinstance(self.app.screen, RequestPager))
        await self.until(lambda: self.app.focused is not None and self.app.focused.id == "text")
        await self.pilot.pause()

    async def until(self, true: Callable[[], bool]) -> None:
        await until(self.pilot, true)


@asynccontextmanager
async def person_at(
    *requests: PermissionRequest, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Person]:
    link = sample.StillLink([sample.agent(1, "Tax", status="running", pending=requests)])
    app = sample.app(link)
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot, link)
        app.monotonic = lambda: person.now
        await person.until(lambda: bool(app.model.agents))
        app.open_agent(link.agents[0].id)
        await person.until(lambda: isinstance(app.screen, AgentScreen))
        await pilot.pause()
        await person.settle()
        yield person


def shown(person: Person) -> str:
    return "\n".join("".join(text for text, _ in line) for line in person.panel.sheet.lines)


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
        while "rm -rf /" not in shown(person):
            await person.press("space")
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
