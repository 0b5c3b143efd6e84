"""Style names of lines.py as Rich styles of the current theme.

One palette per theme, made when it is first asked for: painting a line is a dictionary look-up.
Not here: which text has which style (the views).
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color

from sereno.tui.lines import Line

__all__ = ["Palette"]

_COLOURS = {
    "dim": "dim",
    "faint": "faint",
    "line": "line",
    "focus": "line-focus",
    "accent": "accent",
    "asks": "need-asks",
    "failed": "need-failed",
    "busy": "need-busy",
    "starting": "need-starting",
    "done": "need-done",
    "idle": "need-idle",
    "stopped": "need-stopped",
    "added": "added",
    "removed": "removed",
    "key": "key",
    "code": "primary",
}
_BOLD = {"strong", "key", "asks"}


class Palette:
    """Rich styles by meaning; unknown names are the plain text style."""

    def __init__(self, variables: Mapping[str, str], *, no_colour: bool = False) -> None:
        self.styles: dict[str, Style] = {"": Style()}
        for name, variable in _COLOURS.items():
            colour = Color.parse(variables[variable]).rich_color
            self.styles[name] = Style(color=colour, bold=True if name in _BOLD else None)
        self.styles["strong"] = Style(bold=True)
        self.styles["asks-line"] = Style(color=self.styles["asks"].color)
        self.styles["reverse"] = Style(reverse=True)
        row = Color.parse(variables["cursor-row"])
        self.cursor = Style(bold=True) if row.ansi is not None else Style(bgcolor=row.rich_color)
        if no_colour:
            for name in ("dim", "faint", "line", "stopped", "idle"):
                self.styles[name] = Style(dim=True)
            self.styles["failed"] = Style(bold=True)

    def style(self, name: str) -> Style:
        return self.styles.get(name, self.styles[""])

    def segments(self, line: Line, base: Style) -> list[tuple[str, Style]]:
        return [(text, base + self.style(name)) for text, name in line if text]
