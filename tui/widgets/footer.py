"""The most useful keys of the place, in one or two lines under a rule.

The second line goes when the terminal has fewer than 24 rows, and where its words would not fit
keys are left out whole, never cut. Which keys, and their order, is the screen's word. The app's
news stand on the rule for their time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len

from sereno.tui.lines import RULE, Line
from sereno.tui.news import news_lines
from sereno.tui.widgets.key_shown import keys_shown
from sereno.tui.widgets.line import LineWidget

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["Footer", "FooterKey", "footer_lines"]

FooterKey = tuple[str, str]
"""A key as it is written on the screen, and what it does."""

GAP = "   "
TIGHT_GAP = "  "


def footer_lines(keys: Sequence[FooterKey], width: int, lines: int) -> list[Line]:
    """The keys in at most `lines` lines of `width` cells; what does not fit is left out."""
    gap = GAP if width >= 80 else TIGHT_GAP
    rows: list[list[tuple[str, str]]] = [[]]
    used = 1
    for key, words in keys:
        size = cell_len(key) + 1 + cell_len(words)
        needed = size + (len(gap) if rows[-1] else 0)
        if used + needed > width - 1:
            if len(rows) >= lines or size > width - 2:
                continue
            rows.append([])
            used, needed = 1, size
        if rows[-1]:
            rows[-1].append((gap, ""))
        rows[-1] += [(key, "key"), (" ", ""), (words, "dim")]
        used += needed
    return [((" ", ""), *row) for row in rows]


class Footer(LineWidget):
    """Shows the keys given to `show`; grows to a second line where there is room for one."""

    DEFAULT_CSS = """
    Footer { height: 3; dock: bottom; }
    """

    def __init__(self, keys: Sequence[FooterKey] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._keys: tuple[FooterKey, ...] = tuple(keys)
        self._note: Line = ()

    @property
    def keys(self) -> tuple[FooterKey, ...]:
        """What was given to `show`, in its order; narrow terminals show the first of them."""
        return self._keys

    def show(self, keys: Sequence[FooterKey], note: Line = ()) -> None:
        """`note` stands on the second line instead of more keys, where there is one."""
        if (tuple(keys), note) != (self._keys, self._note):
            self._keys, self._note = tuple(keys), note
            self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        named = keys_shown(self, tuple((key, "key") for key, _ in self._keys))
        keys = [(key, words) for (key, _), (_, words) in zip(named, self._keys, strict=True)]
        note = keys_shown(self, self._note)
        news = cast("SerenoApp", self.app).news
        told = None if news is None else news_lines(news, width, height)
        if told is not None and len(told) > 1:
            return told
        rule: Line = told[0] if told else ((RULE * width, "line"),)
        rows = height - 1
        if note and rows > 1:
            return [rule, *footer_lines(keys, width, 1), ((" ", ""), *note)]
        return [rule, *footer_lines(keys, width, rows)]
