"""Small drawn parts of the agent screen: its head, the queue, the hint under the composer."""

from __future__ import annotations

from collections.abc import Sequence

from sereno.tui.lines import RULE, Line
from sereno.tui.wall import harmless
from sereno.tui.widgets.line import LineWidget

__all__ = ["Lines", "Rule"]


class Lines(LineWidget):
    """Lines that the screen sets; as high as they are, gone when there are none."""

    DEFAULT_CSS = "Lines { height: auto; }"

    def __init__(self, *, id: str, keep: bool = False) -> None:  # noqa: A002
        """`keep`: one blank line stays where nothing is to be said."""
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._keep = keep
        self.styles.height = 1 if keep else 0

    def show(self, lines: Sequence[Line]) -> None:
        """Whatever the words are made of: what a terminal obeys is taken out of them."""
        lines = [tuple((harmless(text), style) for text, style in line) for line in lines]
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self.styles.height = max(1 if self._keep else 0, len(self._lines))
            self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del width
        return self._lines[:height]


class Rule(LineWidget):
    """A line drawn through."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del height
        return (((RULE * width, "line"),),)
