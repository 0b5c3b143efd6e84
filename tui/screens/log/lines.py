"""The drawn lines of a log: scrolled, a strip a line; it knows nothing of where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.screens.log import view
from sereno.tui.widgets.line import paint, palette_of

__all__ = ["LogView"]


class LogView(ScrollView, can_focus=True):
    """A view over lines of view.py; `show` gives them."""

    DEFAULT_CSS = """
    LogView { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key("down,j", "scroll_down", "down", "log.down"),
        key("up,k", "scroll_up", "up", "log.up"),
        key("home,g", "scroll_home", "first line", "log.first"),
        key("end,G", "scroll_end", "last line", "log.last"),
        key("ctrl+d,pagedown", "page_down", "page down", "log.page_down"),
        key("ctrl+u,pageup", "page_up", "page up", "log.page_up"),
    ]

    def __init__(self) -> None:
        super().__init__(id="lines")
        self._shown: Sequence[view.Shown] = ()
        self._found = -1
        self._empty: Line = ()

    @property
    def at_end(self) -> bool:
        return self.scroll_offset.y >= self.max_scroll_y

    def show(self, shown: Sequence[view.Shown], found: int, empty: Line, *, end: bool) -> None:
        self._shown, self._found, self._empty = shown, found, empty
        self.virtual_size = Size(self.size.width, len(shown))
        if end:
            self.scroll_end(animate=False, force=True)
        self.refresh()

    def seen(self) -> list[int]:
        """The log lines that are on the screen now."""
        top = self.scroll_offset.y
        return [each.source for each in self._shown[top : top + self.size.height]]

    def reveal(self, source: int) -> None:
        for y, each in enumerate(self._shown):
            if each.source == source:
                self.scroll_to(y=max(0, y - self.size.height // 3), animate=False, force=True)
                return

    def render_line(self, y: int) -> Strip:
        palette, base, width = palette_of(self), self.rich_style, self.size.width
        if not self._shown:
            return paint(self._empty if y == 0 else (), width, palette, base)
        place = y + self.scroll_offset.y
        if place >= len(self._shown):
            return Strip.blank(width, base)
        each = self._shown[place]
        if each.source == self._found:
            base += palette.cursor
        return paint(each.line, width, palette, base)
