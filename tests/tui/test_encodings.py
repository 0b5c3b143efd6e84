"""What is drawn where the locale's encoding is not UTF-8: readable, and as wide as it was."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from sereno.tui.wall import Wall, sayable

BLACK = Color.parse("black")


@pytest.mark.parametrize(
    ("encoding", "text", "said"),
    [
        ("latin-1", "╭─ Agents ─╮", "+- Agents -+"),
        ("latin-1", "│▌? über 漢字 · … ›", "|>? über ???? · ~ >"),
        ("ascii", "über · €", "?ber * ?"),
        ("iso8859-15", "│ 5 €", "| 5 €"),
    ],
)
def test_what_an_encoding_lacks_is_replaced_cell_by_cell(
    encoding: str, text: str, said: str
) -> None:
    assert sayable(text, encoding) == said
    assert cell_len(said) == cell_len(text)
    style = Style(bold=True)
    (drawn,) = Wall(encoding).apply([Segment(text, style)], BLACK)
    assert (drawn.text, drawn.style) == (said, style)
    drawn.text.encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf_8"])
def test_in_utf8_nothing_is_touched(encoding: str) -> None:
    segment = Segment("╭─ 漢字 ─╮")
    assert Wall(encoding).apply([segment], BLACK) == [segment]
