"""What the panel of mode, model and thinking offers: pure, from what the program reported."""

from __future__ import annotations

from collections.abc import Sequence

from sereno.core.protocol.agents import AgentSnapshot, Mode, Model
from sereno.core.protocol.values import given
from sereno.tui.agent_state import is_dangerous
from sereno.tui.widgets.choice import Option
from sereno.tui.words import one_line

__all__ = ["dangers", "models_for", "modes_for", "thinking_for"]


def modes_for(snapshot: AgentSnapshot) -> list[Option]:
    """The modes; one that asks for nothing says so before its own words do."""
    here = snapshot.current_mode_id or ""
    return [_mode(mode) for mode in snapshot.available_modes] or [Option(here, here or "default")]


def _mode(mode: Mode) -> Option:
    words = one_line(given(mode.description, ""))
    if not is_dangerous(mode):
        return Option(mode.id, one_line(mode.label), words)
    return Option(mode.id, one_line(mode.label), f"dangerous! {words}".rstrip(), "failed")


def models_for(snapshot: AgentSnapshot, models: Sequence[Model]) -> list[Option]:
    """The models, the program's own choice first, the current one even where it is unknown."""
    found = [Option("", "default", "what the agent itself chooses")]
    found += [
        Option(model.id, one_line(model.label), one_line(given(model.description, "")))
        for model in models
    ]
    current = snapshot.model or ""
    if current not in [option.value for option in found]:
        found.append(Option(current, one_line(current)))
    return found


def thinking_for(snapshot: AgentSnapshot, models: Sequence[Model], model_id: str) -> list[Option]:
    """The levels of thinking that the model knows; none where it knows none."""
    chosen = _model(snapshot, models, model_id)
    levels = [] if chosen is None else given(chosen.thinking_options, [])
    if not levels:
        return []
    assert chosen is not None
    own = given(chosen.default_thinking_option_id, "")
    label = next((one_line(level.label) for level in levels if level.id == own), "")
    return [
        Option("", "default", f"the model's own: {label}" if label else "the model's own"),
        *(
            Option(level.id, one_line(level.label), one_line(given(level.description, "")))
            for level in levels
        ),
    ]


def _model(snapshot: AgentSnapshot, models: Sequence[Model], model_id: str) -> Model | None:
    """The model of this id; for "default" the one that runs, else the provider's default."""
    runs = given(snapshot.runtime_info, None)
    wanted = model_id or (given(runs.model, None) if runs is not None else None)
    for model in models:
        if model.id == wanted:
            return model
    return next((model for model in models if given(model.is_default, False)), None)


def dangers(snapshot: AgentSnapshot, mode_id: str) -> str:
    """What must be said before this mode is set; empty where nothing must."""
    if mode_id == snapshot.current_mode_id:
        return ""
    for mode in snapshot.available_modes:
        if mode.id == mode_id and is_dangerous(mode):
            return f'In "{one_line(mode.label)}" nothing is asked before it happens.'
    return ""
