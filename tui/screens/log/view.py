"""Log lines as the log screen shows them: filtered by level, searched, wrapped. Pure.

A line keeps its place: continuation lines of a message stand under its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sereno.core.protocol.additions import LogLine
from sereno.tui.lines import Line, wrap
from sereno.tui.words import cut, one_line, pad

__all__ = ["LEVELS", "Shown", "drawn", "matches", "passing", "text_of"]

LEVELS = ("debug", "info", "warn", "error")
_STYLES = {"debug": "faint", "info": "dim", "warn": "asks", "error": "failed"}
AREA = 11
"""The column of areas with the space behind it; of `core.store.database` it shows the end."""
TEXT_LINES = 20
"""Of one message at most this many lines are drawn; the file has the rest."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One drawn line, and which log line it belongs to."""

    line: Line
    source: int


def passing(lines: Sequence[LogLine], level: str) -> list[int]:
    """The places of the lines of this level and above."""
    least = LEVELS.index(level)
    return [place for place, each in enumerate(lines) if LEVELS.index(each.level) >= least]


def text_of(lines: Sequence[LogLine], places: Sequence[int]) -> str:
    """Some of the lines as they are copied."""
    return "\n".join(
        f"{lines[place].at} {lines[place].level} {lines[place].area} {lines[place].text}".rstrip()
        for place in places
    )


def matches(lines: Sequence[LogLine], places: Sequence[int], words: str) -> list[int]:
    """The places among `places` whose text holds `words`, whatever the case."""
    wanted = words.casefold()
    if not wanted:
        return []
    return [
        place
        for place in places
        if wanted in lines[place].text.casefold() or wanted in lines[place].area.casefold()
    ]


def drawn(
    lines: Sequence[LogLine],
    places: Sequence[int],
    width: int,
    *,
    clock: dict[str, str],
    wrapped: bool,
) -> list[Shown]:
    """Lines for a view `width` cells wide; `clock` gives each time stamp in local words."""
    narrow = width < 80
    shown: list[Shown] = []
    for place in places:
        each = lines[place]
        at = clock.get(each.at, "")
        head: Line = ((f" {at} ", "faint"), (pad(each.level, 6), _STYLES[each.level]))
        indent = 1 + len(at) + 1 + 6
        if not narrow:
            area = cut(each.area.rpartition(".")[2], AREA - 1)
            head = (*head, (pad(area, AREA), "dim"))
            indent += AREA
        room = max(10, width - indent - 1)
        style = _STYLES[each.level] if each.level in ("warn", "error") else ""
        text_style = {"asks": "asks-line"}.get(style, style)
        if not wrapped:
            shown.append(Shown((*head, (cut(one_line(each.text), room), text_style)), place))
            continue
        parts = wrap(each.text.rstrip("\n"), room)[:TEXT_LINES]
        shown.append(Shown((*head, (parts[0], text_style)), place))
        shown += [Shown(((" " * indent, ""), (part, text_style)), place) for part in parts[1:]]
    return shown
