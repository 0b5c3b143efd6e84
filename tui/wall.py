"""The second wall against hostile text: nothing that a widget drew reaches the terminal raw.

A line filter of the whole app removes C0, C1 and bidirectional controls, lone surrogates, control
segments and hyperlinks from every segment, whatever widget drew it (T40). The first wall is
core/security/sanitise.py, where agent text enters the daemon; Textual's own control sequences do
not pass through line filters and are untouched.

Where the locale's encoding is not UTF-8, what it cannot say is replaced here too, cell by cell:
the writer would put escapes in its place, and nothing would stand where it was measured.
"""

from __future__ import annotations

import codecs
import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

__all__ = ["Wall", "harmless", "sayable"]

_FORBIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"
    "\u061c\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
    "]"
)
"""All of these take no cell, so that a line stays as long as it was measured."""

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Takes a cell, and cannot be encoded: the writer's thread would die of it."""


def harmless(text: str) -> str:
    """Text without any control; of the same width in cells."""
    if text.isascii() and text.isprintable():
        return text
    if _FORBIDDEN.search(text):
        text = _FORBIDDEN.sub("", text)
    if _SURROGATE.search(text):
        text = _SURROGATE.sub("?", text)
    return text


_IN_ASCII = {
    **dict.fromkeys("─━╌┄╴╶", "-"),
    **dict.fromkeys("│┃▐▎▏", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛╱╲╳", "+"),
    **dict.fromkeys("█▇▆▅▄▃▂▁▀▊▋▉▍░▒▓", "#"),
    **dict.fromkeys("•·●○◦▪", "*"),
    **dict.fromkeys("‘’‚", "'"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("–—", "-"),
    "…": "~",
    "▌": ">",
    "›": ">",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "✓": "+",
    "✗": "x",
}
"""What we draw with, for encodings that lack it."""


def sayable(text: str, encoding: str) -> str:
    """Text that the encoding has, of the same width in cells."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_sayable(character, encoding) for character in text)
    return text


def _sayable(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return _IN_ASCII.get(character, "?" * cell_len(character))
    return character


class Wall(LineFilter):
    """The filter; it has no way to be turned off."""

    def __init__(self, encoding: str = "utf-8") -> None:
        """`encoding`: of the terminal's stream."""
        super().__init__()
        name = codecs.lookup(encoding).name
        self._encoding = None if name.startswith("utf") else name

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [_clean(segment, self._encoding) for segment in segments if not segment.control]


def _clean(segment: Segment, encoding: str | None) -> Segment:
    text, style, _ = segment
    clean = harmless(text)
    if encoding is not None:
        clean = sayable(clean, encoding)
    if style is not None and style.link:
        return Segment(clean, style.update_link(None))
    return segment if clean is text else Segment(clean, style)
