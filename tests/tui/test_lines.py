"""Lines as data: widths, both ends, wrapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sereno.tui import lines

TEXT = st.text(alphabet="abc 漢é-", max_size=60)


@given(TEXT, TEXT, st.integers(min_value=1, max_value=50))
def test_fit_is_exact(first: str, second: str, width: int) -> None:
    line = lines.fit(((first, "dim"), (second, "")), width)
    assert lines.width_of(line) <= width
    assert width - lines.width_of(line) <= 1, "at most half of a wide character is missing"


def test_spread_keeps_the_right_side() -> None:
    line = lines.spread((("a long title that is cut", ""),), (("14:02", "dim"),), 20)
    assert lines.plain(line) == "a long title…  14:02"


def test_spread_without_room_shows_the_left_side() -> None:
    assert lines.plain(lines.spread((("abc", ""),), (("longer than all", ""),), 5)) == "abc  "


def test_join_leaves_out_what_is_empty() -> None:
    assert lines.plain(lines.join([(("a", ""),), (), (("", ""),), (("b", ""),)])) == "a  b"


@given(TEXT, st.integers(min_value=2, max_value=30))
def test_wrap_loses_nothing_but_blanks(text: str, width: int) -> None:
    wrapped = lines.wrap(text, width)
    assert all(cell_len(line) <= width for line in wrapped)
    assert "".join(wrapped).replace(" ", "") == text.replace(" ", "")


def test_wrap_breaks_at_blanks() -> None:
    assert lines.wrap("psql -c 'create database scratch'", 20) == [
        "psql -c 'create",
        "database scratch'",
    ]


def test_wrap_keeps_empty_lines_and_indentation() -> None:
    assert lines.wrap("a\n\n    b", 10) == ["a", "", "    b"]


def test_wrap_cuts_a_word_that_is_too_long() -> None:
    assert lines.wrap("abcdefgh", 3) == ["abc", "def", "gh"]


@given(st.text(alphabet="ab 漢é\u0301\u200d👩🏽\ufe0f", max_size=300), st.integers(2, 12))
def test_wrap_is_the_same_without_measuring_all_that_is_left(text: str, width: int) -> None:
    def measured(text: str, width: int) -> bool:
        return cell_len(text) > width

    wrapped = lines.wrap(text, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_is_wider", measured)
        assert lines.wrap(text, width) == wrapped


def test_wrap_measures_a_long_text_a_few_times_and_not_for_each_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[int] = []

    def counted(text: str) -> int:
        measured.append(len(text))
        return cell_len(text)

    monkeypatch.setattr(lines, "cell_len", counted)
    text = "wörter " * 5000
    assert len(lines.wrap(text, 70)) == 500
    assert sum(measured) < 10 * len(text)
