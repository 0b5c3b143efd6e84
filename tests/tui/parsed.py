"""Style sheets are read once in a process: every app of a test has the same ones.

Textual keeps the rules it has read for one app, and a quarter of the start of an app is reading
them. Here they are kept for the next app with the same colours too. What the rules do is Textual's
alone: it only looks into them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import textual.css.parse
import textual.css.tokenize
from textual.css.model import RuleSet
from textual.css.tokenizer import Token

__all__ = ["parse", "tokenize_values"]


class _Values(dict[str, list[Token]]):
    """The variables of one style sheet, which may change; `told` is what they were made of."""

    told: tuple[tuple[str, str], ...]


_values: dict[tuple[tuple[str, str], ...], dict[str, list[Token]]] = {}
_rules: dict[tuple[Any, ...], list[RuleSet]] = {}


def tokenize_values(values: dict[str, str]) -> dict[str, list[Token]]:
    """In place of Textual's."""
    told = tuple(values.items())
    if told not in _values:
        _values[told] = textual.css.tokenize.tokenize_values(values)
    own = _Values({name: list(tokens) for name, tokens in _values[told].items()})
    own.told = told
    return own


def parse(
    scope: str,
    css: str,
    read_from: Any,
    *,
    variable_tokens: _Values,
    is_default_rules: bool,
    tie_breaker: int,
) -> Iterator[RuleSet]:
    """In place of Textual's; what cannot be read is read again, and refused again."""
    key = (scope, css, read_from, variable_tokens.told, is_default_rules, tie_breaker)
    if key not in _rules:
        _rules[key] = list(
            textual.css.parse.parse(
                scope,
                css,
                read_from,
                variable_tokens=variable_tokens,
                is_default_rules=is_default_rules,
                tie_breaker=tie_breaker,
            )
        )
    return iter(_rules[key])
