"""What a Paseo home's config.json says, in the words of our config.toml.

Pure. Source: section 8.2 of the wire reference. What has no counterpart here, or would not be
accepted, is named with its reason and left out; whether it is written is decided in paseo.py.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["NotPaseos", "Translated", "translate"]

_HOSTED = "https://app.paseo.sh"
"""Allowed by default once its pairing is here."""
_USUAL_RELAY = "relay.paseo.sh:443"
_PLAIN = {
    "daemon.relay.endpoint": "daemon.relay.endpoint",
    "daemon.relay.publicEndpoint": "daemon.relay.public_endpoint",
    "daemon.auth.password": "daemon.auth.password",
    "app.baseUrl": "app.base_url",
    "log.level": "log.level",
}
_USUAL = {"daemon.relay.endpoint": _USUAL_RELAY, "app.base_url": _HOSTED}
_HANDLED = {
    "version",
    "daemon.listen",
    "daemon.hostnames",
    "daemon.allowedHosts",
    "daemon.cors.allowedOrigins",
    "daemon.relay.enabled",
    "agents.providers",
    *_PLAIN,
}
_PROVIDER = {
    "extends": "extends",
    "label": "label",
    "description": "description",
    "env": "env",
    "disallowedTools": "disallowed_tools",
    "enabled": "enabled",
    "order": "order",
}
_MODEL = {"id": "id", "label": "label", "description": "description", "isDefault": "is_default"}
_UNKNOWN = "Sereno has no such setting"


class NotPaseos(Exception):
    """The file is no config.json of Paseo."""


class Translated(msgspec.Struct, frozen=True):
    """`settings`: dotted keys of config.toml and their values, in order; a provider is one.
    `left`: keys of config.json that are not taken, each with the reason. `relay`: whether Paseo
    dialled its relay, which it does unless told not to."""

    settings: dict[str, Any]
    left: dict[str, str]
    relay: bool


def translate(text: bytes) -> Translated:
    """Raises NotPaseos."""
    try:
        found = msgspec.json.decode(text) if text.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotPaseos(str(error)) from None
    if not isinstance(found, dict):
        raise NotPaseos("it holds no object")
    settings: dict[str, Any] = {}
    left: dict[str, str] = {}
    flat = _flat(found)
    for theirs, ours in _PLAIN.items():
        if theirs in flat and flat[theirs] != _USUAL.get(ours):
            settings[ours] = flat[theirs]
    _doors(flat, settings)
    _providers(flat.get("agents.providers"), settings, left)
    left |= {key: _UNKNOWN for key in flat if key not in _HANDLED}
    return Translated(settings, left, flat.get("daemon.relay.enabled", True) is not False)


def _flat(found: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys; the providers' table stays whole, because people name what is in it."""
    flat: dict[str, Any] = {}
    for name, value in found.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key != "agents.providers":
            flat |= _flat(value, f"{key}.")
        else:
            flat[key] = value
    return flat


def _doors(flat: dict[str, Any], settings: dict[str, Any]) -> None:
    if "daemon.listen" in flat:
        settings["daemon.listen"] = [flat["daemon.listen"]]
    names = flat.get("daemon.hostnames", flat.get("daemon.allowedHosts"))
    if names not in (None, []):
        settings["daemon.hostnames"] = names
    origins = flat.get("daemon.cors.allowedOrigins")
    if isinstance(origins, list):
        others = [one for one in origins if one != _HOSTED]
        if others:
            settings["daemon.cors.allowed_origins"] = others


def _providers(found: object, settings: dict[str, Any], left: dict[str, str]) -> None:
    if not isinstance(found, dict):
        return
    for name, entry in found.items():
        key = f"agents.providers.{name}"
        if not isinstance(entry, dict):
            left[key] = "it is no table"
            continue
        provider: dict[str, Any] = {
            ours: entry[theirs] for theirs, ours in _PROVIDER.items() if theirs in entry
        }
        for theirs, ours in (("models", "models"), ("additionalModels", "additional_models")):
            if theirs in entry:
                provider[ours] = _models(entry[theirs])
        command = entry.get("command")
        if isinstance(command, dict):  # as older versions wrote it
            if command.get("mode") == "append":
                left[f"{key}.command"] = "arguments that are added to a command; write it in full"
            command = command.get("argv") if command.get("mode") == "replace" else None
        if command is not None:
            provider["command"] = command
        if provider:
            settings[f"providers.{name}"] = provider


def _models(found: object) -> object:
    if not isinstance(found, list):
        return found
    return [_model(one) if isinstance(one, dict) else one for one in found]


def _model(entry: dict[str, Any]) -> dict[str, Any]:
    model = {ours: entry[theirs] for theirs, ours in _MODEL.items() if theirs in entry}
    if "thinkingOptions" in entry:
        model["thinking_options"] = _models(entry["thinkingOptions"])
    return model
