"""Modes, models, thinking and other options of a session, from the three forms that exist.

`modes` and `models` have methods of their own; `configOptions` (by category) has one for all and
may hold the same again. Programs that have both are set by the older method. Nothing is stored of
the lists but checksums; what changed comes out as one `Changed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from sereno.core.protocol.agents import Feature, Mode, Model, SelectFeature, SelectOption
from sereno.core.protocol.values import UNSET
from sereno.core.providers.acp.state import Core, Options
from sereno.core.providers.effects import Changed, Effect
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["Subject", "changes", "merge_options", "read_options", "setter_call"]

Subject = Literal["mode", "model", "thinking"]

_CATEGORIES: dict[str, Subject] = {"mode": "mode", "model": "model", "thought_level": "thinking"}
_TIERS = {
    "plan": ("planning", "ShieldCheck"),
    "default": ("safe", "ShieldCheck"),
    "ask": ("safe", "ShieldCheck"),
    "read-only": ("safe", "ShieldCheck"),
    "build": ("safe", "ShieldCheck"),
    "autopilot": ("dangerous", "ShieldOff"),
    "acceptEdits": ("moderate", "ShieldAlert"),
    "accept-edits": ("moderate", "ShieldAlert"),
    "autoEdit": ("moderate", "ShieldAlert"),
    "workspace-write": ("moderate", "ShieldAlert"),
    "auto": ("moderate", "ShieldAlert"),
    "yolo": ("dangerous", "ShieldOff"),
    "bypassPermissions": ("dangerous", "ShieldOff"),
    "full-access": ("dangerous", "ShieldOff"),
    "agent-full-access": ("dangerous", "ShieldOff"),
}


def read_options(core: Core, message: dict[str, Any]) -> Options:
    """The options in a result or update, and how each is set from now on."""
    found: Options = {}
    _read_config(core, message.get("configOptions"), found)
    modes = message.get("modes")
    if isinstance(modes, dict):
        found["modes"] = tuple(
            _mode(entry["id"], entry.get("name"), entry.get("description"))
            for entry in _dicts(modes.get("availableModes"))
            if isinstance(entry.get("id"), str)
        )
        found["mode_id"] = _text(modes.get("currentModeId"))
        _set_by(core, "mode", "")
    models = message.get("models")
    if isinstance(models, dict) and "models" not in found:
        current = _text(models.get("currentModelId"))
        found["models"] = tuple(
            _model(core, entry["modelId"], entry.get("name"), entry.get("description"), current)
            for entry in _dicts(models.get("availableModels"))
            if isinstance(entry.get("modelId"), str)
        )
        found["model_id"] = current
        _set_by(core, "model", "")
    _give_thinking_to_model(found)
    return found


def _read_config(core: Core, options: Any, found: Options) -> None:
    if not isinstance(options, list):
        return
    features: list[Feature] = []
    for option in _dicts(options):
        option_id, current = option.get("id"), _text(option.get("currentValue"))
        if not isinstance(option_id, str) or option.get("type", "select") != "select":
            continue
        values = _values(option.get("options"))
        subject = _CATEGORIES.get(str(option.get("category")))
        if subject is None and option_id in ("mode", "model"):
            subject = "mode" if option_id == "mode" else "model"
        match subject:
            case "mode":
                found["modes"] = tuple(_mode(*value) for value in values)
                found["mode_id"] = current
            case "model":
                found["models"] = tuple(_model(core, *value, current) for value in values)
                found["model_id"] = current
            case "thinking" if "thinking_options" not in found:
                found["thinking_options"] = tuple(_select(*v, current) for v in values)
                found["thinking_option_id"] = current
            case _:
                features.append(_feature(option_id, option, values, current))
                continue
        if not (subject == "mode" and core.state.setters.get("mode") == ""):
            _set_by(core, subject, option_id)
    found["features"] = tuple(features)


def changes(core: Core, found: Options) -> list[Effect]:
    """A `Changed` with what is new since it was last told; none if nothing is."""
    news: dict[str, Any] = {}
    for key, value in found.items():
        if key.endswith("_id"):
            if core.state.current.get(key, "?") != value:
                core.state.current[key] = value if isinstance(value, str) else None
                core.touch()
                news[key] = value
        elif core.new_sum(key, value):
            news[key] = value
    return [Changed(**news)] if news else []


def merge_options(into: Options, news: Mapping[str, Any]) -> None:
    """`into` with what `news` says over it."""
    cast("dict[str, Any]", into).update(news)


def setter_call(core: Core, subject: str, value: str) -> bytes:
    """The request that sets an option; its context is `subject=value`.

    Raises:
        KeyError: the program has no such option.
    """
    session_id, context = core.state.session_id, f"{subject}={value}"
    how = subject.removeprefix("feature:") if subject.startswith("feature:") else None
    if how is None:
        how = core.state.setters[subject]
    if how:
        params = {"sessionId": session_id, "configId": how, "value": value}
        return core.peer.request("session/set_config_option", params, context)
    if subject == "mode":
        params = {"sessionId": session_id, "modeId": value}
        return core.peer.request("session/set_mode", params, context)
    params = {"sessionId": session_id, "modelId": value}
    return core.peer.request("session/set_model", params, context)


def _set_by(core: Core, subject: str, how: str) -> None:
    if core.state.setters.get(subject) != how:
        core.state.setters[subject] = how
        core.touch()


def _values(options: Any) -> list[tuple[str, Any, Any]]:
    """(id, name, description) of each choice; groups are flattened."""
    found: list[tuple[str, Any, Any]] = []
    for entry in _dicts(options):
        if isinstance(entry.get("options"), list):
            found += _values(entry["options"])
        elif isinstance(entry.get("value"), str):
            found.append((entry["value"], entry.get("name"), entry.get("description")))
    return found


def _mode(mode_id: str, name: Any, description: Any) -> Mode:
    tier, icon = _TIERS.get(mode_id.rpartition("#")[2], ("moderate", "ShieldAlert"))
    return Mode(
        id=mode_id,
        label=sanitise_line(str(name or mode_id), 80),
        description=_description(description),
        icon=icon,
        color_tier=tier,
    )


def _model(core: Core, model_id: str, name: Any, description: Any, current: str | None) -> Model:
    return Model(
        provider=core.identity.provider,
        id=model_id,
        label=sanitise_line(str(name or model_id), 80),
        description=_description(description),
        is_default=True if model_id == current else UNSET,
    )


def _select(option_id: str, name: Any, description: Any, current: str | None) -> SelectOption:
    return SelectOption(
        id=option_id,
        label=sanitise_line(str(name or option_id), 80),
        description=_description(description),
        is_default=True if option_id == current else UNSET,
    )


def _feature(
    option_id: str, option: dict[str, Any], values: list[tuple[str, Any, Any]], current: str | None
) -> SelectFeature:
    return SelectFeature(
        id=option_id,
        label=sanitise_line(str(option.get("name") or option_id), 80),
        value=current,
        options=[_select(*value, current) for value in values],
        description=_description(option.get("description")),
    )


def _give_thinking_to_model(found: Options) -> None:
    """The wire lists thinking options with the model that has them: the current one."""
    if "thinking_options" not in found:
        return
    for model in found.get("models", ()):
        if model.id == found.get("model_id"):
            model.thinking_options = list(found["thinking_options"])
            if found.get("thinking_option_id"):
                model.default_thinking_option_id = str(found["thinking_option_id"])


def _description(value: Any) -> Any:
    return sanitise(value[:2_000]) if isinstance(value, str) and value else UNSET


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
