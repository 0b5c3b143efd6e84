"""The styles that blocks are drawn with, resolved once per theme.

A block is drawn without knowing Textual: it is given a `Palette`. The widget fills one from its
CSS component classes. Colour is never the only sign: each style is beside a word or a mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.style import Style

__all__ = ["COMPONENTS", "PLAIN", "Palette", "palette_from"]


@dataclass(frozen=True, slots=True)
class Palette:
    """One rich style for each role. `code_theme` is a Pygments style name."""

    dim: Style
    speaker: Style
    you: Style
    verb: Style
    accent: Style
    ok: Style
    bad: Style
    warn: Style
    heading: Style
    code: Style
    rule: Style
    added: Style
    removed: Style
    code_theme: str = "ansi_dark"


COMPONENTS = {
    "dim",
    "speaker",
    "you",
    "verb",
    "accent",
    "ok",
    "bad",
    "warn",
    "heading",
    "code",
    "rule",
    "added",
    "removed",
}

PLAIN = Palette(
    dim=Style(dim=True),
    speaker=Style(bold=True),
    you=Style(bold=True),
    verb=Style(bold=True),
    accent=Style(bold=True),
    ok=Style(),
    bad=Style(bold=True),
    warn=Style(bold=True),
    heading=Style(bold=True, underline=True),
    code=Style(bold=True),
    rule=Style(dim=True),
    added=Style(bold=True),
    removed=Style(dim=True),
)
"""Without colour, for tests and for what is printed."""


def palette_from(style_of: Callable[[str], Style], prefix: str, code_theme: str) -> Palette:
    """A palette from component classes `prefix--role`, foreground and weight only.

    The background stays that of the widget: a block that sits on a tinted row keeps the tint.
    """

    def take(role: str) -> Style:
        style = style_of(f"{prefix}--{role}")
        return Style(
            color=style.color,
            bold=style.bold,
            dim=style.dim,
            italic=style.italic,
            underline=style.underline,
        )

    return Palette(**{role: take(role) for role in COMPONENTS}, code_theme=code_theme)
