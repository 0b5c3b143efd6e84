"""Models and thinking of a new agent: asked of the program once, offered, sent, or why not."""

from __future__ import annotations

import anyio
import pytest

from sereno.core.protocol.agents import Model, SelectOption
from sereno.core.protocol.providers import ProviderModels
from sereno.core.protocol.requests import ListProviderModels
from sereno.core.protocol.values import UNSET
from sereno.tui.link_api import ActError
from sereno.tui.messages import CreateAgent
from sereno.tui.model import ASKING, FleetModel
from sereno.tui.requests import of
from sereno.tui.screens.modes.screen import ModesPanel
from sereno.tui.screens.new_agent import view
from sereno.tui.widgets.choice import Choice
from tests.tui import sample
from tests.tui.idle import until
from tests.tui.link_place import Running, ScriptedClient
from tests.tui.scenes import NARROW, WIDE, settle, shown

LEVELS = [SelectOption(id="low", label="Low"), SelectOption(id="high", label="High")]
MODELS = [
    Model(provider="claude", id="opus", label="Opus", thinking_options=LEVELS),
    Model(provider="claude", id="haiku", label="Haiku"),
]


def offering() -> sample.StillLink:
    link = sample.StillLink(sample.fleet())
    link.told_models = MODELS
    return link


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_new_agent_offers_what_the_program_says(size: tuple[int, int]) -> None:
    link = offering()
    app = sample.app(link)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert link.models_asked == ["claude"]
        assert not app.screen.query_one("#thinking-field").display
        app.screen.query_one("#model", Choice).focus()
        await pilot.press("right")
        await settle(pilot)
        assert "[ Opus" in shown(app)
        app.screen.query_one("#thinking", Choice).focus()
        await pilot.press("right", "right")
        await pilot.press("ctrl+x", "s")
        await settle(pilot)
        (act,) = [each for each in link.acts if isinstance(each, CreateAgent)]
        assert (act.model_id, act.thinking_id) == ("opus", "high")
        request = of(act)
        assert request.config.thinking_option_id == "high"  # type: ignore[attr-defined]
        await pilot.press("escape", "n")
        await settle(pilot)
        assert link.models_asked == ["claude"], "once is enough"


async def test_why_a_program_could_not_tell_is_said_and_it_is_asked_again_when_chosen() -> None:
    link = offering()
    link.refusal = "Claude is not signed in."
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert "[ default" in shown(app)
        assert "Claude is not signed in." in shown(app)
        assert link.models_asked == ["claude"]
        link.refusal = None
        app.screen.query_one("#agent", Choice).focus()
        await pilot.press("right", "left")
        await settle(pilot)
        assert link.models_asked == ["claude", "codex", "claude"]
        assert "Claude is not signed in." not in shown(app)


async def test_while_it_is_asked_the_form_says_so() -> None:
    link = offering()
    gate = anyio.Event()
    told = link.models

    async def slowly(provider: str, folder: str) -> list[Model]:
        await gate.wait()
        return await told(provider, folder)

    link.models = slowly  # type: ignore[method-assign]
    app = sample.app(link)
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("n")
        await until(pilot, lambda: "asking Claude Code" in shown(app))
        gate.set()
        await settle(pilot)
        assert "asking Claude Code" not in shown(app)


async def test_the_panel_of_an_agent_has_the_models_too() -> None:
    link = offering()
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ModesPanel))
        assert link.models_asked == ["claude"]
        app.screen.query_one("#model", Choice).focus()
        await pilot.press("right")
        assert app.screen.query_one("#model", Choice).value == "haiku"


def test_the_levels_are_the_chosen_models() -> None:
    entry = sample.providers()[0]
    entry.models = MODELS
    assert [each.value for each in view.thinking_options(entry, "opus")] == ["", "low", "high"]
    assert view.thinking_options(entry, "haiku") == []
    assert view.thinking_options(None, "opus") == []


def test_what_the_note_of_the_model_says() -> None:
    entry = sample.providers()[0]
    assert view.model_options(entry)[0].note == "what the agent itself chooses"
    assert view.model_options(entry, ASKING)[0].note == "asking Claude Code for its models ..."
    assert view.model_options(entry, "It is broken.")[0].style == "failed"


def test_what_was_told_stands_in_the_providers_entry() -> None:
    model = FleetModel()
    model.providers = tuple(sample.providers())
    model.models_told("claude", MODELS)
    assert model.providers[0].models == MODELS
    assert model.take_changes().providers


async def test_the_link_asks_for_models() -> None:
    client = ScriptedClient()
    replies = [
        ProviderModels(request_id="m", provider="claude", fetched_at="now", models=MODELS),
        ProviderModels(
            request_id="m", provider="claude", fetched_at="now", models=UNSET, error="No"
        ),
    ]
    client.replies[ListProviderModels] = lambda _: replies.pop(0)
    async with Running(client) as running:
        await running.ready()
        assert await running.link.models("claude", "/srv") == MODELS
        with pytest.raises(ActError, match="No"):
            await running.link.models("claude", "/srv")
