"""The whole text of a request in a pager, hidden characters shown; seeing its end counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sereno.core.protocol.permissions import PermissionRequest
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.palette import Palette
from sereno.tui.widgets.footer import Footer
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.line import paint
from sereno.tui.widgets.request_panel_text import heading
from sereno.tui.widgets.request_panel_view import short_id, text_lines

__all__ = ["RequestPager"]


class _Text(ScrollView, can_focus=True):
    """The text by lines; it tells when its end was on the screen."""

    def __init__(self, request: PermissionRequest, at_end: Callable[[], None]) -> None:
        super().__init__(id="text")
        self._request = request
        self._at_end = at_end
        self._lines: list[Line] = []

    def on_resize(self) -> None:
        self._lines = text_lines(self._request, max(10, self.size.width - 2))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.call_after_refresh(self._look)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def _look(self) -> None:
        if self._lines and self.scroll_offset.y + self.size.height >= len(self._lines):
            self._at_end()

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y
        line: Line = ((" ", ""), *self._lines[row]) if row < len(self._lines) else ()
        palette: Palette = self.app.palette  # type: ignore[attr-defined]
        return paint(line, self.size.width, palette, self.rich_style)


class RequestPager(ModalScreen[bool]):
    """Dismissed with whether the end of the text was seen."""

    CSS_PATH = "screen.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("j,down", "scroll(1)", "down", "pager.down"),
        key("k,up", "scroll(-1)", "up", "pager.up"),
        key("space,pagedown", "page(1)", "page down", "pager.page_down"),
        key("b,pageup", "page(-1)", "page up", "pager.page_up"),
        key("G,end", "scroll(1000000)", "end", "pager.end"),
        key("g,home", "scroll(-1000000)", "start", "pager.start"),
        key("escape,q,v", "leave", "back to the request", "pager.leave"),
    ]

    def __init__(self, request: PermissionRequest) -> None:
        super().__init__()
        self._request = request
        self._seen = False

    def compose(self) -> ComposeResult:
        yield Header(id="pager-header")
        yield _Text(self._request, self._end_seen)
        yield Footer(
            (("space", "page"), ("j k", "line"), ("g G", "start end"), ("q", "back")), id="footer"
        )

    def on_mount(self) -> None:
        title = f"Request {short_id(self._request)}: {heading(self._request)}"
        self.query_one(Header).show(((title, "asks"),), (("whole text", "dim"),))
        self.query_one(_Text).focus()

    def _end_seen(self) -> None:
        self._seen = True

    def action_scroll(self, lines: int) -> None:
        text = self.query_one(_Text)
        text.scroll_to(y=text.scroll_offset.y + lines, animate=False)

    def action_page(self, sign: int) -> None:
        self.action_scroll(sign * max(1, self.query_one(_Text).size.height - 1))

    def action_leave(self) -> None:
        self.dismiss(self._seen)
