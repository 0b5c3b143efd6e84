"""Logs: the daemon's, or one agent's stderr and diagnostics. A line-API view over pages.

Newest at the end. It follows while the end is in sight, asks for older pages when the top is, and
never holds more than a bounded number of lines.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import ClassVar

import anyio.to_thread
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from sereno.core.protocol.additions import LogLine
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.link_api import ActError
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.copy.screen import Piece
from sereno.tui.screens.log import export, view
from sereno.tui.screens.log.lines import LogView
from sereno.tui.timeline import milliseconds
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.words import count, one_line

__all__ = ["LogScreen"]

PAGE = 500
KEPT = 5000
EXPORTED = 50_000
FOLLOW_SECONDS = 1.0


def write_new(file: Path, text: str) -> None:
    """A new file that only its owner reads. Raises OSError."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as written:
        written.write(text)


class LogScreen(SerenoScreen[None]):
    """One source at a time; `tab` goes to the next one."""

    CSS_PATH = "screen.tcss"
    PLACE = "log"
    AUTO_FOCUS = "#lines"
    FOOTER: ClassVar[tuple[FooterKey, ...]] = (
        ("/", "search"),
        ("n N", "next, previous"),
        ("f", "follow"),
        ("1-4", "level"),
        ("w", "wrap"),
        ("tab", "source"),
        ("c", "copy"),
        ("E", "export, no secrets"),
        ("esc", "back"),
        ("?", "keys"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("slash", "search", "search", "log.search"),
        key("n", "found(1)", "next found", "log.next"),
        key("N", "found(-1)", "previous found", "log.previous"),
        key("f", "follow", "follow the end", "log.follow"),
        key("1", "level('debug')", "from debug on", "log.debug"),
        key("2", "level('info')", "from info on", "log.info"),
        key("3", "level('warn')", "warnings and errors", "log.warn"),
        key("4", "level('error')", "errors", "log.error"),
        key("w", "wrap", "wrap long lines", "log.wrap"),
        key("c", "app.copy_menu", "copy ...", "log.copy"),
        key("E", "export", "export to a file, without secrets", "log.export"),
        key("tab", "source(1)", "next source", "log.source", first=True),
        key("shift+tab", "source(-1)", "previous source", "log.source_back", first=True),
        key("escape,q", "back", "back", "log.back"),
    ]

    def __init__(self, source: str = "daemon") -> None:
        super().__init__()
        self._source = source
        self._level = "info" if source == "daemon" else "debug"
        self._follow = True
        self._wrap = True
        self._words = ""
        self._found = -1
        self._lines: list[LogLine] = []
        self._start = 0
        self._end: int | None = None
        self._has_older = False
        self._trouble = ""
        self._loading = False

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield LogView()
        yield Field(id="search", placeholder="search")
        yield Footer(self.FOOTER, id="footer")

    def on_mount(self) -> None:
        self._show(end=True)
        self._load("tail")
        self.set_interval(FOLLOW_SECONDS, self._more)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show, end=self._follow)

    # -- pages ---------------------------------------------------------------------------------

    def _more(self) -> None:
        """Once a second: what is new at the end, and an older page when the top is in sight."""
        lines = self.query_one(LogView)
        if self._follow:
            self._load("after" if self._end is not None else "tail")
        elif lines.scroll_offset.y == 0 and self._has_older and len(self._lines) < KEPT:
            self._load("before")

    def _load(self, direction: str) -> None:
        if not self._loading:
            self._loading = True
            self.run_worker(self._fetch(self._source, direction), group="log", exclusive=True)

    async def _fetch(self, source: str, direction: str) -> None:
        cursor = {"after": self._end, "before": self._start}.get(direction)
        try:
            page = await self.sereno.link.read_log(source, direction, cursor, PAGE)
        except ActError as error:
            self._trouble = str(error)
            self._loading = False
            self._show(end=False)
            return
        self._loading = False
        if source != self._source:
            return
        self._trouble = page.error or ""
        if direction == "before":
            self._lines[:0] = page.lines
            self._start, self._has_older = page.start_cursor, page.has_older
            if self._found >= 0:
                self._found += len(page.lines)
        else:
            if direction == "tail":
                self._lines = []
                self._start, self._has_older = page.start_cursor, page.has_older
            self._lines += page.lines
            self._end = page.end_cursor
            del self._lines[:-KEPT]
        if page.lines or direction == "tail":
            self._show(end=self._follow)

    # -- showing -------------------------------------------------------------------------------

    def _show(self, *, end: bool) -> None:
        lines = self.query_one(LogView)
        places = view.passing(self._lines, self._level)
        width = lines.scrollable_content_region.width or self.size.width
        shown = view.drawn(self._lines, places, width, clock=self._times(width), wrapped=self._wrap)
        lines.show(shown, self._found, self._empty_line(), end=end)
        self.query_one("#header", Header).show(self._left(), self._right(len(places)))

    def _times(self, width: int) -> dict[str, str]:
        stamps = {each.at for each in self._lines}
        times = {stamp: milliseconds(stamp) for stamp in stamps}
        seconds = {stamp: f":{at // 1000 % 60:02d}" for stamp, at in times.items()}
        parts = {stamp: f".{at % 1000:03d}" if width >= 80 else "" for stamp, at in times.items()}
        return {
            stamp: self.sereno.clock_words(at) + seconds[stamp] + parts[stamp]
            for stamp, at in times.items()
        }

    def _empty_line(self) -> Line:
        if self._trouble:
            return ((f" {one_line(self._trouble)}", "failed"),)
        if self._end is None:
            return ((" reading ...", "dim"),)
        return ((f" nothing at level {self._level} or above", "dim"),)

    def _source_words(self) -> str:
        if self._source == "daemon":
            return "daemon"
        state = self.model.agents.get(self._source)
        return one_line(state.title) if state is not None else self._source[:8]

    def _left(self) -> Line:
        return (("sereno", "strong"), ("  log   ", "dim"), (f"[{self._source_words()}]", ""))

    def _right(self, shown: int) -> Line:
        found = view.matches(self._lines, view.passing(self._lines, self._level), self._words)
        search = f"{count(len(found), 'match', 'matches')}   " if self._words else ""
        follow = "follow   " if self._follow else ""
        lines = count(shown, "line") + (" and older" if self._has_older else "")
        return ((search, "accent"), (f"level {self._level}   {follow}{lines}", "dim"))

    # -- what the keys do ----------------------------------------------------------------------

    def pieces(self) -> list[Piece]:
        places = view.passing(self._lines, self._level)
        seen = dict.fromkeys(self.query_one(LogView).seen())
        found = [self._found] if self._found in places else []
        pieces = [
            Piece("l", "the found line", view.text_of(self._lines, found)),
            Piece("s", "this screen", view.text_of(self._lines, list(seen))),
            Piece("a", f"all {count(len(places), 'line')}", view.text_of(self._lines, places)),
        ]
        return [piece for piece in pieces if piece.text]

    def action_export(self) -> None:
        """All that can be loaded of this source, every level, into a file beside the logs."""
        folder = self.sereno.logs
        if folder is None:
            self.notify("There is no folder for it.", severity="error")
            return
        self.notify("Reading the log ...")
        self.run_worker(self._export(self._source, folder), group="export", exclusive=True)

    async def _export(self, source: str, folder: Path) -> None:
        try:
            lines = await self._all_lines(source)
            text, removed = export.export_text(source, lines)
            stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.now_ms() / 1000))
            file = folder / export.file_name(source, stamp)
            await anyio.to_thread.run_sync(write_new, file, text)
        except (ActError, OSError) as error:
            self.notify(f"Not exported: {error}", severity="error")
            return
        words = f"Exported {count(len(lines), 'line')}, {export.told(removed)}: {file}"
        self.notify(words, timeout=12.0)

    async def _all_lines(self, source: str) -> list[LogLine]:
        """The newest EXPORTED lines, oldest first. Raises ActError."""
        link = self.sereno.link
        page = await link.read_log(source, "tail", None, PAGE)
        lines = list(page.lines)
        while page.has_older and page.lines and len(lines) < EXPORTED:
            page = await link.read_log(source, "before", page.start_cursor, PAGE)
            lines[:0] = page.lines
        return lines

    def action_level(self, level: str) -> None:
        self._level = level
        self._show(end=self._follow)

    def action_wrap(self) -> None:
        self._wrap = not self._wrap
        self._show(end=self._follow)

    def action_follow(self) -> None:
        self._follow = not self._follow
        self._show(end=self._follow)

    def action_search(self) -> None:
        field = self.query_one("#search", Input)
        field.add_class("-open")
        field.focus()

    def on_descendant_focus(self) -> None:
        typing = self.query_one("#search", Input).has_focus
        keys: tuple[FooterKey, ...] = (("enter", "search"), ("esc", "back"))
        self.query_one(Footer).show(keys if typing else self.FOOTER)

    @on(Input.Submitted, "#search")
    def _searched(self, event: Input.Submitted) -> None:
        self._words = event.value
        self.query_one("#search", Input).remove_class("-open")
        self.query_one(LogView).focus()
        self.action_found(-1)

    def action_found(self, by: int) -> None:
        """To the next or previous line that matches; newest first."""
        found = view.matches(self._lines, view.passing(self._lines, self._level), self._words)
        if not found:
            self._found = -1
        elif self._found not in found:
            self._found = found[-1]
        else:
            self._found = found[(found.index(self._found) + by) % len(found)]
        self._follow = False
        self._show(end=False)
        self.query_one(LogView).reveal(self._found)

    def action_source(self, by: int) -> None:
        sources = ["daemon", *(state.id for state in self.model.ordered())]
        place = sources.index(self._source) if self._source in sources else 0
        self._source = sources[(place + by) % len(sources)]
        self._level = "info" if self._source == "daemon" else "debug"
        self._lines, self._end, self._found, self._trouble = [], None, -1, ""
        self._has_older = self._loading = False
        self._show(end=True)
        self._load("tail")

    def action_back(self) -> None:
        field = self.query_one("#search", Input)
        if field.has_class("-open"):
            field.remove_class("-open")
            self.query_one(LogView).focus()
        elif self._words:
            self._words, self._found = "", -1
            self._show(end=False)
        else:
            self.dismiss(None)
