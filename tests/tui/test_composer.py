"""The composer with real keys: sending, lines, earlier prompts, queue, completion, `ctrl+c`."""

from __future__ import annotations

import pytest
from textual import events

from sereno.core.protocol.additions import TakeBackPromptResult
from sereno.core.protocol.agents import Command, QueuedPrompt
from sereno.core.protocol.timeline import UserMessage
from sereno.tui.messages import Interrupt, SendPrompt, TakeBack
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.widgets.file_picker import FilePicker
from tests.tui import sample
from tests.tui.agent_place import Place, place

QUEUE = [
    QueuedPrompt(id="q1", text="first thing", queued_at=sample.stamp(20)),
    QueuedPrompt(id="q2", text="second thing", queued_at=sample.stamp(10)),
]


def texts(here: Place) -> list[tuple[str, str]]:
    return [(act.text, act.delivery) for act in here.acts(SendPrompt)]


async def test_enter_sends_and_empties() -> None:
    async with place() as here:
        await here.type("fix it")
        await here.press("enter")
        assert texts(here) == [("fix it", "queue")]
        assert here.composer.text == ""
        assert here.acts(SendPrompt)[0].message_id


async def test_nothing_but_white_space_is_not_sent() -> None:
    async with place() as here:
        await here.type("  \n ")
        await here.press("enter")
        assert texts(here) == []


async def test_ctrl_j_is_a_new_line() -> None:
    async with place() as here:
        await here.type("a\nb")
        assert here.composer.text == "a\nb"
        assert here.composer.size.height == 2
        await here.press("enter")
        assert texts(here) == [("a\nb", "queue")]


async def test_a_paste_of_lines_is_text_and_sends_nothing() -> None:
    async with place() as here:
        here.app.post_message(events.Paste("a\nb\n"))
        await here.pilot.pause()
        assert here.composer.text == "a\nb\n"
        assert texts(here) == []


@pytest.mark.parametrize(
    ("key", "left"),
    [("ctrl+w", "one "), ("ctrl+u", ""), ("alt+backspace", "one ")],
)
async def test_the_editing_keys_of_readline(key: str, left: str) -> None:
    async with place() as here:
        await here.type("one two")
        await here.press(key)
        assert here.composer.text == left


async def test_ctrl_a_and_ctrl_k() -> None:
    async with place() as here:
        await here.type("one two")
        await here.press("ctrl+a", "ctrl+k")
        assert here.composer.text == ""
        await here.press("ctrl+underscore")
        assert here.composer.text == "one two"


async def test_up_and_down_at_the_edge_walk_through_earlier_prompts() -> None:
    async with place([UserMessage(text="from the timeline")]) as here:
        await here.type("sent here")
        await here.press("enter")
        await here.type("draft")
        await here.press("up")
        assert here.composer.text == "sent here"
        await here.press("up")
        assert here.composer.text == "from the timeline"
        await here.press("up")
        assert here.composer.text == "from the timeline"
        await here.press("down", "down")
        assert here.composer.text == "draft"


async def test_up_inside_the_text_moves_the_cursor() -> None:
    async with place([UserMessage(text="earlier")]) as here:
        await here.type("a\nb")
        await here.press("up")
        assert here.composer.text == "a\nb"
        await here.press("up")
        assert here.composer.text == "earlier"


async def test_while_a_turn_runs_the_prompt_is_queued_and_says_so() -> None:
    async with place(status="running") as here:
        await here.type("later")
        assert "sent after this turn; ctrl+x i sends it now" in here.hint()
        await here.press("enter")
        assert texts(here) == [("later", "queue")]


async def test_ctrl_x_i_sends_now() -> None:
    async with place(status="running") as here:
        await here.type("now")
        await here.press("ctrl+x", "i")
        await here.until(lambda: bool(texts(here)))
        assert texts(here) == [("now", "interrupt")]


async def test_queued_prompts_are_shown_and_one_can_be_taken_back() -> None:
    async with place(status="running", queue=QUEUE) as here:
        assert "queued   first thing" in here.words("#queue")
        assert "queued   second thing" in here.words("#queue")
        here.link.reply = TakeBackPromptResult(
            request_id="r", agent_id=here.agent_id, prompt_id="q2", text="second thing", error=None
        )
        await here.press("up")
        await here.until(lambda: here.composer.text == "second thing")
        assert [act.prompt_id for act in here.acts(TakeBack)] == ["q2"]


async def test_what_is_typed_stays_when_a_prompt_comes_back() -> None:
    async with place(status="running", queue=QUEUE) as here:
        here.link.reply = TakeBackPromptResult(
            request_id="r", agent_id=here.agent_id, prompt_id="q2", text="second thing", error=None
        )
        await here.type("mine")
        await here.press("ctrl+x", "u")
        await here.until(lambda: here.composer.text == "second thing\nmine")


async def test_a_prompt_that_was_sent_already_cannot_come_back() -> None:
    async with place(status="running", queue=QUEUE) as here:
        here.link.reply = TakeBackPromptResult(
            request_id="r", agent_id=here.agent_id, prompt_id=None, text=None, error=None
        )
        await here.press("up")
        await here.until(lambda: "sent already" in here.hint())
        assert here.composer.text == ""


async def test_ctrl_x_i_without_text_sends_the_oldest_queued_prompt_now() -> None:
    async with place(status="running", queue=QUEUE) as here:
        here.link.reply = TakeBackPromptResult(
            request_id="r", agent_id=here.agent_id, prompt_id="q1", text="first thing", error=None
        )
        await here.press("ctrl+x", "i")
        await here.until(lambda: bool(texts(here)))
        assert [act.prompt_id for act in here.acts(TakeBack)] == ["q1"]
        assert texts(here) == [("first thing", "interrupt")]


async def test_a_prompt_that_failed_comes_back_with_the_reason() -> None:
    async with place() as here:
        here.link.refusal = "The daemon is away."
        await here.type("precious words")
        await here.press("enter")
        await here.until(lambda: here.composer.text == "precious words")
        assert "The daemon is away." in here.hint()


async def test_the_draft_is_kept_when_the_screen_is_left() -> None:
    async with place() as here:
        await here.type("half a tho")
        here.app.to_fleet()
        await here.until(lambda: not isinstance(here.app.screen, AgentScreen))
        here.app.open_agent(here.agent_id)
        await here.until(lambda: isinstance(here.app.screen, AgentScreen))
        await here.until(lambda: bool(here.screen.query("#composer")))
        await here.until(lambda: here.composer.text == "half a tho" and here.composer.has_focus)
        await here.press("enter")
        assert here.app.drafts == {}


async def test_ctrl_c_clears_the_text_then_stops_the_turn() -> None:
    async with place(status="running") as here:
        await here.type("oops")
        await here.press("ctrl+c")
        assert here.composer.text == ""
        assert here.acts(Interrupt) == []
        await here.press("up")
        assert here.composer.text == "oops"
        await here.press("ctrl+c", "ctrl+c")
        assert len(here.acts(Interrupt)) == 1


async def test_ctrl_c_copies_a_selection_and_keeps_the_text() -> None:
    async with place(status="running") as here:
        await here.type("copy me")
        await here.press("f7", "ctrl+c")
        assert here.app.clipboard == "copy me"
        assert here.composer.text == "copy me"
        assert here.acts(Interrupt) == []


async def test_at_opens_the_files_and_tab_completes() -> None:
    async with place() as here:
        await here.type("see @cart")
        picker = here.screen.query_one(FilePicker)
        await here.until(lambda: len(picker._choices) == 2)
        await here.press("down", "tab")
        assert here.composer.text == "see @tests/test_cart.py "
        await here.until(lambda: not picker.is_open)
        assert texts(here) == []


async def test_esc_closes_the_files_and_they_stay_closed_for_this_word() -> None:
    async with place() as here:
        await here.type("@cart")
        picker = here.screen.query_one(FilePicker)
        await here.until(lambda: picker.is_open)
        await here.press("escape")
        await here.until(lambda: not picker.is_open)
        assert here.composer.has_focus
        await here.type("x")
        await here.pilot.pause(0.2)
        assert not picker.is_open
        await here.press("enter")
        assert texts(here) == [("@cartx", "queue")]


async def test_no_file_matches_and_enter_still_sends() -> None:
    async with place() as here:
        await here.type("@zzz")
        picker = here.screen.query_one(FilePicker)
        await here.until(lambda: picker.is_open)
        await here.press("enter")
        assert texts(here) == [("@zzz", "queue")]


async def test_slash_at_the_start_lists_the_commands_of_the_agent() -> None:
    async with place() as here:
        state = here.app.model.agents[here.agent_id]
        state.extra.commands.extend(
            [
                Command(name="compact", description="shorten the context"),
                Command(name="review", description="look at a change", argument_hint="branch"),
            ]
        )
        await here.type("/re")
        picker = here.screen.query_one(FilePicker)
        await here.until(lambda: picker.is_open)
        assert picker.chosen == "review"
        await here.press("tab")
        assert here.composer.text == "/review "
        await here.type("a /co")
        assert not picker.is_open


async def test_mail_addresses_open_no_files() -> None:
    async with place() as here:
        await here.type("ada@cart")
        await here.pilot.pause(0.2)
        assert not here.screen.query_one(FilePicker).is_open
