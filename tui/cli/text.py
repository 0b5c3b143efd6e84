"""Text for a terminal: made harmless, measured in cells, cut, padded, set in columns.

The command line's wall against what agents write (T40, T42). Ordinary text passes without an
import; anything else goes through core/security/sanitise.py. It costs next to nothing to import.
"""

from __future__ import annotations

from collections.abc import Sequence


def clean(text: str) -> str:
    """Agent text of several lines: no control sequence survives; newlines and tabs do."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    from sereno.core.security.sanitise import sanitise

    return sanitise(text)


def clean_line(text: str, limit: int = 500) -> str:
    """Text for one line; white space becomes single blanks."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text if text == text.strip() and "  " not in text else " ".join(text.split())
    from sereno.core.security.sanitise import sanitise_line

    return sanitise_line(text, limit)


def shown(text: str) -> str:
    """Text on which a person decides: what is hidden in it appears as escapes (T42)."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    from sereno.core.security.sanitise import reveal

    return reveal(text)


def width(text: str) -> int:
    """Terminal cells."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )


def cut(text: str, cells: int) -> str:
    """At most `cells` wide; what is lost is shown by `…`."""
    if width(text) <= cells:
        return text
    kept = ""
    room = max(0, cells - 1)
    for character in text:
        room -= width(character)
        if room < 0:
            break
        kept += character
    return kept + "…" if cells > 0 else ""


def pad(text: str, cells: int) -> str:
    return text + " " * (cells - width(text))


def columns(rows: Sequence[Sequence[str]], terminal: int | None, flexible: int) -> list[str]:
    """Rows (the first one is the head) as lines of equal columns.

    `terminal` is the width to keep to, None where nothing may be cut; then column `flexible`
    gives way, down to 12 cells.
    """
    if not rows:
        return []
    widths = [max(width(cell) for cell in column) for column in zip(*rows, strict=True)]
    if terminal is not None:
        over = sum(widths) + 2 * (len(widths) - 1) - terminal
        if over > 0:
            widths[flexible] = max(min(12, widths[flexible]), widths[flexible] - over)
    lines = []
    for row in rows:
        cells = [pad(cut(cell, cells), cells) for cell, cells in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        lines.append(line if terminal is None else cut(line, terminal))
    return lines


def ago(elapsed_ms: int) -> str:
    """How long ago, coarse: `now`, `5 min`, `2 h`, `3 d`."""
    seconds = max(0, elapsed_ms) // 1000
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} d"


def folder(path: str, home: str) -> str:
    """A path with the person's home as `~`."""
    root = home.rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        return "~" + path[len(root) :]
    return path
