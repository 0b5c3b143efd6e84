"""The styles that blocks are drawn with, resolved once per theme.

A block is drawn without knowing Textual: it is given a `Palette`, which the widget makes from the
app's styles by meaning. Colour is never the only sign: each style is beside a word or a mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.style import Style

__all__ = ["PLAIN", "Palette", "palette_from"]


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


def palette_from(style: Callable[[str], Style], code_theme: str) -> Palette:
    """The palette of a theme; `style` gives the app's style of a meaning (palette.py)."""
    return Palette(
        dim=style("dim"),
        speaker=style("strong"),
        you=style("focus") + Style(bold=True),
        verb=style("key") + Style(bold=False),
        accent=style("busy"),
        ok=style("done"),
        bad=style("failed") + Style(bold=True),
        warn=style("asks"),
        heading=style("strong") + Style(underline=True),
        code=style("code"),
        rule=style("line"),
        added=style("added"),
        removed=style("removed"),
        code_theme=code_theme,
    )
