"""Mode, model and thinking: what is offered, what is sent, and how loud a dangerous mode is."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Static

from sereno.core.protocol.agents import Mode, Model, ProviderEntry, SelectOption, Usage
from sereno.core.protocol.messages import AgentUpserted, ProvidersSnapshotUpdate
from sereno.core.protocol.values import given
from sereno.tui.lines import plain
from sereno.tui.messages import Act, SetMode, SetModel, SetThinking
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.modes.screen import ModesPanel
from sereno.tui.screens.modes.view import thinking_for
from sereno.tui.widgets.choice import Choice
from tests.tui import sample
from tests.tui.agent_place import Place, place
from tests.tui.test_agent_screen import PSQL, TALK

LEVELS = [SelectOption(id="low", label="Low"), SelectOption(id="high", label="High")]
MODELS = [
    Model(provider="demo", id="swift", label="Swift"),
    Model(provider="demo", id="deep", label="Deep", is_default=True, thinking_options=LEVELS,
          default_thinking_option_id="low"),
]  # fmt: skip
BYPASS = Mode(id="bypass", label="Bypass permissions", color_tier="dangerous",
              description="Runs everything.")  # fmt: skip
MODES = [Mode(id="ask", label="Ask always"), BYPASS]


async def reported(here: Place, *, mode: str = "ask", **more: Any) -> None:
    """What the agent's program says that it has."""
    entry = ProviderEntry(provider="demo", status="ready", label="Demo", models=MODELS, modes=MODES)
    here.app.model.apply(ProvidersSnapshotUpdate(entries=[entry], generated_at=sample.stamp(0)))
    snapshot = sample.agent(1, "Tax", updated=-9, status="running", **more)
    snapshot.available_modes, snapshot.current_mode_id = MODES, mode
    here.app.model.apply(AgentUpserted(agent=snapshot))
    await here.settle()


async def opened(here: Place, *keys: str) -> ModesPanel:
    await here.press(*keys)
    await here.until(lambda: isinstance(here.app.screen, ModesPanel))
    await here.pilot.pause()
    panel = here.app.screen
    assert isinstance(panel, ModesPanel)
    return panel


def sent(here: Place) -> list[Act]:
    return here.acts(SetMode) + here.acts(SetModel) + here.acts(SetThinking)


@pytest.mark.parametrize("keys", [("escape", "m"), ("ctrl+x", "m")], ids=["view", "composer"])
async def test_the_agent_screen_has_a_key_for_it(keys: tuple[str, ...]) -> None:
    async with place(TALK) as here:
        await reported(here)
        panel = await opened(here, *keys)
        assert panel.query_one("#mode", Choice).value == "ask"
        await here.press("escape")
        await here.until(lambda: isinstance(here.app.screen, AgentScreen))
        assert sent(here) == []


async def test_thinking_is_set_and_taken_back() -> None:
    async with place(TALK) as here:
        await reported(here)
        panel = await opened(here, "ctrl+x", "m")
        assert panel.query_one("#thinking", Choice).option is not None
        await here.press("tab", "tab", "right", "right", "enter")
        await here.until(lambda: bool(here.acts(SetThinking)))
        assert sent(here) == [SetThinking(here.agent_id, "high")]
        here.link.acts.clear()
        await reported(here, thinking_option_id="high")
        await opened(here, "ctrl+x", "m")
        await here.press("tab", "tab", "left", "left", "enter")
        await here.until(lambda: bool(here.acts(SetThinking)))
        assert sent(here) == [SetThinking(here.agent_id, None)]


async def test_a_model_without_levels_offers_none() -> None:
    async with place(TALK) as here:
        await reported(here, thinking_option_id="high")
        panel = await opened(here, "ctrl+x", "m")
        assert panel.query_one("#thinking-field").display
        await here.press("tab", "right")
        assert panel.query_one("#model", Choice).value == "swift"
        assert not panel.query_one("#thinking-field").display
        await here.press("enter")
        await here.until(lambda: bool(here.acts(SetModel)))
        assert sent(here) == [SetModel(here.agent_id, "swift")]


def test_the_levels_are_those_of_the_model_that_runs() -> None:
    snapshot = sample.agent(1, "a")
    assert [option.value for option in thinking_for(snapshot, MODELS, "")] == ["", "low", "high"]
    assert thinking_for(snapshot, MODELS, "swift") == []
    assert "Low" in thinking_for(snapshot, MODELS, "deep")[0].note
    assert thinking_for(snapshot, [], "deep") == []


async def test_a_dangerous_mode_needs_a_second_enter_after_its_danger_was_said() -> None:
    async with place(TALK) as here:
        await reported(here)
        panel = await opened(here, "ctrl+x", "m")
        await here.press("right", "enter")
        assert isinstance(here.app.screen, ModesPanel)
        assert sent(here) == []
        said = str(panel.query_one("#gap", Static).render())
        assert 'In "Bypass permissions" nothing is asked before it happens.' in said
        await here.press("left", "right", "enter")
        assert sent(here) == [], "another choice in between: it is said again"
        await here.press("enter")
        await here.until(lambda: bool(here.acts(SetMode)))
        assert sent(here) == [SetMode(here.agent_id, "bypass")]


async def test_a_long_description_stands_there_whole() -> None:
    words = "Does everything without asking, outside the folder too, and says so when it is done."
    async with place(TALK, size=(60, 20)) as here:
        await reported(here)
        long = Mode(id="long", label="Long", description=words, color_tier="dangerous")
        state = here.app.model.agents[here.agent_id]
        state.snapshot.available_modes = [*MODES[:1], long]
        panel = await opened(here, "ctrl+x", "m")
        await here.press("right")
        told = panel.query_one("#gap", Static)
        assert str(told.render()) == f"dangerous! {words}"
        assert told.size.height >= 2
        await here.press("tab")
        assert "what the agent itself chooses" in str(told.render())


@pytest.mark.parametrize("size", [(100, 30), (80, 24), (60, 20)])
@pytest.mark.parametrize("pending", [[], [PSQL]], ids=["works", "asks"])
async def test_a_dangerous_mode_is_loud_in_the_head(size: tuple[int, int], pending: list) -> None:  # type: ignore[type-arg]
    async with place(TALK, size=size) as here:
        await reported(here, mode="bypass", pending=pending)
        line = here.screen.query_one("#head")._lines[0]  # type: ignore[attr-defined]
        loud = [text for text, style in line if style == "failed"]
        assert loud
        assert loud[0].startswith("! Bypass permissions")
        assert ("asks nothing" in loud[0]) is (size[0] >= 80)
        assert "busy" in plain(line) or "asks 0:41" in plain(line), "the state stays whole"


async def test_tokens_are_shown_where_the_context_is_not_known() -> None:
    async with place(TALK) as here:
        await reported(here, last_usage=Usage(input_tokens=91_000, output_tokens=7_000))
        assert "98k tokens" in here.words("#head")
        assert given(here.screen.state.snapshot.last_usage, None)  # type: ignore[union-attr]
