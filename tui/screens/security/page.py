"""A list of facts under headings: the cursor goes from fact to fact, over headings and what belongs
to a fact above it.

A RowList whose rows are single lines. Keys that begin with a dot cannot be chosen: `.+` continues
the fact above, others are headings and gaps.
"""

from __future__ import annotations

from textual.geometry import Region

from sereno.tui.widgets.rows import RowList

__all__ = ["MORE", "OVER", "Page"]

OVER = "."
"""Begins the key of a heading or a gap."""
MORE = ".+"
"""Begins the key of a line that belongs to the fact above it."""


class Page(RowList):
    """Its facts are chosen as rows are; moves are RowList's."""

    def _facts(self) -> list[int]:
        return [place for place, row in enumerate(self._rows) if not row.key.startswith(OVER)]

    def _go(self, place: int) -> None:
        """To the fact at this line or above it; where there is none, to the first."""
        facts = self._facts()
        before = [fact for fact in facts if fact <= place]
        super()._go(before[-1] if before else facts[0] if facts else -1)

    def action_move(self, by: int) -> None:
        facts = self._facts()
        if self.cursor in facts:
            self._go(facts[min(max(facts.index(self.cursor) + by, 0), len(facts) - 1)])

    def action_jump(self, place: int) -> None:
        self.action_move(-len(self._rows) if place == 0 else len(self._rows))

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.size.height // 4))

    def _reveal(self) -> None:
        """The fact whole, and its heading where it is the first under it."""
        first = self.cursor
        if first < 0 or not self.size.height:
            return
        end = first + 1
        while end < len(self._rows) and self._rows[end].key.startswith(MORE):
            end += 1
        while first > 0 and self._heads(first - 1):
            first -= 1
        region = Region(0, first, 1, end - first)
        self.scroll_to_region(region, animate=False, force=True)

    def _heads(self, place: int) -> bool:
        name = self._rows[place].key
        return name.startswith(OVER) and not name.startswith(MORE)
