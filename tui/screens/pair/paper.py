"""The code and what stands beside it, drawn line by line; or lines alone.

The code is dark on light by numbers of the terminal's own colour table that no theme changes, also
where every other colour is taken away (NO_COLOR): a scanner needs them, no reader does.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from sereno.tui.lines import Line
from sereno.tui.qr import Code
from sereno.tui.textual_private import CODE_STYLE
from sereno.tui.wall import harmless
from sereno.tui.widgets.line import LineWidget, paint, palette_of

__all__ = ["Paper"]


class Paper(LineWidget, can_focus=True):
    """Has the keyboard while nothing is filled in; the screen has the keys."""

    DEFAULT_CSS = "Paper { height: 1fr; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="paper")
        self._lines: tuple[Line, ...] = ()
        self._code: Code | None = None

    @property
    def code(self) -> Code | None:
        """The one that is shown."""
        return self._code

    def show(self, lines: Sequence[Line], code: Code | None = None) -> None:
        """Lines, beside a code or alone."""
        clean = tuple(tuple((harmless(text), style) for text, style in line) for line in lines)
        if (clean, code) != (self._lines, self._code):
            self._lines, self._code = clean, code
            self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del width
        return self._lines[:height]

    def render_line(self, y: int) -> Strip:
        if self._code is None:
            return super().render_line(y)
        code, width = self._code, self.size.width
        line: Line = self._lines[y] if y < len(self._lines) else ()
        room = width - code.width
        beside = paint((("  ", ""), *line), room, palette_of(self), self.rich_style)
        if y >= code.height:
            return Strip([Segment(" " * code.width, self.rich_style), *beside], width)
        return Strip([Segment(code.lines[y], CODE_STYLE), *beside], width)
