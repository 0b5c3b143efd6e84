"""A box with a few lines about one thing; its title is data, never markup."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from sereno.tui.lines import Line
from sereno.tui.wall import harmless
from sereno.tui.widgets.line import LineWidget
from sereno.tui.words import cut, one_line

__all__ = ["Details"]


class Details(LineWidget):
    """Shows the lines it is given."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title = ""
        self._lines: tuple[Line, ...] = ()

    def show(self, title: str, lines: Sequence[Line]) -> None:
        if (title, tuple(lines)) != (self._title, self._lines):
            self._title, self._lines = title, tuple(lines)
            self._show_title()
            self.refresh()

    def on_resize(self) -> None:
        self._show_title()

    def _show_title(self) -> None:
        """Cut to the edge it stands in."""
        shown = cut(harmless(one_line(self._title)), max(4, self.outer_size.width - 6))
        self.border_title = Content(shown)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del width, height
        return self._lines
