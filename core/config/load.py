"""Puts the configuration together: defaults < config.toml < environment < flags.

A variable or flag replaces the file's value, except for lists of names and origins, to which it
adds (wire reference 4.5, 4.6). Anything that is not understood is refused: a setting that is
silently ignored is worse than a program that does not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from sereno.core.config.errors import ConfigError
from sereno.core.config.keys import SETTINGS, UNIONS, VARIABLES, nearest
from sereno.core.config.model import Config
from sereno.core.config.providers import read_providers
from sereno.core.config.source import Source, printable, read_source, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sereno.core.home import Home

_TABLES = {key.rsplit(".", depth)[0] for key in SETTINGS for depth in range(1, key.count(".") + 1)}
_Part = TypeVar("_Part", bound=msgspec.Struct)


def load_config(
    home: Home, env: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Config:
    """All settings of this start.

    `flags` maps dotted keys ("log.level") to a value or its text; None means not given. Raises
    ConfigError.
    """
    return build_config(read_source(home.config), env, flags or {})


def build_config(source: Source, env: Mapping[str, str], flags: Mapping[str, object]) -> Config:
    """The same from a file that was read already. Pure."""
    values = _from_file(source)
    for name, key in VARIABLES.items():
        if env.get(name, "").strip():
            _put(values, key, SETTINGS[key].from_text(env[name]), f"the variable {name}")
    for key, value in flags.items():
        if value is not None:
            _refuse_flag(key)
            typed = SETTINGS[key].from_text(value) if isinstance(value, str) else value
            _put(values, key, typed, f"the flag for {key}")
    _check_tls(source, values)
    config = _build(Config(), "", values)
    providers = source.tables.get("providers", {})
    return msgspec.structs.replace(config, providers=read_providers(source, providers))


def _refuse_flag(key: str) -> None:
    """What is no setting, and what must not stand in a command, where everybody can read it."""
    if key not in SETTINGS:
        near = nearest(key, sorted(SETTINGS))
        raise ConfigError(
            "unknown_key",
            f"There is no setting `{printable(key)}`.",
            f"Did you mean `{near}`?"
            if near
            else "Settings are those of config.toml, such as log.level or daemon.listen.",
            key=key,
        )
    if SETTINGS[key].secret:
        raise ConfigError(
            "wrong_value",
            f"`{key}` cannot be set in a command, which others can read.",
            "Use `sereno daemon set-password`.",
            key=key,
        )


def _from_file(source: Source) -> dict[str, Any]:
    values: dict[str, Any] = {}
    _walk(source, source.tables, (), values)
    return values


def _walk(
    source: Source, table: Mapping[str, object], prefix: tuple[str, ...], values: dict[str, Any]
) -> None:
    for name, value in table.items():
        key = (*prefix, name)
        text = ".".join(key)
        if text in SETTINGS and "." not in name:
            values[text] = source.accept(key, SETTINGS[text], value)
        elif text in _TABLES and "." not in name:
            if not isinstance(value, dict):
                raise source.wrong(
                    key, f"`{text}` is {show(value)}, but must be a table: [{text}]."
                )
            _walk(source, value, key, values)
        elif key != ("providers",):
            siblings = _siblings(prefix)
            raise source.unknown(key, nearest(text, siblings), tuple(siblings))


def _siblings(prefix: tuple[str, ...]) -> list[str]:
    """The dotted names of all settings and tables valid directly in one table."""
    everything = sorted({*SETTINGS, *_TABLES, "providers"})
    return [key for key in everything if tuple(key.split(".")[:-1]) == prefix]


def _put(values: dict[str, Any], key: str, value: object, origin: str) -> None:
    check = SETTINGS[key]
    try:
        accepted: Any = check.accept(value)
    except ValueError as error:
        shown = "" if check.secret else f" is {show(value)}, but"
        raise ConfigError(
            "wrong_value",
            f"{origin[:1].upper()}{origin[1:]}{shown} must be {error}.",
            f"Correct {origin}, or leave it out.",
            key=key,
        ) from None
    if key in UNIONS and key in values:
        before = values[key]
        both = True in (before, accepted)
        accepted = True if both else tuple(dict.fromkeys((*before, *accepted)))
    values[key] = accepted


def _check_tls(source: Source, values: Mapping[str, Any]) -> None:
    given = [name for name in ("cert", "key") if f"daemon.tls.{name}" in values]
    if len(given) == 1:
        missing = "key" if given == ["cert"] else "cert"
        raise source.wrong(
            ("daemon", "tls", given[0]),
            f"`daemon.tls.{given[0]}` needs `daemon.tls.{missing}` beside it.",
            f"Add `{missing}` to [daemon.tls], or remove `{given[0]}`.",
        )


def _build(part: _Part, prefix: str, values: Mapping[str, Any]) -> _Part:
    """A copy of the default tree in which the given values stand."""
    changes: dict[str, Any] = {}
    for name in part.__struct_fields__:
        key = prefix + name
        current = getattr(part, name)
        if isinstance(current, msgspec.Struct):
            changes[name] = _build(current, key + ".", values)
        elif key in values:
            changes[name] = values[key]
    return msgspec.structs.replace(part, **changes)
