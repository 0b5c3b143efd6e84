"""Differences of two texts."""

from __future__ import annotations

import difflib
import time

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.providers.common.diffs import unified_diff

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=12)


@given(LINES, LINES, st.booleans(), st.booleans())
def test_a_difference_rebuilds_the_new_text(
    old: list[str], new: list[str], old_end: bool, new_end: bool
) -> None:
    before = "\n".join(old) + "\n" * (old_end and bool(old))
    after = "\n".join(new) + "\n" * (new_end and bool(new))
    diff = unified_diff("f", before, after)
    if before == after:
        assert diff == ""
        return
    lines = diff.splitlines(keepends=True)
    assert lines[:2] == ["--- f\n", "+++ f\n"]
    assert _applied(before, lines[2:]).rstrip("\n") == after.rstrip("\n")


def _applied(old: str, lines: list[str]) -> str:
    source, result, at, before = old.splitlines(keepends=True), [], 0, ""
    for line in lines:
        if line.startswith("@@"):
            first, _, count = line.split()[1][1:].partition(",")
            start = int(first) - (count != "0")
            result += source[at:start]
            at = start
        elif line.startswith("\\"):
            if before != "-":
                result[-1:] = [result[-1].rstrip("\n")]
        elif line[0] in " -":
            assert source[at].rstrip("\n") == line[1:].rstrip("\n")
            at += 1
            if line[0] == " ":
                result.append(line[1:])
        else:
            result.append(line[1:])
        before = line[0]
    return "".join(result + source[at:])


def test_a_difference_is_as_the_standard_library_has_it() -> None:
    old = "".join(f"line {n}\n" for n in range(40))
    new = old.replace("line 7\n", "line seven\n").replace("line 30\n", "")
    expected = difflib.unified_diff(old.splitlines(True), new.splitlines(True), "f", "f")
    assert unified_diff("f", old, new) == "".join(expected)


def test_a_large_difference_is_made_fast() -> None:
    old = "".join(f"old {n}\n" for n in range(60_000))
    new = "".join(f"new {n}\n" for n in range(60_000))
    begin = time.process_time()
    assert unified_diff("f", old, new).count("\n") == 120_003
    assert time.process_time() - begin < 2
