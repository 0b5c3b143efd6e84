"""Where a person reads in a talk, in a form that outlives another width: pure.

Lines change with the width, what is written does not: a place is a block, and how many characters
of it stand above the line at the top. Called by talk.py around each new layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.strip import Strip

__all__ = ["Place", "characters_above", "line_of"]

_LAYOUT: Final = dict.fromkeys(map(ord, " ─━│┃┌┐└┘▌|-+•"))
"""Blanks and frames come and go with the width."""


@dataclass(frozen=True, slots=True)
class Place:
    """The line at the top of what is seen: line `offset` of the block `key`.

    `characters`: what of the block stands above it, once the width has changed; it stays until
    the person moves, so that the way there and back ends where it began.
    """

    key: str
    offset: int
    characters: int | None = None


def characters_above(strips: Sequence[Strip], offset: int) -> int:
    """Characters of the text, without blanks and frames, on the lines before `offset`."""
    return sum(_size(strip) for strip in strips[: max(0, offset)])


def line_of(strips: Sequence[Strip], characters: int) -> int:
    """The line on which the character stands that has `characters` before it."""
    above = 0
    for number, strip in enumerate(strips):
        above += _size(strip)
        if above > characters:
            return number
    return max(0, len(strips) - 1)


def _size(strip: Strip) -> int:
    return len(strip.text.translate(_LAYOUT))
