"""An agent's Markdown as lines for the line API: rendered once when a block closes.

Rich parses and lays out; here are the calm looks (left-aligned headings, no boxes around them)
and the rule for links: the address is shown, nothing is clickable (T41). Raw HTML and images
stay text. Not here: streaming text, which is drawn plain.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, ClassVar

from markdown_it import MarkdownIt
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import (
    CodeBlock,
    Heading,
    HorizontalRule,
    Markdown,
    MarkdownElement,
    TableElement,
)
from rich.rule import Rule
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.table import Table
from rich.theme import Theme
from textual.strip import Strip

from sereno.tui.lines import wrap
from sereno.tui.widgets.blocks_palette import Palette
from sereno.tui.widgets.blocks_text import safe

__all__ = ["draw_code", "draw_markdown", "draw_plain"]

_CODE_LIMIT = 200_000
"""Characters; longer code is drawn without colours, which cost 20 times as much."""


_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
_PARSER.disable("image")
"""Raw HTML is text and an image is a link: what an agent wrote is never left out."""


class _LeftHeading(Heading):
    LEVEL_ALIGN: ClassVar[dict[str, Any]] = dict.fromkeys(
        ("h1", "h2", "h3", "h4", "h5", "h6"), "left"
    )


class _PlainCode(CodeBlock):
    """Code on the widget's own background, indented by two."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        inner = options.update(width=max(10, options.max_width - 2))
        syntax = Syntax(
            code, self.lexer_name, theme=self.theme, word_wrap=True, background_color="default"
        )
        for line in console.render_lines(syntax, inner, pad=False):
            yield Segment("  ")
            yield from line
            yield Segment("\n")


class _ThinRule(HorizontalRule):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Rule(style="markdown.hr", characters="─")


class _CalmTable(TableElement):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in super().__rich_console__(console, options):
            if isinstance(part, Table):
                part.box = box.SIMPLE_HEAD
                part.show_edge = False
            yield part


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _PlainCode,
        "code_block": _PlainCode,
        "hr": _ThinRule,
        "table_open": _CalmTable,
    }

    def __init__(self, text: str, code_theme: str) -> None:
        super().__init__("", code_theme=code_theme, hyperlinks=False)
        self.markup = text
        self.parsed = _PARSER.parse(text)
        for token in self.parsed:  # A line end that was streamed stays one.
            for child in token.children or ():
                if child.type == "softbreak":
                    child.type = "hardbreak"


@lru_cache(maxsize=8)
def _console(palette: Palette) -> Console:
    theme = Theme(
        {
            "markdown.h1": palette.heading,
            "markdown.h2": palette.heading,
            "markdown.h3": palette.speaker,
            "markdown.h4": palette.speaker,
            "markdown.h5": palette.speaker,
            "markdown.h6": palette.speaker,
            "markdown.code": palette.code,
            "markdown.code_block": palette.code,
            "markdown.block_quote": palette.dim,
            "markdown.list": "none",
            "markdown.item.bullet": palette.accent,
            "markdown.item.number": palette.accent,
            "markdown.hr": palette.rule,
            "markdown.link": palette.accent,
            "markdown.link_url": palette.accent,
            "markdown.table.border": palette.rule,
            "markdown.table.header": palette.speaker,
        }
    )
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        theme=theme,
        width=100,
    )


def draw_markdown(text: str, width: int, palette: Palette) -> list[Strip]:
    """Markdown as lines of at most `width` cells, without blank lines at either end."""
    return _trim(_lines(_Markdown(safe(text), palette.code_theme), width, palette))


def draw_code(code: str, language: str, width: int, palette: Palette) -> list[Strip]:
    """Highlighted code; `language` is a Pygments name or a file name to guess from."""
    clean = safe(code)
    if len(clean) > _CODE_LIMIT:
        return draw_plain(clean, width, palette)
    lexer: str | Any = language
    if "." in language or "/" in language:
        lexer = Syntax.guess_lexer(language)
    syntax = Syntax(
        clean, lexer, theme=palette.code_theme, word_wrap=True, background_color="default"
    )
    return _trim(_lines(syntax, width, palette))


def draw_plain(text: str, width: int, palette: Palette, *, dim: bool = False) -> list[Strip]:
    """Text as it is, wrapped between words where it can be."""
    style = palette.dim if dim else None
    width = max(8, width)
    strips: list[Strip] = []
    for line in safe(text).rstrip("\n").split("\n"):
        cells = len(line) if line.isascii() else cell_len(line)
        if cells <= width:  # Nearly every line; a wrap costs fifty times as much.
            strips.append(Strip([Segment(line, style)] if line else [], cells))
        else:
            strips.extend(
                Strip([Segment(part, style)], len(part) if part.isascii() else None)
                for part in wrap(line, width)
            )
    return strips


def _lines(renderable: Any, width: int, palette: Palette) -> list[Strip]:
    console = _console(palette)
    options = console.options.update(width=max(10, width), height=None)
    return [
        Strip(_without_trailing_space(line))
        for line in console.render_lines(renderable, options, pad=False)
    ]


def _without_trailing_space(line: list[Segment]) -> list[Segment]:
    kept = [_bare(segment) for segment in line if segment.text and not segment.control]
    while kept and not kept[-1].text.strip():
        kept.pop()
    return kept


def _bare(segment: Segment) -> Segment:
    """Without the "default" background of highlighted code: the widget's own shows through."""
    style = segment.style
    if style is None or style.bgcolor is None:
        return segment
    return Segment(segment.text, style.without_color + Style(color=style.color))


def _trim(strips: list[Strip]) -> list[Strip]:
    start, end = 0, len(strips)
    while start < end and not strips[start].text.strip():
        start += 1
    while end > start and not strips[end - 1].text.strip():
        end -= 1
    return strips[start:end]
