"""A message while it still grows: what is settled is Markdown, the rest a plain tail.

Each finished paragraph is rendered once, so that a flush costs what is new and not what is
there. A short message is rendered in one go when it closes; a long one keeps what it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.strip import Strip

from sereno.tui.widgets.blocks_palette import Palette
from sereno.tui.widgets.markdown import draw_markdown, draw_plain

__all__ = ["StreamedText", "draw_message"]

_TAIL_LIMIT: Final = 8_000
"""Characters of one paragraph that are wrapped anew at each flush."""
_AT_ONCE: Final = 4_000
"""Up to here a closed message is rendered again as a whole; a longer one would be felt."""
_MARKDOWN_LIMIT: Final = 30_000
"""Of a longer message only the newest part is Markdown; the rest is plain text, all of it."""


def draw_message(text: str, width: int, palette: Palette) -> list[Strip]:
    """A closed message. Markdown costs 10 ms for 1,000 characters, so it has a limit."""
    if len(text) <= _MARKDOWN_LIMIT:
        return draw_markdown(text, width, palette)
    wanted = len(text) - _MARKDOWN_LIMIT
    cut = next((end for end in _paragraph_ends(text, 0) if end >= wanted), len(text))
    plain = draw_plain(text[:cut], width, palette)
    if not text[cut:].strip():
        return plain
    return [*plain, Strip([]), *draw_markdown(text[cut:], width, palette)]


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

    def close(self, text: str) -> list[Strip]:
        """The lines of the whole message, now that it has ended."""
        if len(text) <= _AT_ONCE:
            return draw_markdown(text, self.width, self.palette)
        self._settle(draw_message(text[self._settled :], self.width, self.palette))
        self._settled = len(text)
        return list(self._strips)

    def _settle(self, strips: list[Strip]) -> None:
        if self._strips and strips:
            self._strips.append(Strip([]))
        self._strips.extend(strips)


def settled_end(text: str, start: int) -> int:
    """Where the last finished paragraph after `start` ends; `start` where none has."""
    return max(_paragraph_ends(text, start), default=start)


def _paragraph_ends(text: str, start: int) -> Iterator[int]:
    """Where paragraphs end. A blank line inside a fence of code ends none.

    `start` itself stands outside fences.
    """
    fence = ""
    position = start
    while (newline := text.find("\n", position)) >= 0:
        line = text[position:newline].strip()
        if fence:
            if line.startswith(fence) and not line.strip(fence[0]):
                fence = ""
        elif line.startswith(("```", "~~~")):
            fence = line[0] * (len(line) - len(line.lstrip(line[0])))
        elif not line and position > start:
            yield newline + 1
        position = newline + 1
