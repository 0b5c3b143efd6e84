"""Lines of text as data: spans of (text, style name), made by pure views and painted by widgets.

A style name is a meaning of palette.py ("dim", "asks", ...). Text here is data: it is never read
as markup (T41). Widths are terminal cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from sereno.tui.words import cut

__all__ = [
    "Line",
    "Span",
    "beside",
    "fit",
    "join",
    "plain",
    "ruled",
    "spread",
    "width_of",
    "wrap",
]

Span = tuple[str, str]
Line = tuple[Span, ...]

RULE = "─"


def plain(line: Line) -> str:
    """The characters alone: what a monochrome reader sees, and what tests compare."""
    return "".join(text for text, _ in line)


def width_of(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def fit(line: Line, width: int) -> Line:
    """Exactly `width` cells: cut with `…`, or filled with blanks."""
    left = max(0, width)
    spans: list[Span] = []
    for text, style in line:
        size = cell_len(text)
        if size > left:
            spans.append((cut(text, left), style))
            left -= cell_len(spans[-1][0])
            break
        spans.append((text, style))
        left -= size
    if left > 0:
        spans.append((" " * left, ""))
    return tuple(spans)


def spread(left: Line, right: Line, width: int, *, gap: int = 2) -> Line:
    """`left` and `right` at both ends of `width` cells; the left side gives way."""
    room = width - width_of(right)
    if room <= gap:
        return fit(left, width)
    return (*fit(left, room - gap), (" " * gap, ""), *right)


def ruled(left: Line, right: Line, width: int) -> Line:
    """Like `spread`, with a rule between: the top of a box."""
    room = width - width_of(right) - 2
    used = width_of(left)
    if used > room - 1:
        left, used = fit(left, max(0, room - 1)), max(0, room - 1)
    rule = RULE * max(1, room - used)
    return (*left, (f" {rule} ", "line"), *right)


def beside(cells: Iterable[tuple[Line, int]]) -> Line:
    """Columns: each line at exactly its width."""
    return tuple(span for line, width in cells for span in fit(line, width))


def join(parts: Sequence[Line], separator: str = "  ") -> Line:
    """Parts with blanks between; empty ones vanish."""
    spans: list[Span] = []
    for part in parts:
        if not any(text for text, _ in part):
            continue
        if spans:
            spans.append((separator, ""))
        spans.extend(part)
    return tuple(spans)


def wrap(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` cells, broken at blanks where that is possible."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.extend(_wrap_paragraph(paragraph.expandtabs(4), max(1, width)))
    return lines


def _wrap_paragraph(text: str, width: int) -> list[str]:
    if text.isascii() and text.isprintable():
        return _wrap_ascii(text, width)
    if not _is_wider(text, width):
        return [text]
    lines: list[str] = []
    rest = text
    while _is_wider(rest, width):
        at = _break_at(rest, width)
        lines.append(rest[:at].rstrip(" "))
        rest = rest[at:].lstrip(" ")
    if rest:
        lines.append(rest)
    return lines


def _is_wider(text: str, width: int) -> bool:
    """Whether it has more than `width` cells, without measuring all of a long text: its beginning
    tells, but for a character that one behind it makes narrower."""
    size = 4 * width
    while size < len(text):
        if cell_len(text[:size]) > width + 2:
            return True
        size *= 4
    return cell_len(text) > width


def _wrap_ascii(text: str, width: int) -> list[str]:
    """The same where each character has one cell: long answers are wrapped at each resize."""
    lines: list[str] = []
    start, end = 0, len(text)
    while end - start > width:
        at = start + width
        if text[at] != " ":
            blank = text.rfind(" ", start, at)
            if blank > start and not text[start:blank].isspace():
                at = blank + 1
        lines.append(text[start:at].rstrip(" "))
        start = at
        while start < end and text[start] == " ":
            start += 1
    if start < end or not lines:
        lines.append(text[start:])
    return lines


def _break_at(text: str, width: int) -> int:
    """How many characters go on the first line: at least one, up to the last blank that fits."""
    used = 0
    fits = 0
    for character in text:
        used += cell_len(character)
        if used > width:
            break
        fits += 1
    if fits >= len(text) or text[fits] == " ":
        return max(1, fits)
    blank = text.rfind(" ", 0, fits)
    if blank > 0 and text[:blank].strip():
        return blank + 1
    return max(1, fits)
