"""docs/promises.md: row, what it promises, the tests that carry its number, what became of them.

`make promises` runs those tests and writes the document; it ends with code 1 where a row has no
test and no reason, or a test did not pass. With `new` it runs only what the document does not name
yet, or names as bad. With JUnit reports (`python -m tests.promises.table REPORT.xml …`) it runs
nothing; a test that is in several was run again, and the last one counts.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.promises.found import ROOT, numbered
from tests.promises.promised import PROMISED
from tests.promises.results import Outcome, ran, read
from tests.promises.rows import Row
from tests.promises.threatened import THREATENED

__all__ = ["DOCUMENT", "ROWS", "good", "holding", "listed", "main", "written"]

DOCUMENT = ROOT / "docs" / "promises.md"
ROWS: tuple[Row, ...] = PROMISED + THREATENED
NO_TEST = "**no test**"
_BAD = re.compile("|".join(rf"\*\*{one.value}\*\*" for one in Outcome if one is not Outcome.PASSED))

HEAD = """\
# Promises and threats

What Sereno promises (C) and what must not be possible (T), row by row, with the tests that hold it
to that: the name of each carries the row's number. The rows are those of three systems that came
before (Paseo, CodeMantle, ClawDE), in our words; what they mean here stands in
[security.md](security.md). A row without a test says why.

Made by `make promises`, which runs exactly these tests; it is not edited by hand.
"""


def holding(row: Row, tests: Mapping[str, Sequence[str]]) -> list[str]:
    """The tests that carry a row's number."""
    return [test for test, rows in tests.items() if row.key in rows]


def written(tests: Mapping[str, Sequence[str]], outcomes: Mapping[str, Outcome]) -> str:
    """The whole document."""
    found = {row.number: holding(row, tests) for row in ROWS}
    lines = [HEAD, _summary(found, outcomes), ""]
    for title, rows in (("What is promised", PROMISED), ("What must not be possible", THREATENED)):
        lines += [f"## {title}", "", "| Row | What | Tests | Result |", "| --- | --- | --- | --- |"]
        for row in rows:
            words = f"{row.promise}<br>*{row.note}*" if row.note else row.promise
            names = "<br>".join(_link(test) for test in found[row.number])
            result = _result(row, [outcomes[test] for test in found[row.number]])
            lines.append(f"| {row.number} | {words} | {names} | {result} |")
        lines.append("")
    return "\n".join(lines)


def listed(document: str) -> set[tuple[str, str]]:
    """(row, test) of each test that a document names: what must be the same as what exists."""
    found = set()
    for line in document.splitlines():
        if row := re.match(r"\| ([CT]-?\d\d) \|", line):
            links = re.findall(r"\[`(test_\w+)`\]\(\.\./([\w/.]+)\)", line)
            found |= {(row[1], f"{path}::{name}") for name, path in links}
    return found


def good(document: str) -> set[str]:
    """The tests that a document names and that did well: those of a row without a bad result."""
    lines = document.splitlines()
    bad = {test for line in lines if _BAD.search(line) for _, test in listed(line)}
    return {test for _, test in listed(document)} - bad


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[`{name}`](../{path})"


def _result(row: Row, outcomes: Sequence[Outcome]) -> str:
    bad = [one.value for one in Outcome if one is not Outcome.PASSED and one in outcomes]
    if bad:
        return ", ".join(f"**{word}**" for word in bad)
    if row.absent is not None:
        return f"passed; the rest: {row.absent}" if outcomes else row.absent
    return "passed" if outcomes else NO_TEST


def _summary(found: Mapping[str, Sequence[str]], outcomes: Mapping[str, Outcome]) -> str:
    held = sum(1 for row in ROWS if found[row.number])
    reasons = sum(1 for row in ROWS if not found[row.number] and row.absent is not None)
    open_rows = len(ROWS) - held - reasons
    by = {one: sum(1 for found in outcomes.values() if found is one) for one in Outcome}
    results = ", ".join(f"{count} {one.value}" for one, count in by.items() if count)
    rest = f", {open_rows} have neither" if open_rows else ""
    return (
        f"{len(ROWS)} rows: {held} have tests, {reasons} a reason why not{rest}. "
        f"{len(outcomes)} tests: {results}."
    )


def main(arguments: Sequence[str]) -> int:
    """Writes the document; gives the exit code."""
    tests = numbered()
    if arguments == ["new"]:
        known = good(DOCUMENT.read_text()) & tests.keys()
        fresh = [test for test in tests if test not in known]
        outcomes = dict.fromkeys(known, Outcome.PASSED) | (ran(fresh) if fresh else {})
    elif arguments:
        outcomes = dict.fromkeys(tests, Outcome.NOT_RUN)
        for report in arguments:
            found = read([Path(report)], tests)
            outcomes |= {t: one for t, one in found.items() if one is not Outcome.NOT_RUN}
    else:
        outcomes = ran(list(tests))
    text = written(tests, outcomes)
    DOCUMENT.write_text(text)
    by_row = {row.number: holding(row, tests) for row in ROWS}
    print(f"{DOCUMENT.relative_to(ROOT)}: {_summary(by_row, outcomes)}")
    bad = [test for test, outcome in outcomes.items() if outcome is not Outcome.PASSED]
    for test in bad:
        print(f"{outcomes[test].value}: {test}")
    return 1 if bad or NO_TEST in text else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
