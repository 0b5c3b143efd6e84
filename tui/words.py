"""Times, folders and cut lines in words: pure functions that every screen uses.

Widths are terminal cells, never characters. Not here: anything that knows an agent or a widget.
"""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size

__all__ = ["age", "ago", "count", "cut", "folder", "minutes", "one_line", "pad", "tail_cut"]


def minutes(elapsed_ms: int) -> str:
    """How long something runs: `0:41`, `8:55`, `1:02:03`, from a day on `3 d`."""
    seconds = max(0, elapsed_ms) // 1000
    if seconds >= 86_400:
        return f"{seconds // 86_400} d"
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"


def age(elapsed_ms: int) -> str:
    """How long ago, coarse and calm: `now`, `5 min`, `2 h`, `3 d`."""
    seconds = max(0, elapsed_ms) // 1000
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} d"


def ago(elapsed_ms: int) -> str:
    words = age(elapsed_ms)
    return words if words == "now" else f"{words} ago"


def count(number: int, one: str, many: str = "") -> str:
    """`1 agent`, `2 agents`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def folder(path: str, home: str) -> str:
    """A path with the person's home as `~`."""
    if home and (path == home or path.startswith(home.rstrip("/") + "/")):
        return "~" + path[len(home.rstrip("/")) :]
    return path


def one_line(text: str) -> str:
    """Text for a list: its white space, line ends included, becomes single blanks."""
    return " ".join(text.split())


def cut(text: str, width: int) -> str:
    """At most `width` cells; what is lost is shown by a trailing `…`."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return chop_cells(text, width - 1)[0] + "…" if width > 1 else "…"


def tail_cut(text: str, width: int) -> str:
    """Like `cut`, but the end stays: for paths."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    kept = text
    while kept and cell_len(kept) > width - 1:
        kept = kept[1:]
    return "…" + kept


def pad(text: str, width: int) -> str:
    """Exactly `width` cells: cut or filled with blanks."""
    return set_cell_size(cut(text, width), max(0, width))
