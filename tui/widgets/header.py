"""The first line of every screen: where we are on the left, how things stand on the right.

A rule under it separates it from the work. Both sides are lines.py lines set by the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from sereno.tui.lines import RULE, Line, spread
from sereno.tui.widgets.line import LineWidget

__all__ = ["Header"]


class Header(LineWidget):
    """One line; with `rule` a second one, drawn through."""

    DEFAULT_CSS = """
    Header { height: 1; dock: top; }
    Header.-ruled { height: 2; }
    """

    def __init__(self, *, rule: bool = True, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="-ruled" if rule else None)
        self._left: Line = ()
        self._right: Line = ()

    def show(self, left: Line, right: Line = ()) -> None:
        """Both sides; the left one gives way where they do not fit together."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        first = spread(((" ", ""), *self._left), (*self._right, (" ", "")), width)
        return [first, ((RULE * width, "line"),)][:height]
