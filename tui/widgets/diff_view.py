"""Diffs of tool calls: from what an agent reported to numbered rows, and rows to lines.

The sign column (+, -) and the line numbers say everything; colour only repeats it. Pure: no
Textual widget here. Not the review screen of a whole worktree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from sereno.tui.widgets.blocks_palette import Palette
from sereno.tui.widgets.blocks_text import safe

__all__ = ["DiffRow", "Sign", "changed_counts", "draw_rows", "rows_between", "rows_of_unified"]

Sign = Literal[" ", "+", "-", "@", "~"]
"""Context, added, removed, a gap between hunks, and a remark about the file."""

_HUNK: Final = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$")
_FILE_LINES: Final = ("diff --git", "index ", "--- ", "+++ ", "new file", "deleted file")


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One line of a diff; `old` and `new` are its line numbers, from 1, where it has them."""

    sign: Sign
    text: str
    old: int | None = None
    new: int | None = None


def rows_of_unified(diff: str) -> list[DiffRow]:
    """Rows of a unified diff. What is no diff line is kept as a remark, never dropped."""
    rows: list[DiffRow] = []
    old = new = 0
    in_hunk = False
    for line in safe(diff).rstrip("\n").split("\n"):
        hunk = _HUNK.match(line)
        if hunk:
            old, new = int(hunk[1]), int(hunk[2])
            if rows:
                rows.append(DiffRow("@", hunk[3].strip()))
            in_hunk = True
        elif not in_hunk and line.startswith(_FILE_LINES):
            continue
        elif in_hunk and line.startswith("+"):
            rows.append(DiffRow("+", line[1:], new=new))
            new += 1
        elif in_hunk and line.startswith("-"):
            rows.append(DiffRow("-", line[1:], old=old))
            old += 1
        elif in_hunk and (line.startswith(" ") or not line):
            rows.append(DiffRow(" ", line[1:], old=old, new=new))
            old, new = old + 1, new + 1
        else:
            rows.append(DiffRow("~", line.removeprefix("\\ ")))
            in_hunk = in_hunk and line.startswith("\\")
    return rows


def rows_between(before: str, after: str, context: int = 3) -> list[DiffRow]:
    """Rows of the difference of two texts, numbered from the start of the texts."""
    old, new = safe(before).splitlines(), safe(after).splitlines()
    rows: list[DiffRow] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) + len(new) > 2000)
    for number, group in enumerate(matcher.get_grouped_opcodes(context)):
        if number:
            rows.append(DiffRow("@", ""))
        for code in group:
            rows.extend(_rows_of_code(code, old, new))
    return rows


def _rows_of_code(
    code: tuple[str, int, int, int, int], old: Sequence[str], new: Sequence[str]
) -> Iterator[DiffRow]:
    tag, old_from, old_to, new_from, new_to = code
    if tag == "equal":
        for offset in range(old_to - old_from):
            yield DiffRow(" ", old[old_from + offset], old_from + offset + 1, new_from + offset + 1)
        return
    for index in range(old_from, old_to):
        yield DiffRow("-", old[index], old=index + 1)
    for index in range(new_from, new_to):
        yield DiffRow("+", new[index], new=index + 1)


def changed_counts(rows: Iterable[DiffRow]) -> tuple[int, int]:
    """How many lines were added and how many removed."""
    signs = [row.sign for row in rows]
    return signs.count("+"), signs.count("-")


def draw_rows(rows: Sequence[DiffRow], width: int, palette: Palette) -> list[Strip]:
    """Rows as lines of at most `width` cells; long lines go on below, aligned.

    From 80 cells both number columns are shown, below that only the new one (or, for a removed
    line, the old one).
    """
    highest = max((number for row in rows for number in (row.old, row.new) if number), default=1)
    digits = max(2, len(str(highest)))
    both = width >= 80
    gutter = (2 * digits + 3) if both else digits + 1
    strips: list[Strip] = []
    for row in rows:
        strips.extend(_draw_row(row, width, digits, both, gutter, palette))
    return strips


def _draw_row(
    row: DiffRow, width: int, digits: int, both: bool, gutter: int, palette: Palette
) -> Iterator[Strip]:
    if row.sign == "@":
        words = f" {row.text}" if row.text else ""
        yield _strip([Segment(f"{'⋯'.rjust(digits)}{words}"[:width], palette.dim)])
        return
    if row.sign == "~":
        yield _strip([Segment(f"{' ' * gutter}{row.text}"[:width], palette.dim)])
        return
    old = str(row.old) if row.old else ""
    new = str(row.new) if row.new else ""
    numbers = f"{old:>{digits}}  {new:>{digits}} " if both else f"{new or old:>{digits}} "
    style = {"+": palette.added, "-": palette.removed}.get(row.sign)
    room = max(8, width - gutter - 2)
    for index, part in enumerate(_fold(row.text, room)):
        head = numbers if index == 0 else " " * gutter
        sign = f"{row.sign} " if index == 0 else "  "
        yield _strip([Segment(head, palette.dim), Segment(sign, style), Segment(part, style)])


def _fold(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    current, used = "", 0
    for character in text:
        cells = cell_len(character)
        if used + cells > width:
            lines.append(current)
            current, used = "", 0
        current, used = current + character, used + cells
    return [*lines, current]


def _strip(segments: list[Segment]) -> Strip:
    return Strip(segments, sum(cell_len(segment.text) for segment in segments))
