"""Keys that the person chose in `[ui.keys]`: checked against what can be bound, and how they are
written in a footer. Pure; app.py hands the result to Textual, which replaces keys by binding id.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from textual.binding import Binding
from textual.keys import Keys

from sereno.core.config.errors import ConfigError
from sereno.tui.key_ids import FIRST, IDS
from sereno.tui.keys import LEADER_KEY, NEVER
from sereno.tui.screens.help.view import key_words

__all__ = ["keymap_of", "written"]

_MODIFIERS = ("ctrl", "alt", "shift")
_NAMED = {each.value.rpartition("+")[2] for each in Keys} | {
    *("question_mark", "slash", "colon", "semicolon", "comma", "full_stop", "space"),
    *("left_square_bracket", "right_square_bracket", "at", "exclamation_mark", "number_sign"),
    *("dollar_sign", "percent_sign", "plus", "minus", "asterisk", "equals_sign", "underscore"),
}
_LOST = (
    (re.compile(r"alt\+\d"), "it arrives as another character"),
    (re.compile(r"ctrl\+shift\+."), "it needs the kitty protocol"),
)
_AS_ENTER = frozenset({"alt+enter", "ctrl+enter", "shift+enter"})
_TOO_EASY = frozenset({"enter", "space"})
"""Not for the yes to a question: they are pressed without reading it."""


def keymap_of(table: Mapping[str, str]) -> dict[str, str]:
    """`[ui.keys]` as Textual takes it.

    Raises:
        ConfigError: unknown_key, an id that no binding has; wrong_value, a key that never
            arrives, that belongs to somebody else, or that two bindings of a place would have.
    """
    made: dict[str, str] = {}
    taken: dict[tuple[str, str], str] = {}
    for name, text in table.items():
        if name not in IDS:
            raise _unknown(name)
        keys = [each.strip() for each in text.split(",") if each.strip()]
        if not keys:
            raise _wrong(name, text, "it names no key")
        for key in keys:
            reason = _refused(name, key)
            if reason:
                raise _wrong(name, key, reason)
            other = taken.setdefault((name.partition(".")[0], key), name)
            if other != name:
                raise _wrong(name, key, f"`{other}` has that key")
        if set(keys) <= _AS_ENTER:
            raise _wrong(name, text, "many terminals send enter for it; add another key")
        made[name] = ",".join(keys)
    return made


def _refused(name: str, key: str) -> str:
    """Why this key cannot be; empty where it can."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    if len(last) != 1 and last not in _NAMED:
        near = difflib.get_close_matches(last, sorted(_NAMED), n=1)
        return "there is no such key" + (f"; did you mean `{near[0]}`?" if near else "")
    if not set(modifiers) <= set(_MODIFIERS):
        return f"only {', '.join(_MODIFIERS)} can stand before a key"
    plain = {"~": "tilde"}.get(key, key)
    if plain in NEVER:
        return NEVER[plain]
    for pattern, reason in _LOST:
        if pattern.fullmatch(key):
            return reason
    if name in FIRST and len(last) == 1 and not modifiers:
        return "it works in text fields too, where that character is typed"
    if name in ("confirm.yes", "admit.yes") and key in _TOO_EASY:
        return "a yes needs a key that is not pressed by habit"
    return ""


def _unknown(name: str) -> ConfigError:
    near = difflib.get_close_matches(name, sorted(IDS), n=1, cutoff=0.5)
    step = f"Did you mean `{near[0]}`?" if near else "docs/keys.md lists them all."
    return ConfigError(
        "unknown_key",
        f"`ui.keys`: there is no binding `{name}`.",
        f"{step} Correct that line of config.toml, or remove it.",
        key=f"ui.keys.{name}",
    )


def _wrong(name: str, key: str, reason: str) -> ConfigError:
    return ConfigError(
        "wrong_value",
        f"`ui.keys`: `{key}` cannot be the key of `{name}`: {reason}.",
        "Choose another key in config.toml; docs/keys.md says which can be.",
        key=f"ui.keys.{name}",
    )


def written(words: str, bindings: Iterable[Binding], keymap: Mapping[str, str]) -> str:
    """A footer's keys, `j k` or `esc`, as they are after the keymap: of `bindings`, nearest first
    after those that come before any field, the one that has the key by default says what became
    of it."""
    known = sorted(bindings, key=lambda binding: not binding.priority)

    def one(word: str) -> str:
        for binding in known:
            if word in [key_words([key]) for key in binding.key.split(",")]:
                mine = keymap.get(binding.id or "")
                return key_words([mine.split(",")[0]]) if mine else word
        return word

    first, blank, rest = words.partition(" ")
    if first == LEADER_KEY:
        return one(first) + blank + rest  # What follows the leader is no binding.
    return " ".join(one(word) for word in words.split(" "))
