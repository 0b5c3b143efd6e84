"""A list of rows of one height, painted line by line: cheap with thousands of them.

The cursor belongs to a row's key, so that it stays with its agent when the order changes. Moves
follow vim and less. The fleet's list is one of these; it knows nothing about agents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.widgets.line import paint, palette_of

__all__ = ["Row", "RowList"]


class Row(msgspec.Struct, frozen=True):
    """One row: its key and its lines, as many for every row of a list."""

    key: str
    lines: tuple[Line, ...]


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor; posts `Highlighted` and `Chosen`."""

    DEFAULT_CSS = """
    RowList { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key("down,j", "move(1)", "down", "list.down"),
        key("up,k", "move(-1)", "up", "list.up"),
        key("home,g", "jump(0)", "first", "list.first"),
        key("end,G", "jump(-1)", "last", "list.last"),
        key("ctrl+d,pagedown", "page(1)", "half a page down", "list.page_down"),
        key("ctrl+u,pageup", "page(-1)", "half a page up", "list.page_up"),
        key("enter,o", "choose", "open", "list.open"),
    ]

    class Highlighted(Message):
        """The cursor is on another row; the key is empty when there is none."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Chosen(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None, empty: Sequence[Line] = ()) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._height = 1
        self._empty = tuple(empty)
        self.cursor_key = ""

    @property
    def cursor(self) -> int:
        """The place of the cursor's row, -1 where there is none."""
        for place, row in enumerate(self._rows):
            if row.key == self.cursor_key:
                return place
        return -1

    def show(self, rows: Sequence[Row], empty: Sequence[Line] = ()) -> None:
        """New rows; the cursor stays with its row, or goes to the nearest one."""
        old = self.cursor
        if tuple(rows) == tuple(self._rows) and tuple(empty or self._empty) == self._empty:
            return
        self._rows = tuple(rows)
        self._empty = tuple(empty) or self._empty
        self._height = max((len(row.lines) for row in rows), default=1)
        self.virtual_size = Size(self.size.width, len(rows) * self._height)
        if self.cursor < 0:
            place = min(max(old, 0), len(rows) - 1)
            self._go(place)
        else:
            self._reveal()
        self.refresh()

    def _go(self, place: int) -> None:
        name = self._rows[place].key if 0 <= place < len(self._rows) else ""
        if name != self.cursor_key:
            self.cursor_key = name
            self.post_message(self.Highlighted(name))
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        place = self.cursor
        if place >= 0 and self.size.height:
            region = Region(0, place * self._height, 1, self._height)
            self.scroll_to_region(region, animate=False, force=True)

    def move_to(self, name: str) -> None:
        """The cursor onto the row of this key, if it is here."""
        for place, row in enumerate(self._rows):
            if row.key == name:
                self._go(place)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows) * self._height)
        self._reveal()

    def action_move(self, by: int) -> None:
        if self._rows:
            self._go(min(max(self.cursor + by, 0), len(self._rows) - 1))

    def action_jump(self, place: int) -> None:
        if self._rows:
            self._go(place if place >= 0 else len(self._rows) - 1)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.size.height // self._height // 2))

    def action_choose(self) -> None:
        if self.cursor_key:
            self.post_message(self.Chosen(self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        place = (event.y + self.scroll_offset.y) // self._height
        if 0 <= place < len(self._rows):
            again = self._rows[place].key == self.cursor_key
            self._go(place)
            if event.chain > 1 and again:
                self.action_choose()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        palette, base = palette_of(self), self.rich_style
        if not self._rows:
            line = self._empty[y] if y < len(self._empty) else ()
            return paint(line, width, palette, base)
        place, part = divmod(y + self.scroll_offset.y, self._height)
        if place >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[place]
        chosen = row.key == self.cursor_key
        if chosen:
            base += palette.cursor
        lead = (("▌" if chosen else " ", "accent" if self.has_focus else "faint"),)
        line = row.lines[part] if part < len(row.lines) else ()
        return paint((*lead, *line), width, palette, base)
