"""A widget that paints lines.py lines: no layout, no markup, one strip a line.

Header, footer, attention bar, details and live panes are of this kind. Subclasses say what the
lines are; the palette says how they look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sereno.tui.lines import Line, fit
from sereno.tui.palette import Palette

if TYPE_CHECKING:
    from typing import Self

    from sereno.tui.app import SerenoApp

__all__ = ["LineWidget", "paint", "palette_of"]


def paint(line: Line, width: int, palette: Palette, base: Style) -> Strip:
    """One line at exactly `width` cells, on the style `base`."""
    segments = [Segment(text, style) for text, style in palette.segments(fit(line, width), base)]
    return Strip(segments, max(0, width))


def palette_of(widget: Widget) -> Palette:
    """The palette of the current theme."""
    return cast("SerenoApp", widget.app).palette


class LineWidget(Widget):
    """Shows `lines(width, height)`; `refresh()` it when what they are made of changed."""

    DEFAULT_CSS = """
    LineWidget { height: 1; width: 1fr; }
    """

    _drawn: tuple[Line, ...] | None = None
    _drawn_for = (0, 0)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """What to show; missing lines stay blank, surplus ones are not shown."""
        raise NotImplementedError

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        self._drawn = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_line(self, y: int) -> Strip:
        size = (self.size.width, self.size.height)
        if self._drawn is None or self._drawn_for != size:
            self._drawn = tuple(self.lines(*size))
            self._drawn_for = size
        line = self._drawn[y] if y < len(self._drawn) else ()
        return paint(line, size[0], palette_of(self), self.rich_style)
