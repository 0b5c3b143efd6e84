"""Diffs of tool calls: rows, numbers, signs, widths."""

from __future__ import annotations

from hypothesis import given as examples
from hypothesis import strategies as st

from sereno.tui.widgets.blocks_palette import PLAIN
from sereno.tui.widgets.diff_view import (
    DiffRow,
    changed_counts,
    draw_rows,
    rows_between,
    rows_of_unified,
)

UNIFIED = """diff --git a/x b/x
--- a/x
+++ b/x
@@ -86,2 +86,3 @@ def total
 a
+b
 c
@@ -100 +101 @@ def other
-d
+e
\\ No newline at end of file
"""


def test_a_unified_diff_has_numbers_gaps_and_remarks() -> None:
    assert rows_of_unified(UNIFIED) == [
        DiffRow(" ", "a", 86, 86),
        DiffRow("+", "b", new=87),
        DiffRow(" ", "c", 87, 88),
        DiffRow("@", "def other"),
        DiffRow("-", "d", old=100),
        DiffRow("+", "e", new=101),
        DiffRow("~", "No newline at end of file"),
    ]


def test_what_is_no_diff_is_kept() -> None:
    assert rows_of_unified("Binary files differ") == [DiffRow("~", "Binary files differ")]


def test_lines_that_look_like_headers_inside_a_hunk_are_lines() -> None:
    rows = rows_of_unified("@@ -1,2 +1,2 @@\n--- gone\n+++ new\n")
    assert [(row.sign, row.text) for row in rows] == [("-", "-- gone"), ("+", "++ new")]


def test_the_difference_of_two_texts() -> None:
    rows = rows_between("a\nb\nc\n", "a\nB\nc\n")
    assert [(row.sign, row.text, row.old, row.new) for row in rows] == [
        (" ", "a", 1, 1),
        ("-", "b", 2, None),
        ("+", "B", None, 2),
        (" ", "c", 3, 3),
    ]
    assert changed_counts(rows) == (1, 1)


def test_far_changes_have_a_gap_between() -> None:
    before = "\n".join(str(number) for number in range(40))
    after = before.replace("5\n6", "5\nx").replace("38", "y")
    assert [row.sign for row in rows_between(before, after)].count("@") == 1


def test_wide_shows_both_numbers_and_narrow_one() -> None:
    rows = rows_between("a\nb", "a\nB")
    assert [strip.text for strip in draw_rows(rows, 90, PLAIN)] == [
        " 1   1   a",
        " 2     - b",
        "     2 + B",
    ]
    assert [strip.text for strip in draw_rows(rows, 40, PLAIN)] == [" 1   a", " 2 - b", " 2 + B"]


@examples(st.text(max_size=80), st.text(max_size=80), st.integers(20, 120))
def test_no_line_is_lost_or_too_wide(before: str, after: str, width: int) -> None:
    rows = rows_between(before, after)
    assert all(strip.cell_length <= width for strip in draw_rows(rows, width, PLAIN))
    added, removed = changed_counts(rows)
    assert (added, removed) == (0, 0) or before != after


@examples(st.lists(st.sampled_from(["@@ -1 +1 @@", "+a", "-b", " c", "", "--- x", "+++ y", "q"])))
def test_any_lines_are_read_without_harm(lines: list[str]) -> None:
    rows = rows_of_unified("\n".join(lines))
    assert changed_counts(rows)[0] <= len(lines)
