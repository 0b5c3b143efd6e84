"""An agent that is archived, deleted, or refuses a mode: said before and after, on its screen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sereno.core.protocol.agents import Mode
from sereno.core.protocol.messages import AgentRemoved, AgentUpserted, SetModeResult
from sereno.tui.messages import SendPrompt, SetMode
from sereno.tui.model import AgentState
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.agent.view import mode_not_taken
from sereno.tui.screens.copy.screen import CopyMenu
from sereno.tui.screens.modes.screen import ModesPanel
from tests.tui import sample
from tests.tui.agent_place import Place, place
from tests.tui.scenes import shown
from tests.tui.test_agent_screen import PSQL, TALK
from tests.tui.test_modes import reported

SIZES = [pytest.param((100, 30), id="100x30"), pytest.param((60, 20), id="60x20")]


async def removed(here: Place, reason: str) -> None:
    here.app.model.apply(AgentRemoved(agent_id=here.agent_id, reason=reason))  # type: ignore[arg-type]
    await here.settle()


@pytest.mark.parametrize("size", SIZES)
async def test_a_prompt_to_an_archived_agent_says_what_it_does_before_and_after(
    size: tuple[int, int],
) -> None:
    async with place(TALK, size=size) as here:
        await removed(here, "archived")
        assert "archived: a prompt brings it back" in here.hint()
        await here.type("go on")
        assert "enter brings it back from the archive, and sends this" in here.hint()
        await here.press("enter")
        await here.until(lambda: bool(here.acts(SendPrompt)))
        here.app.model.apply(AgentUpserted(agent=sample.agent(1, "Tax", status="running")))
        await here.until(lambda: here.screen.state is not None)
        await here.until(lambda: "Brought back from the archive, and sent." in here.hint())
        await here.until(lambda: "Tax" in here.words("#head"))


async def test_an_ordinary_prompt_says_nothing_of_an_archive() -> None:
    async with place(TALK) as here:
        await here.type("go on")
        await here.press("enter")
        await here.until(lambda: bool(here.acts(SendPrompt)))
        await here.settle()
        assert "archive" not in here.hint()


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_sent_to_a_deleted_agent_and_the_text_stays(size: tuple[int, int]) -> None:
    async with place(TALK, size=size) as here:
        await removed(here, "deleted")
        assert "deleted: nothing can be sent to it" in here.hint()
        await here.type("go on")
        await here.press("enter")
        await here.until(lambda: "Not sent: this agent was deleted." in here.hint())
        assert not here.acts(SendPrompt)
        assert here.composer.text == "go on"


async def test_a_request_goes_with_the_agent() -> None:
    async with place(TALK, status="running", pending=[PSQL]) as here:
        await here.until(lambda: here.screen.panel.desk.current is not None)
        await removed(here, "archived")
        assert here.screen.panel.desk.current is None
        assert "psql -h" not in shown(here.app)
        await here.press("escape", "m")
        await here.until(lambda: "This agent is archived" in here.hint())
        assert isinstance(here.app.screen, AgentScreen)


# -- a mode that is asked for --------------------------------------------------------------------


async def ask_for_bypass(here: Place) -> None:
    here.link.reply = SetModeResult(
        request_id="m", agent_id=here.agent_id, accepted=True, error=None
    )
    await here.press("escape", "m")
    await here.until(lambda: isinstance(here.app.screen, ModesPanel))
    await here.press("right", "enter")
    assert not here.acts(SetMode), "its danger is said first"
    await here.press("enter")
    await here.until(lambda: bool(here.acts(SetMode)))


@pytest.mark.parametrize("size", SIZES)
async def test_a_mode_that_the_program_takes_is_said(size: tuple[int, int]) -> None:
    async with place(TALK, size=size) as here:
        await reported(here)
        await ask_for_bypass(here)
        here.app.model.agents[here.agent_id].snapshot.updated_at = sample.stamp(99)
        await reported(here, mode="bypass")
        said = "The mode is Bypass permissions now: nothing is asked."
        await here.until(lambda: said in " ".join(here.hint().split()))


@pytest.mark.parametrize("size", SIZES)
async def test_a_mode_that_the_program_refuses_is_said_in_words(size: tuple[int, int]) -> None:
    async with place(TALK, size=size) as here:
        here.app.times = replace(sample.PATIENT, mode=0.01)
        await reported(here)
        await ask_for_bypass(here)
        said = (
            "Not in Bypass permissions: its program did not take it, and goes on in Ask always. "
            "The talk says why."
        )
        await here.until(lambda: said in " ".join(here.hint().split()))


async def test_a_stopped_agent_begins_in_the_mode() -> None:
    state = AgentState(sample.agent(1, "Tax", status="closed"))
    state.snapshot.available_modes = [Mode(id="all", label="All")]
    ((words, _),) = mode_not_taken(state, "all")
    assert words == "No program runs: its next start is in All."


# -- copying -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        ("a", "The total never goes below zero now"),
        ("p", "Vouchers are ignored at checkout."),
        ("r", "pytest tests/checkout -x"),
        ("o", "42 of 118"),
        ("i", "00000001-"),
        ("w", "Vouchers are ignored"),
    ],
)
async def test_c_copies_from_the_talk(
    letter: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    async with place(TALK, size=(60, 20)) as here:
        monkeypatch.setattr(type(here.app), "copy_to_clipboard", lambda _a, it: copied.append(it))
        await here.press("escape", "c")
        assert isinstance(here.app.screen, CopyMenu)
        await here.press(letter)
        await here.until(lambda: bool(copied))
        assert text in copied[0]


async def test_the_marked_block_is_copied_whole_and_c_is_text_in_the_composer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied: list[str] = []
    async with place(TALK) as here:
        monkeypatch.setattr(type(here.app), "copy_to_clipboard", lambda _a, it: copied.append(it))
        await here.type("c")
        assert here.composer.text == "c"
        await here.press("escape", "alt+up", "alt+up", "c", "b")
        await here.until(lambda: bool(copied))
        assert copied == ["$ pytest tests/checkout -x\n42 of 118"]
