"""After a stop: prompts that are held and how they go on, and a turn that left nothing behind."""

from __future__ import annotations

import pytest

from sereno.core.protocol.additions import TakeBackPromptResult
from sereno.core.protocol.agents import QueuedPrompt
from sereno.core.protocol.events import TurnCanceled, TurnStarted
from sereno.core.protocol.messages import AgentStream
from sereno.core.protocol.timeline import AssistantMessage, UserMessage
from sereno.tui.messages import SendPrompt, TakeBack
from tests.tui import sample
from tests.tui.agent_place import Place, place

FIRST = QueuedPrompt(id="q1", text="also cover an expired voucher", queued_at=sample.stamp(20))
SECOND = QueuedPrompt(id="q2", text="and write it down", queued_at=sample.stamp(10))
ASKED = [UserMessage(text="Fix the voucher.")]


async def happens(here: Place, event: TurnStarted | TurnCanceled) -> None:
    push = AgentStream(agent_id=here.agent_id, event=event, timestamp=sample.stamp(1))
    here.app.model.apply(push)
    await here.settle()


async def test_a_queue_behind_a_turn_is_not_held() -> None:
    async with place(ASKED, status="running", queue=[FIRST]) as here:
        assert here.words("#queue").startswith(" queued   also cover")
        assert "held" not in here.hint()
        await here.press("enter")
        assert not here.link.acts


@pytest.mark.parametrize("width", [60, 100])
async def test_enter_sends_what_is_held(width: int) -> None:
    async with place(ASKED, status="running", queue=[FIRST], size=(width, 30)) as here:
        await here.update(status="idle", queue=[FIRST])
        assert here.words("#queue").startswith(" held     also cover")
        assert "held: enter sends it, up edits it" in here.hint()
        here.link.reply = TakeBackPromptResult(
            request_id="t", agent_id=here.agent_id, prompt_id="q1", text=FIRST.text, error=None
        )
        await here.press("enter")
        await here.until(lambda: bool(here.acts(SendPrompt)))
        assert [act.prompt_id for act in here.acts(TakeBack)] == ["q1"]
        assert [act.text for act in here.acts(SendPrompt)] == [FIRST.text]


async def test_of_several_the_oldest_goes_first_and_up_edits_the_last() -> None:
    async with place(ASKED, status="closed", queue=[FIRST, SECOND]) as here:
        assert "held: enter sends them, up edits the last" in here.hint()
        await here.type("x")
        assert "what is held is sent first" in here.hint()
        await here.press("backspace", "enter", "up")
        assert [act.prompt_id for act in here.acts(TakeBack)] == ["q1", "q2"]


async def test_a_stopped_turn_without_a_word_leaves_a_trace() -> None:
    async with place(ASKED, status="running") as here:
        await happens(here, TurnStarted(provider="demo"))
        assert "topped" not in here.talk.text()
        await happens(here, TurnCanceled(provider="demo", reason="Interrupted"))
        await here.update(status="idle")
        assert "Stopped before it answered." in drawn(here)
        await here.update(status="running")
        assert "Stopped" not in drawn(here)


async def test_a_turn_without_an_answer_is_not_called_stopped() -> None:
    async with place(ASKED) as here:
        assert "The turn ended without an answer." in drawn(here)
        await here.say(AssistantMessage(text="Done."))
        assert "without an answer" not in drawn(here)


def drawn(here: Place) -> str:
    """Everything in the talk, with what stands under the last block."""
    height = here.talk.size.height
    return "\n".join(here.talk.render_line(y).text for y in range(height))
