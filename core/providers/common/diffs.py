"""Unified diffs of two texts, bounded in time: a program may hand over files of any size."""

from __future__ import annotations

import difflib
import re

__all__ = ["unified_diff"]

LINES_LIMIT = 2_000
"""Lines of both sides together up to which the real difference is looked for."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def unified_diff(path: str, old: str, new: str, context: int = 3) -> str:
    """`--- path`, `+++ path` and hunks; empty if the texts are equal.

    What both sides have in common at their ends is cut off first; if the rest is still too large
    to compare within a few milliseconds, it is shown as removed and added whole.
    """
    # Not splitlines(): it also breaks at form feeds and U+2028, which are no line ends in a file.
    before, after = _LINE.findall(old), _LINE.findall(new)
    if before == after:
        return ""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    start = max(0, head - context)
    end_before = len(before) - max(0, tail - context)
    end_after = len(after) - max(0, tail - context)
    left, right = before[start:end_before], after[start:end_after]
    lines = [f"--- {path}\n", f"+++ {path}\n"]
    if not old.endswith("\n") and not new.endswith("\n"):
        # Both end so: nothing to tell, and often these are pieces of a file anyway.
        left, right = _with_end(left), _with_end(right)
    if len(left) + len(right) > LINES_LIMIT:
        lines.append(f"@@ -{start + 1},{len(left)} +{start + 1},{len(right)} @@\n")
        lines += [_ended("-" + line) for line in left] + [_ended("+" + line) for line in right]
        return "".join(lines)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=True)
    for group in matcher.get_grouped_opcodes(context):
        lines += _hunk(group, left, right, start)
    return "".join(lines)


def _hunk(
    group: list[tuple[str, int, int, int, int]], left: list[str], right: list[str], start: int
) -> list[str]:
    i1, i2 = group[0][1], group[-1][2]
    j1, j2 = group[0][3], group[-1][4]
    lines = [f"@@ -{_range(start + i1, i2 - i1)} +{_range(start + j1, j2 - j1)} @@\n"]
    for tag, a, b, c, d in group:
        if tag == "equal":
            lines += [_ended(" " + line) for line in left[a:b]]
            continue
        lines += [_ended("-" + line) for line in left[a:b]]
        lines += [_ended("+" + line) for line in right[c:d]]
    return lines


def _range(start: int, length: int) -> str:
    # As `diff -u` writes it: an empty side names the line before.
    return f"{start + 1 if length else start},{length}"


def _with_end(lines: list[str]) -> list[str]:
    return [line if line.endswith("\n") else line + "\n" for line in lines]


def _ended(line: str) -> str:
    return line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _common(left: list[str], right: list[str]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count
