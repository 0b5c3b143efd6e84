"""The talk with an agent as one scrolling widget drawn by lines: any number of blocks, one widget.

It shows a `Timeline`, follows its end until the person scrolls up, and marks one chosen block
that opens and closes. Not here: what a block looks like (talk_lines.py, blocks_render.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from sereno.tui.timeline import Timeline
from sereno.tui.widgets.blocks_palette import PLAIN, Palette
from sereno.tui.widgets.blocks_text import clock
from sereno.tui.widgets.talk_lines import Looks, TalkLines
from sereno.tui.widgets.talk_place import Place, characters_above, line_of
from sereno.tui.widgets.talk_selection import with_selection
from sereno.tui.widgets.talk_words import (
    Trouble,
    empty_line,
    no_trouble,
    older_line,
    trouble_lines,
)

__all__ = ["Talk"]

COLUMN = 100
"""Cells; the talk never gets wider, however wide the terminal is."""
_BATCH_S = 0.012
"""Seconds spent at once on drawing older blocks that nobody sees yet."""


class Talk(ScrollView, can_focus=True):
    """Call `show` with a timeline whenever something changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "line(1)", "down", show=False, id="talk.down"),
        Binding("k,up", "line(-1)", "up", show=False, id="talk.up"),
        Binding("ctrl+d", "half(1)", "half a page down", show=False, id="talk.half_down"),
        Binding("ctrl+u", "half(-1)", "half a page up", show=False, id="talk.half_up"),
        Binding("pagedown", "page_down", "page down", show=False, id="talk.page_down"),
        Binding("pageup", "page_up", "page up", show=False, id="talk.page_up"),
        Binding("g,home", "oldest", "oldest, then older ones", show=False, id="talk.oldest"),
        Binding("G,end", "newest", "newest", show=False, id="talk.newest"),
        Binding("J,alt+down", "block(1)", "next block", show=False, id="talk.next"),
        Binding("K,alt+up", "block(-1)", "previous block", show=False, id="talk.previous"),
        Binding("enter,space", "fold", "open or close", show=False, id="talk.fold"),
    ]

    DEFAULT_CSS = """
    Talk { height: 1fr; width: 1fr; max-width: 101; overflow-x: hidden; scrollbar-size: 1 1; }
    """

    @dataclass
    class OlderWanted(Message):
        """The person went to the top and older events exist."""

        talk: Talk

    @dataclass
    class Behind(Message):
        """Whether something new stands below what is seen."""

        talk: Talk
        behind: bool

    def __init__(
        self,
        *,
        palette: Callable[[], Palette] | None = None,
        clock: Callable[[int], str] = clock,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._palette_of = palette or (lambda: PLAIN)
        self._clock = clock
        self._lines = TalkLines()
        self._timeline: Timeline | None = None
        self._looks = Looks(COLUMN - 1, PLAIN, "")
        self._follow = True
        self._place: Place | None = None
        """Where the person reads, while not at the end."""
        self._laid_out = Size(0, 0)
        """For which size of the widget the lines stand where they are."""
        self._placing = False
        self._behind = False
        self._chosen: str | None = None
        self._drawing: Timer | None = None
        self._trouble: Trouble = no_trouble

    # -- what the screen says ------------------------------------------------------------------

    def show(
        self,
        timeline: Timeline,
        *,
        agent: str,
        running: bool,
        now_ms: int,
        folder: str = "",
        trouble: Trouble = no_trouble,
    ) -> None:
        """Draws what changed. Cheap when nothing did.

        `trouble`: what is wrong with the agent, in lines of so many cells, under all that was said.
        """
        before = self._lines.height
        at_end = self._laid_out == self.size and self.scroll_offset.y >= self.max_scroll_y
        self._trouble = trouble
        self._timeline = timeline
        palette = self._palette_of()
        self._looks = Looks(
            self._width, palette, agent, running, now_ms, folder.rstrip("/"), self._clock
        )
        self._redraw()
        if not self._follow and self._lines.height > before and at_end:
            self.action_newest()
        elif not self._follow and self._lines.height != before:
            self._say_behind(self._lines.height > before or self._behind)

    def redraw(self) -> None:
        """Draws all of it anew: another theme."""
        self._looks = replace(self._looks, width=self._width, palette=self._palette_of())
        self._redraw()

    @property
    def following(self) -> bool:
        return self._follow

    @property
    def chosen(self) -> str | None:
        """The key of the marked block."""
        return self._chosen

    def text(self) -> str:
        """All drawn lines, for tests and for copying."""
        rows = range(self._lines.height)
        return "\n".join(self._lines.line(y)[1].text.rstrip() for y in rows)

    # -- drawing -------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        """One cell is the mark's; one more the scrollbar's, also while there is none."""
        return max(20, min(COLUMN, (self.size.width or COLUMN + 1) - 1) - 1)

    @property
    def _lead(self) -> int:
        """The line above the oldest block that says what is not here."""
        timeline = self._timeline
        return 1 if timeline is not None and timeline.has_older else 0

    def _redraw(self) -> None:
        timeline = self._timeline
        if timeline is None:
            return
        place = None if self._follow else self._place
        if place is not None and place.characters is None and self._lines.width != self._width:
            above = characters_above(self._lines.strips_of(place.key), place.offset)
            self._place = place = replace(place, characters=above)
        tail = trouble_lines(self._trouble, self._width, self._looks.palette)
        if tail and timeline.blocks:
            tail.insert(0, Strip([]))
        self._lines.refresh(timeline.blocks, self._looks, self.size.height * 2, tail)
        if place is not None and place.key in self._lines.keys:
            while self._lines.span_of(place.key) is None:
                self._lines.draw_more(1)
        if self._chosen is not None and self._chosen not in self._lines.keys:
            self._chosen = None
        self._resized()
        if self._lines.pending and self._drawing is None:
            self._drawing = self.set_interval(1 / 30, self._draw_more)

    def _draw_more(self) -> None:
        until = perf_counter() + _BATCH_S
        more = self._lines.draw_more(1)
        while more and perf_counter() < until:
            more = self._lines.draw_more(1)
        if not more and self._drawing is not None:
            self._drawing.stop()
            self._drawing = None
        self._resized()

    def _place_seen(self) -> Place | None:
        """The block at the top of what is seen, and how far it is scrolled."""
        y = self.scroll_offset.y - self._lead
        index = self._lines.block_at(max(0, y))
        if index is None:
            return None
        key = self._lines.keys[index]
        span = self._lines.span_of(key)
        return None if span is None else Place(key, y - span[0])

    def _resized(self) -> None:
        """Brings the view to where the person reads, after the lines or the widget changed."""
        self._placing = True
        try:
            self.virtual_size = Size(self._width, self._lines.height + self._lead)
            y = self.max_scroll_y if self._follow else self._line_of_place()
            if y is not None:
                self.scroll_to(y=y, animate=False, force=True, immediate=True)
        finally:
            self._placing = False
        # Told again: a bar that heard of the place before it heard of the size keeps its old thumb.
        self.vertical_scrollbar.position = self.scroll_y
        self.vertical_scrollbar.refresh()
        self._laid_out = self.size
        self.refresh()

    def _line_of_place(self) -> int | None:
        place = self._place
        span = None if place is None else self._lines.span_of(place.key)
        if place is None or span is None:
            return None
        offset = place.offset
        if place.characters is not None and offset >= 0:
            offset = line_of(self._lines.strips_of(place.key), place.characters)
        return span[0] + self._lead + offset

    def on_resize(self) -> None:
        if self._timeline is not None:
            self.redraw()
            # The width that counts is known only once the layout around this widget stands.
            self.call_after_refresh(self.redraw)

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y - self._lead
        width = self.size.width
        base, palette = self.rich_style, self._looks.palette
        if row >= 0 and not self._lines.height:
            strip = empty_line(self._timeline, palette) if row == 0 else Strip([])
        elif row == -1 and self._lead:
            strip = older_line(self._timeline, self._width, palette)
        elif 0 <= row < self._lines.height:
            key, line = self._lines.line(row)
            marked = key == self._chosen and self.has_focus and line.cell_length > 0
            mark = "▌" if marked else " "
            strip = Strip([Segment(mark, palette.accent), *line])
            selection = self.text_selection
            if selection is not None:
                style = self.screen.get_component_rich_style("screen--selection")
                strip = with_selection(strip, selection, self.scroll_offset.y + y, style)
        else:
            strip = Strip([])
        strip = strip.crop(0, width).apply_offsets(0, self.scroll_offset.y + y)
        return strip.extend_cell_length(width).apply_style(base)

    # -- selection -----------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the cell of the mark and without trailing blanks."""
        rows = [""] * self._lead
        rows += [" " + self._lines.line(y)[1].text.rstrip() for y in range(self._lines.height)]
        return selection.extract("\n".join(rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        del selection
        self.refresh()

    # -- moving --------------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._placing or self._laid_out != self.size:
            return  # A new layout moved it, not the person.
        at_end = new_value >= self.max_scroll_y
        if new_value < old_value and not at_end:
            self._follow = False
        elif at_end:
            self._follow = True
            self._say_behind(False)
        self._place = None if self._follow else self._place_seen()

    def _say_behind(self, behind: bool) -> None:
        if behind != self._behind:
            self._behind = behind
            self.post_message(self.Behind(self, behind))

    def action_line(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_half(self, sign: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + sign * (self.size.height // 2), animate=False)

    def action_page_down(self) -> None:
        self.scroll_to(y=self.scroll_offset.y + self.size.height - 2, animate=False)

    def action_page_up(self) -> None:
        self.scroll_to(y=self.scroll_offset.y - self.size.height + 2, animate=False)

    def action_newest(self) -> None:
        self._follow = True
        self._resized()
        self._say_behind(False)

    def action_oldest(self) -> None:
        """To the first line; from there, the page of events before it."""
        self._lines.draw_more(len(self._lines.keys))
        at_top = self.scroll_offset.y == 0
        self._follow = False
        self._resized()
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._place = self._place_seen()
        if at_top and self._lead:
            self.post_message(self.OlderWanted(self))

    def action_block(self, step: int) -> None:
        """Marks the next or previous block and brings it into view."""
        keys = self._lines.keys
        if not keys:
            return
        if self._chosen in keys:
            index = keys.index(self._chosen) + step
        else:
            index = self._visible_block() if step < 0 else len(keys) - 1
        index = max(self._lines.pending, min(len(keys) - 1, index))
        self._chosen = keys[index]
        self._bring_into_view(self._chosen)

    def _visible_block(self) -> int:
        """The lowest block that is seen."""
        last = min(self.scroll_offset.y + self.size.height - self._lead, self._lines.height) - 1
        index = self._lines.block_at(max(0, last))
        return len(self._lines.keys) - 1 if index is None else index

    def _bring_into_view(self, key: str) -> None:
        span = self._lines.span_of(key)
        if span is None:
            return
        top, height = span[0] + self._lead, span[1]
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif top + height > self.scroll_offset.y + self.size.height:
            y = min(top, top + height - self.size.height)
            self.scroll_to(y=y, animate=False)
        self.refresh()

    def action_fold(self) -> None:
        """Opens or closes the marked block; marks the lowest one seen where none is."""
        if self._chosen is None or not self._lines.foldable(self._chosen):
            for index in range(self._visible_block(), self._lines.pending - 1, -1):
                if self._lines.foldable(self._lines.keys[index]):
                    self._chosen = self._lines.keys[index]
                    break
            else:
                return
        self._toggle(self._chosen)

    def _toggle(self, key: str) -> None:
        self._lines.toggle(key)
        self._resized()

    def on_click(self, event: events.Click) -> None:
        """A click on the first line of a block that folds opens or closes it."""
        row = self.scroll_offset.y + event.y - self._lead
        index = self._lines.block_at(row)
        if index is None or self.text_selection is not None:
            return
        key = self._lines.keys[index]
        span = self._lines.span_of(key)
        if span is not None and row - span[0] <= 1 and self._lines.foldable(key):
            self._chosen = key
            self._toggle(key)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
