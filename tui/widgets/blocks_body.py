"""What can stand inside an open block, as values: Markdown, plain text, code, a diff.

Built by blocks_tools.py and blocks.py, drawn by blocks_render.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from sereno.tui.widgets.blocks_text import tail_lines
from sereno.tui.widgets.diff_view import DiffRow

__all__ = ["Body", "Code", "Diff", "Markdown", "Plain", "output"]

OUTPUT_LINES = 200
"""Of long output the newest lines are drawn; the number of the others is said."""


@dataclass(frozen=True, slots=True)
class Markdown:
    text: str


@dataclass(frozen=True, slots=True)
class Plain:
    """Text as it is; `hidden` lines stand before it and are not drawn."""

    text: str
    hidden: int = 0
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """`language`: a Pygments name, or a file name to guess from."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Diff:
    rows: tuple[DiffRow, ...]


Body = Markdown | Plain | Code | Diff


def output(text: str, *, dim: bool = False) -> Plain:
    """Long output as a body that holds its newest lines."""
    hidden, lines = tail_lines(text, OUTPUT_LINES)
    return Plain("\n".join(lines), hidden, dim)
