"""Blocks as lines: the tool row with its note at the right edge, and the bodies under it.

Pure: a `BlockRow` and a `Frame` in, strips out. The first cell of every line is left to the talk,
which marks the chosen block there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from sereno.tui.widgets.blocks import BlockRow, Speaker
from sereno.tui.widgets.blocks_body import Body, Code, Diff, Markdown, Plain
from sereno.tui.widgets.blocks_palette import Palette
from sereno.tui.widgets.blocks_text import count
from sereno.tui.widgets.diff_view import draw_rows
from sereno.tui.widgets.markdown import draw_code, draw_markdown, draw_plain

__all__ = ["NARROW", "Frame", "Heading", "draw_block", "draw_speech", "strip_of"]

NARROW = 76
"""Cells for blocks on a terminal of 80, less the mark, the scrollbar and some slack."""
_VERB_CELLS = 8


@dataclass(frozen=True, slots=True)
class Heading:
    """Who speaks and when; shown where the speaker changes."""

    speaker: Speaker
    name: str
    at: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a block is drawn. `width` without the cell of the mark; `timer`: elapsed words."""

    width: int
    palette: Palette
    opened: bool = False
    timer: str = ""

    @property
    def narrow(self) -> bool:
        return self.width < NARROW

    @property
    def indent(self) -> int:
        return 0 if self.narrow else 2

    @property
    def text_width(self) -> int:
        """Prose keeps a right margin where there is room."""
        return self.width - self.indent - (1 if self.narrow else 8)


def strip_of(*segments: Segment) -> Strip:
    return Strip(segments, sum(cell_len(segment.text) for segment in segments))


def draw_speech(lines: list[Strip], heading: Heading | None, frame: Frame) -> list[Strip]:
    """A message: its lines, under or (narrow, where it fits) beside its heading."""
    pad = Segment(" " * frame.indent)
    body = [strip_of(pad, *line) if frame.indent else line for line in lines]
    if heading is None:
        return body
    style = frame.palette.you if heading.speaker == "you" else frame.palette.speaker
    gap = " " if frame.narrow else "   "
    head = strip_of(
        pad, Segment(heading.name, style), Segment(f"{gap}{heading.at}", frame.palette.dim)
    )
    if frame.narrow and body and head.cell_length + 3 + body[0].cell_length <= frame.width:
        return [Strip.join([head, strip_of(Segment("   ")), body[0]]), *body[1:]]
    return [head, *body]


def draw_block(row: BlockRow, frame: Frame) -> list[Strip]:
    """A tool call, reasoning, todo list, error or remark."""
    if not row.verb:
        return [strip_of(Segment(f"── {row.subject} ──"[: frame.width], frame.palette.dim))]
    strips = [_row_line(row, frame)] if row.subject or not row.fixed else []
    if row.fixed and not row.subject:
        strips.extend(_named_lines(row, frame))
        return strips
    if row.fixed:
        strips.extend(_indented(row, frame, boxed=False))
    elif frame.opened:
        boxed = not frame.narrow and any(not isinstance(body, Markdown) for body in row.bodies)
        strips.extend(_indented(row, frame, boxed=boxed))
    return strips


def _row_line(row: BlockRow, frame: Frame) -> Strip:
    palette = frame.palette
    mark = " " if row.fixed else ("v" if frame.opened else ">")
    note = "  ".join(part for part in (row.note, frame.timer) if part)
    verb = row.verb.ljust(_VERB_CELLS)
    right = 0 if not note else cell_len(note) + 2
    room = max(4, frame.width - 2 - cell_len(verb) - right - 1)
    subject = row.subject
    if cell_len(subject) > room:
        subject = set_cell_size(subject, room - 1).rstrip() + "…"
    gap = frame.width - 2 - cell_len(verb) - cell_len(subject) - cell_len(note) - 1
    return strip_of(
        Segment(f"{mark} ", palette.dim),
        Segment(verb, _tone(row, palette)),
        Segment(subject, palette.dim if row.tone == "quiet" else None),
        Segment(" " * max(1, gap)),
        Segment(note, palette.bad if row.tone == "bad" else palette.dim),
    ).crop(0, frame.width)


def _tone(row: BlockRow, palette: Palette) -> Style:
    match row.tone:
        case "bad":
            return palette.bad
        case "busy":
            return palette.accent
        case "quiet":
            return palette.dim
        case "normal":
            return palette.verb


def _named_lines(row: BlockRow, frame: Frame) -> Iterator[Strip]:
    """An error: the word at the left, its lines beside it."""
    verb = f"  {row.verb.ljust(_VERB_CELLS)}"
    lines = [line for body in row.bodies for line in _draw(body, frame.width - 12, frame)]
    for index, line in enumerate(lines):
        head = verb if index == 0 else " " * len(verb)
        yield strip_of(Segment(head, _tone(row, frame.palette)), *line)


def _indented(row: BlockRow, frame: Frame, *, boxed: bool) -> Iterator[Strip]:
    indent = 2 if boxed else (4 if frame.narrow else 10)
    if row.fixed:
        indent = 4
    inner = frame.width - indent - (5 if boxed else 1)
    lines = [line for body in row.bodies for line in _draw(body, inner, frame)]
    if not lines:
        yield strip_of(Segment(" " * (indent + 1) + "nothing more was reported", frame.palette.dim))
        return
    if not boxed:
        pad = Segment(" " * indent)
        yield from (strip_of(pad, *line) for line in lines)
        return
    yield from _box(lines, indent, inner, frame.palette.rule)


def _box(lines: list[Strip], indent: int, inner: int, style: Style) -> Iterator[Strip]:
    pad = " " * indent
    yield strip_of(Segment(f"{pad}┌{'─' * (inner + 2)}┐", style))
    for line in lines:
        fitted = line.adjust_cell_length(inner)
        yield strip_of(Segment(f"{pad}│ ", style), *fitted, Segment(" │", style))
    yield strip_of(Segment(f"{pad}└{'─' * (inner + 2)}┘", style))


def _draw(body: Body, width: int, frame: Frame) -> list[Strip]:
    palette = frame.palette
    match body:
        case Markdown(text=text):
            return draw_markdown(text, width, palette)
        case Code(text=text, language=language):
            return draw_code(text, language, width, palette)
        case Diff(rows=rows):
            return draw_rows(rows, width, palette)
        case Plain(text=text, hidden=hidden, dim=dim):
            lines = draw_plain(text, width, palette, dim=dim)
            if not hidden:
                return lines
            words = f"… {count(hidden, 'line', 'lines')} before these"
            return [strip_of(Segment(words, palette.dim)), *lines]
