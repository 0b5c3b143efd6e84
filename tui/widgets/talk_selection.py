"""The selected part of a drawn line: pure, called by talk.py for each line that it shows."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

__all__ = ["with_selection"]


def with_selection(strip: Strip, selection: Selection, y: int, style: Style) -> Strip:
    """Line `y` of the talk with what is selected of it in `style`."""
    span = selection.get_span(y)
    if span is None:
        return strip
    start, end = span
    text = strip.text
    end = len(text) if end == -1 else min(end, len(text))
    if start >= end:
        return strip
    cells = [strip.index_to_cell_position(start), strip.index_to_cell_position(end)]
    before, inside, after = (
        strip.crop(0, cells[0]),
        strip.crop(cells[0], cells[1]),
        strip.crop(cells[1]),
    )
    marked = Strip([Segment(s.text, (s.style or Style()) + style) for s in inside])
    return Strip.join([before, marked, after])
