"""The lines of a talk that belong to no block: what is missing above, what is wrong below. Pure.

Called by talk.py; blocks are drawn by blocks_render.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.strip import Strip

from sereno.tui.lines import Line
from sereno.tui.timeline import Timeline
from sereno.tui.widgets.blocks_palette import Palette
from sereno.tui.widgets.blocks_render import NARROW, strip_of
from sereno.tui.widgets.blocks_text import count, safe

__all__ = ["Trouble", "empty_line", "no_trouble", "older_line", "trouble_lines"]

Trouble = Callable[[int], Sequence[Line]]
"""What is wrong with the agent, in lines of at most so many cells."""


def no_trouble(width: int) -> Sequence[Line]:
    del width
    return ()


def trouble_lines(trouble: Trouble, width: int, palette: Palette) -> list[Strip]:
    """The trouble, as far from the edge as what is said above it."""
    pad = "" if width < NARROW else "  "
    styles = {"failed": palette.bad, "dim": palette.dim}
    return [
        strip_of(Segment(pad), *(Segment(safe(text), styles.get(style)) for text, style in line))
        for line in trouble(width - len(pad) - 1)
    ]


def empty_line(timeline: Timeline | None, palette: Palette) -> Strip:
    """Instead of a talk in which nothing stands, or nothing yet."""
    known = timeline is not None and timeline.loaded and not timeline.blocks
    words = "Nothing has been said yet." if known else "Loading what was said ..."
    return Strip([Segment(f"   {words}", palette.dim)])


def older_line(timeline: Timeline | None, width: int, palette: Palette) -> Strip:
    """Above the oldest block: how much is not here, and the key that brings it."""
    older = 0 if timeline is None else timeline.first_seq - 1
    words = f"{count(older, 'older event', 'older events')}: g" if older else "older: g"
    if timeline is not None and timeline.loading_older:
        words = "loading older events ..."
    return Strip([Segment(" " * max(0, width - len(words))), Segment(words, palette.dim)])
