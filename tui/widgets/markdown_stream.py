"""A message while it still grows: what is settled is Markdown, the rest a plain tail.

Each finished paragraph is rendered once, so that a flush costs what is new and not what is
there. When the block closes the whole message is rendered in one go and this is thrown away.
"""

from __future__ import annotations

from typing import Final

from textual.strip import Strip

from sereno.tui.widgets.blocks_palette import Palette
from sereno.tui.widgets.markdown import draw_markdown, draw_plain

__all__ = ["StreamedText"]

_TAIL_LIMIT: Final = 16_000
"""Characters of one paragraph that are wrapped anew at each flush."""


class StreamedText:
    """Lines of one growing message at one width."""

    def __init__(self, width: int, palette: Palette) -> None:
        self.width = width
        self.palette = palette
        self._settled = 0
        self._strips: list[Strip] = []

    def draw(self, text: str) -> list[Strip]:
        """All lines of `text`, which begins with what the last call was given."""
        end = settled_end(text, self._settled)
        if end > self._settled:
            self._settle(draw_markdown(text[self._settled : end], self.width, self.palette))
            self._settled = end
        elif len(text) - self._settled > _TAIL_LIMIT:
            cut = text.rfind("\n", self._settled) + 1
            if cut > self._settled:
                self._strips.extend(draw_plain(text[self._settled : cut], self.width, self.palette))
                self._settled = cut
        tail = text[self._settled :].lstrip("\n")
        if not tail.strip():
            return list(self._strips)
        gap = [Strip([])] if self._strips and text[: self._settled].endswith("\n\n") else []
        return [*self._strips, *gap, *draw_plain(tail, self.width, self.palette)]

    def _settle(self, strips: list[Strip]) -> None:
        if self._strips and strips:
            self._strips.append(Strip([]))
        self._strips.extend(strips)


def settled_end(text: str, start: int) -> int:
    """Where the last finished paragraph after `start` ends; `start` where none has.

    A blank line inside a fence of code finishes nothing; `start` itself stands outside fences.
    """
    end = start
    fence = ""
    position = start
    while True:
        newline = text.find("\n", position)
        if newline < 0:
            return end
        line = text[position:newline].strip()
        if fence:
            if line.startswith(fence) and not line.strip(fence[0]):
                fence = ""
        elif line.startswith(("```", "~~~")):
            fence = line[0] * (len(line) - len(line.lstrip(line[0])))
        elif not line and position > start:
            end = newline + 1
        position = newline + 1
