"""News of the app: one message for some seconds, drawn by the footer of whatever place is shown.

It stands on the footer's rule, where it hides nothing; a longer one takes the lines of the keys for
its time. Not here: questions, and what an agent's screen says under its composer.
"""

from __future__ import annotations

import msgspec
from rich.cells import cell_len

from sereno.tui.lines import RULE, Line, wrap

__all__ = ["News", "news_lines"]

_STYLES = {"information": "strong", "warning": "asks", "error": "failed"}


class News(msgspec.Struct, frozen=True):
    """Words for the person; `severity` is Textual's: information, warning or error."""

    words: str
    severity: str = "information"

    @property
    def style(self) -> str:
        return _STYLES.get(self.severity, "strong")


def news_lines(news: News, width: int, height: int) -> list[Line] | None:
    """One line: on the rule, the keys stay. Up to `height` lines: instead of all. None: longer."""
    words = " ".join(news.words.split())
    size = cell_len(words)
    if size <= width - 4:
        rest = RULE * (width - size - 3)
        return [((RULE, "line"), (f" {words} ", news.style), (rest, "line"))]
    lines = wrap(words, width - 2)
    if len(lines) > height:
        return None
    return [((" ", ""), (line, news.style)) for line in lines]
