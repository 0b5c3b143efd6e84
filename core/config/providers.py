"""Reads the `[providers.NAME]` tables (wire reference 8.2).

A built-in name changes that provider. Any other name is a new one: it extends a built-in, or is a
command that speaks the Agent Client Protocol, which is what is assumed when only a command is
given. Whether the program exists is not asked here.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sereno.core.config import checks
from sereno.core.config.checks import BOOLEAN, TEXT, TEXT_LIST, Check
from sereno.core.config.model import (
    BUILT_IN_PROVIDERS,
    GENERIC_PROVIDER,
    ProviderConfig,
    ProviderModel,
    ThinkingOption,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sereno.core.config.source import Source

_NAME = r"[a-z][a-z0-9-]*"
_SCALARS: Final[dict[str, Check]] = {
    "extends": TEXT,
    "label": TEXT,
    "description": TEXT,
    "command": Check(checks.argv),
    "env": Check(checks.environment, secret=True),
    "disallowed_tools": TEXT_LIST,
    "trusted_folders": Check(checks.folders),
    "enabled": BOOLEAN,
    "order": checks.number(-1_000_000, 1_000_000),
}
_MODEL_LISTS: Final = ("models", "additional_models")
_OPTION: Final[dict[str, Check]] = {
    "id": TEXT,
    "label": TEXT,
    "description": TEXT,
    "is_default": BOOLEAN,
}


def read_providers(source: Source, tables: object) -> Mapping[str, ProviderConfig]:
    """All providers of the file, in its order. Raises ConfigError."""
    if not isinstance(tables, dict):
        raise source.wrong(("providers",), "`providers` must be tables, such as [providers.mine].")
    return MappingProxyType({name: _provider(source, name, tables[name]) for name in tables})


def _provider(source: Source, name: str, table: object) -> ProviderConfig:
    key = ("providers", name)
    if not isinstance(table, dict):
        raise source.wrong(key, f"`providers.{name}` must be a table: [providers.{name}].")
    if not re.fullmatch(_NAME, name) or name == GENERIC_PROVIDER:
        raise source.wrong(
            key,
            f'"{name}" cannot name a provider: it must be lower-case letters, digits and "-", '
            f'begin with a letter, and not be "{GENERIC_PROVIDER}".',
        )
    _refuse_unknown(source, key, table, (*_SCALARS, *_MODEL_LISTS))
    values: dict[str, Any] = {
        setting: source.accept((*key, setting), check, table[setting])
        for setting, check in _SCALARS.items()
        if setting in table
    }
    for setting in _MODEL_LISTS:
        if setting in table:
            values[setting] = _models(source, (*key, setting), table[setting])
    values["extends"] = _extends(source, name, table)
    if "trusted_folders" in values and values["extends"] != "claude":
        raise source.wrong(
            (*key, "trusted_folders"),
            f"`providers.{name}.trusted_folders` is for Claude Code and what extends it only.",
            "Remove that line.",
        )
    if "env" in values:
        values["env"] = MappingProxyType(values["env"])
    return ProviderConfig(name=name, **values)


def _extends(source: Source, name: str, table: Mapping[str, Any]) -> str:
    """What the provider is built on; refused when that leaves nothing to start."""
    key = ("providers", name)
    wanted = table.get("extends")
    if name in BUILT_IN_PROVIDERS:
        if wanted not in (None, name):
            raise source.wrong(
                (*key, "extends"),
                f"`providers.{name}.extends` is {wanted!r}, but {name} is built in and extends "
                "nothing.",
                "Remove that line, or give the provider another name.",
            )
        return name
    if wanted is None and "command" in table:
        wanted = GENERIC_PROVIDER
    if wanted is None:
        near = _near(name, BUILT_IN_PROVIDERS)
        raise source.wrong(
            key,
            f'"{name}" is no built-in provider and has neither `command` nor `extends`.',
            f"Did you mean [providers.{near[0]}]?"
            if near
            else 'Add its command, such as command = ["opencode", "acp"].',
        )
    choices = (*BUILT_IN_PROVIDERS, GENERIC_PROVIDER)
    if wanted not in choices:
        near = _near(str(wanted), choices)
        raise source.wrong(
            (*key, "extends"),
            f"`providers.{name}.extends` is {wanted!r}, which is no provider.",
            f'Did you mean "{near[0]}"?' if near else f"Choose one of {', '.join(choices)}.",
        )
    if wanted == GENERIC_PROVIDER and "command" not in table:
        raise source.wrong(
            key,
            f'`providers.{name}` extends "{GENERIC_PROVIDER}" and has no `command`.',
            'Add the command that speaks the protocol, such as command = ["opencode", "acp"].',
        )
    return str(wanted)


def _models(source: Source, key: tuple[str, ...], value: object) -> tuple[ProviderModel, ...]:
    models = []
    for table in _tables(source, key, value):
        _refuse_unknown(source, key, table, (*_OPTION, "thinking_options"))
        options = _tables(source, key, table.get("thinking_options", []))
        for option in options:
            _refuse_unknown(source, key, option, tuple(_OPTION))
        models.append(
            ProviderModel(
                **_option(source, key, table),
                thinking_options=tuple(
                    ThinkingOption(**_option(source, key, option)) for option in options
                ),
            )
        )
    return tuple(models)


def _option(source: Source, key: tuple[str, ...], table: Mapping[str, object]) -> dict[str, Any]:
    if "id" not in table:
        raise source.wrong(key, f'each of `{".".join(key)}` must have an id, such as id = "opus".')
    values = {
        name: source.accept(key, check, table[name])
        for name, check in _OPTION.items()
        if name in table
    }
    return {"label": values["id"], **values}


def _tables(source: Source, key: tuple[str, ...], value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise source.wrong(
            key, f'`{".".join(key)}` must be a list of tables, such as [{{ id = "opus" }}].'
        )
    return value


def _near(name: str, choices: Sequence[str]) -> list[str]:
    """The choice that is most like the name, if any is."""
    import difflib  # no part of a start whose configuration is right

    return difflib.get_close_matches(name, choices, n=1)


def _refuse_unknown(
    source: Source, key: tuple[str, ...], table: Mapping[str, object], valid: tuple[str, ...]
) -> None:
    for name in table:
        if name not in valid:
            found = _near(name, valid)
            near = ".".join((*key, found[0])) if found else None
            raise source.unknown((*key, name), near, valid)
