"""Small pure helpers for text in the talk: safe, one-line, counted, short words for sizes.

The daemon has cleaned agent text where it came in; `safe` here is the second wall (T40, T42), so
that no widget of the talk depends on the first. Not here: anything about blocks or colours.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Final

__all__ = ["clock", "count", "elapsed", "one_line", "safe", "size", "tail_lines", "url_note"]

_BIDI: Final = frozenset([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_DROPPED: Final = {
    code: None
    for code in [*range(0x20), *range(0x7F, 0xA0), *_BIDI, 0x2028, 0x2029]
    if code not in (0x0A, 0x09)
}
_MARKS_ON_ONE_CELL: Final = 4
"""More combining marks than this on one character draw over the lines around it."""


def safe(text: str) -> str:
    """`text` without C0, C1 and bidirectional controls; lines end in \\n, tabs are spaces."""
    if text.isascii() and text.isprintable():
        return text
    clean = text.replace("\r\n", "\n").translate(_DROPPED).expandtabs(4)
    return clean if clean.isascii() else _few_marks(clean)


def _few_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_ON_ONE_CELL:
            kept.append(character)
    return "".join(kept)


def one_line(text: str) -> str:
    """The first line that says something, and a sign where more follows."""
    lines = [line.strip() for line in safe(text).split("\n")]
    said = [line for line in lines if line]
    if not said:
        return ""
    return said[0] if len(said) == 1 else f"{said[0]} …"


def count(number: float, one: str, many: str) -> str:
    """`1 line`, `1,204 lines`."""
    whole = int(number)
    return f"{whole:,} {one if whole == 1 else many}"


def elapsed(milliseconds: float) -> str:
    """`0:41`, `12:03`, `2 h`: how long something has taken."""
    seconds = max(0, int(milliseconds // 1000))
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} d"


def clock(epoch_ms: int) -> str:
    """Local time of day, `13:58`."""
    return datetime.fromtimestamp(epoch_ms / 1000).strftime("%H:%M")


def size(octets: float) -> str:
    """`14 KB`."""
    if octets < 1000:
        return f"{int(octets)} B"
    return f"{octets / 1000:.0f} KB" if octets < 1_000_000 else f"{octets / 1_000_000:.1f} MB"


def tail_lines(text: str, limit: int) -> tuple[int, list[str]]:
    """The last `limit` lines of `text` and how many stand before them."""
    lines = safe(text).rstrip("\n").split("\n")
    hidden = max(0, len(lines) - limit)
    return hidden, lines[hidden:]


def url_note(url: str) -> str:
    """A link's real address as it is shown: never anything else than where it goes (T41)."""
    return one_line(url)
