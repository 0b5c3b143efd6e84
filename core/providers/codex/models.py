"""Codex's list of models as the wire's, with its reasoning efforts as thinking options. Pure."""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.agents import Model, SelectOption
from sereno.core.protocol.values import UNSET
from sereno.core.providers.codex.values import as_dict, as_dicts, as_text
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["default_of", "models_of", "thinking_of", "with_current"]


def models_of(provider: str, result: Any) -> tuple[Model, ...]:
    """The models of one page of `model/list` that a person may choose."""
    return tuple(
        _model(provider, entry)
        for entry in as_dicts(as_dict(result).get("data"))
        if as_text(entry.get("model") or entry.get("id")) and entry.get("hidden") is not True
    )


def with_current(
    provider: str, models: tuple[Model, ...], current: str | None
) -> tuple[Model, ...]:
    """The list with the model that is in use, which Codex's own list may lack."""
    if not current or any(model.id == current for model in models):
        return models
    return (Model(provider=provider, id=current, label=sanitise_line(current, 80)), *models)


def thinking_of(
    models: tuple[Model, ...], model_id: str | None
) -> tuple[tuple[SelectOption, ...], str | None]:
    """The efforts of a model, and which of them it uses by itself."""
    for model in models:
        if model.id == model_id and model.thinking_options is not UNSET:
            default = model.default_thinking_option_id
            return tuple(model.thinking_options), default if isinstance(default, str) else None
    return (), None


def default_of(models: tuple[Model, ...]) -> str | None:
    """The model that Codex uses where nobody chose one."""
    return next((model.id for model in models if model.is_default is True), None)


def _model(provider: str, entry: dict[str, Any]) -> Model:
    model_id = as_text(entry.get("model") or entry.get("id"))
    default = as_text(entry.get("defaultReasoningEffort"))
    options = [
        SelectOption(
            id=as_text(effort.get("reasoningEffort")),
            label=sanitise_line(as_text(effort.get("reasoningEffort")), 40),
            description=sanitise(as_text(effort.get("description"))[:500]) or UNSET,
            is_default=True if effort.get("reasoningEffort") == default else UNSET,
        )
        for effort in as_dicts(entry.get("supportedReasoningEfforts"))
        if as_text(effort.get("reasoningEffort"))
    ]
    return Model(
        provider=provider,
        id=model_id,
        label=sanitise_line(as_text(entry.get("displayName")) or model_id, 80),
        description=sanitise(as_text(entry.get("description"))[:2_000]) or UNSET,
        is_default=True if entry.get("isDefault") is True else UNSET,
        thinking_options=options or UNSET,
        default_thinking_option_id=default if options and default else UNSET,
    )
