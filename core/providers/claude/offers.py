"""What the program offers: modes, models, thinking levels and slash commands.

Read from the answer to `initialize` and kept small: of the lists only what is needed later.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.agents import Command, Model, SelectOption
from sereno.core.protocol.values import UNSET
from sereno.core.providers.claude.state import Core, ModelFacts
from sereno.core.providers.claude.values import flag, listed, text
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["EFFORT_LABELS", "model_named", "read_commands", "read_models", "thinking_options"]

EFFORT_LABELS = {
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    "xhigh": "Very high",
    "max": "Maximum",
}
_MOST = 500


def read_models(core: Core, answer: dict[str, Any]) -> tuple[Model, ...]:
    """The offered models; what is needed of them later goes into the state."""
    found: list[Model] = []
    facts: list[ModelFacts] = []
    for entry in listed(answer.get("models"))[:_MOST]:
        model_id = text(entry.get("value"))
        if not model_id:
            continue
        efforts = _efforts(entry)
        facts.append(ModelFacts(model_id, text(entry.get("resolvedModel")), efforts))
        description = text(entry.get("description"))
        found.append(
            Model(
                provider=core.identity.provider,
                id=model_id,
                label=sanitise_line(text(entry.get("displayName")) or model_id, 80),
                description=sanitise_line(description, 300) if description else UNSET,
                is_default=True if model_id == "default" else UNSET,
                thinking_options=list(_options(efforts)) or UNSET,
            )
        )
    core.state.models = facts
    core.touch()
    return tuple(found)


def _efforts(entry: dict[str, Any]) -> list[str]:
    levels = entry.get("supportedEffortLevels")
    if not flag(entry.get("supportsEffort")) or not isinstance(levels, list):
        return []
    return [level for level in levels[:20] if isinstance(level, str) and level in EFFORT_LABELS]


def _options(efforts: list[str]) -> tuple[SelectOption, ...]:
    return tuple(SelectOption(id=level, label=EFFORT_LABELS[level]) for level in efforts)


def thinking_options(core: Core, model_id: str | None) -> tuple[SelectOption, ...]:
    """The levels of a model; of a model that was not offered, those of the default one."""
    facts = core.facts_of(model_id) or core.facts_of(None)
    return _options(facts.efforts) if facts is not None else ()


def model_named(core: Core, reported: str) -> str:
    """The offered model that the program means, which says the resolved name."""
    state = core.state
    current = core.facts_of(state.model)
    if current is not None and reported in (current.id, current.resolved):
        return current.id
    for facts in state.models:
        if reported in (facts.id, facts.resolved):
            return facts.id
    return sanitise_line(reported, 120)


def read_commands(value: Any) -> tuple[Command, ...]:
    """Slash commands; those that begin with `__` are the program's own business."""
    return tuple(
        Command(
            name=sanitise_line(entry["name"], 80),
            description=sanitise(text(entry.get("description"))[:1_000]),
            argument_hint=sanitise_line(text(entry.get("argumentHint")), 120),
        )
        for entry in listed(value)[:_MOST]
        if text(entry.get("name")) and not entry["name"].startswith("__")
    )
