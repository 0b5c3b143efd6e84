"""Times, folders and cut lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sereno.tui import words


@pytest.mark.parametrize(
    ("ms", "told"),
    [
        (-5, "0:00"),
        (41_000, "0:41"),
        (535_999, "8:55"),
        (3_723_000, "1:02:03"),
        (86_400_000 * 3, "3 d"),
    ],
)
def test_minutes(ms: int, told: str) -> None:
    assert words.minutes(ms) == told


@pytest.mark.parametrize(
    ("ms", "told"),
    [(0, "now"), (59_999, "now"), (60_000, "1 min"), (7_200_000, "2 h"), (86_400_000, "1 d")],
)
def test_age(ms: int, told: str) -> None:
    assert words.age(ms) == told


def test_ago_says_now_alone() -> None:
    assert words.ago(5) == "now"
    assert words.ago(120_000) == "2 min ago"


def test_count() -> None:
    assert words.count(1, "agent") == "1 agent"
    assert words.count(2, "agent") == "2 agents"
    assert words.count(0, "match", "matches") == "0 matches"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/ada", "~"),
        ("/home/ada/src", "~/src"),
        ("/home/adam/src", "/home/adam/src"),
        ("/srv", "/srv"),
    ],
)
def test_folder(path: str, shown: str) -> None:
    assert words.folder(path, "/home/ada") == shown


def test_folder_without_a_home() -> None:
    assert words.folder("/srv", "") == "/srv"


@given(st.text(max_size=40), st.integers(min_value=-1, max_value=30))
def test_cut_never_exceeds(text: str, width: int) -> None:
    assert cell_len(words.cut(text, width)) <= max(0, width)
    assert cell_len(words.tail_cut(text, width)) <= max(0, width)


@given(st.text(alphabet="ab漢字é ", max_size=40), st.integers(min_value=1, max_value=30))
def test_pad_is_exact(text: str, width: int) -> None:
    assert cell_len(words.pad(text, width)) == width


def test_cut_shows_the_loss() -> None:
    assert words.cut("abcdef", 4) == "abc…"
    assert words.tail_cut("/a/b/cdef", 5) == "…cdef"
    assert words.cut("abcd", 4) == "abcd"
