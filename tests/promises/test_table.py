"""docs/promises.md names the tests that there are, and each row has one or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.found import ROOT, carried, numbered
from tests.promises.promised import PROMISED
from tests.promises.results import Outcome, read
from tests.promises.table import DOCUMENT, ROWS, good, holding, listed, written
from tests.promises.threatened import THREATENED

BUILT = [f"C-{number:02}" for number in (*range(1, 6), *range(8, 11), *range(31, 52), 56)] + [
    f"T{number}" for number in (*range(20, 28), *range(31, 50))
]
"""What issues 2 to 4 are about, without what their rows leave to the relay, to pairing (C-06, C-07,
T28) and to a control plane (T29, T30)."""


@pytest.fixture(scope="module")
def tests() -> dict[str, tuple[str, ...]]:
    return numbered()


def test_the_rows_are_all_there_once_and_in_order() -> None:
    assert [row.number for row in PROMISED] == [f"C-{number:02}" for number in range(1, 89)]
    threats = [number for number in range(1, 90) if number not in (19, 66, 67, 68, 69)]
    assert [row.number for row in THREATENED] == [f"T{number:02}" for number in threats]


def test_each_row_has_a_test_or_says_why_not(tests: dict[str, tuple[str, ...]]) -> None:
    assert [r.number for r in ROWS if r.absent is None and not holding(r, tests)] == []


def test_what_is_built_has_tests_and_no_excuse(tests: dict[str, tuple[str, ...]]) -> None:
    rows = {row.number: row for row in ROWS}
    assert [number for number in BUILT if not holding(rows[number], tests)] == []
    assert [number for number in BUILT if rows[number].absent is not None] == []


def test_every_number_is_that_of_a_row(tests: dict[str, tuple[str, ...]]) -> None:
    known = {row.key for row in ROWS}
    assert {t: rows for t, rows in tests.items() if not known.issuperset(rows)} == {}


def test_the_document_names_the_tests_that_there_are(tests: dict[str, tuple[str, ...]]) -> None:
    there = {(row.number, test) for row in ROWS for test in holding(row, tests)}
    assert listed(DOCUMENT.read_text()) == there, "make promises writes docs/promises.md anew"


def test_the_document_has_the_rows_as_they_are(tests: dict[str, tuple[str, ...]]) -> None:
    def words(document: str) -> list[tuple[str, ...]]:
        return [tuple(line.split(" | ")[:2]) for line in document.splitlines() if "|" in line]

    now = written(tests, dict.fromkeys(tests, Outcome.PASSED))
    assert words(DOCUMENT.read_text()) == words(now), "make promises writes it anew"


def test_nothing_in_the_document_failed() -> None:
    document = DOCUMENT.read_text()
    bad = [outcome.value for outcome in Outcome if outcome is not Outcome.PASSED]
    assert [word for word in (*bad, "no test") if f"**{word}**" in document] == []


# The tool itself


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_c36_host_matrix", ("c36",)),
        ("test_c34_c43_t25_warnings", ("c34", "c43", "t25")),
        ("test_nothing_of_it", ()),
        ("test_t400_is_no_row", ()),
    ],
)
def test_the_numbers_of_a_name(name: str, rows: tuple[str, ...]) -> None:
    assert carried(name) == rows


@pytest.mark.parametrize("name", ["test_host_matrix_c36", "test_c36_host_t21_matrix", "test_t40"])
def test_a_number_that_nobody_would_find_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at the beginning"):
        carried(name)


def test_one_bad_case_is_a_bad_test(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase classname="tests.a.test_b" name="test_c01_x[1]"/>'
        '<testcase classname="tests.a.test_b" name="test_c01_x[2]"><failure/></testcase>'
        '<testcase classname="tests.a.test_b" name="test_c02_y"><skipped/></testcase>'
        '<testcase classname="tests.a.test_b" name="test_c03_z"/>'
        '<testcase classname="tests.a.test_b" name="test_of_nothing"><error/></testcase>'
        "</testsuite></testsuites>"
    )
    names = [f"tests/a/test_b.py::{name}" for name in ("test_c01_x", "test_c02_y", "test_c03_z")]
    assert list(read([report], [*names, "tests/a/test_b.py::test_c04_gone"]).values()) == [
        Outcome.FAILED,
        Outcome.LEFT_OUT,
        Outcome.PASSED,
        Outcome.NOT_RUN,
    ]


def test_what_was_bad_is_run_again() -> None:
    one, two, three = (
        f"tests/a/test_b.py::test_{name}" for name in ("c01_x", "c02_y", "c01_c02_z")
    )
    tests = {one: ("c01",), two: ("c02",), three: ("c01", "c02")}
    outcomes = dict.fromkeys(tests, Outcome.PASSED)
    assert good(written(tests, outcomes)) == {one, two, three}
    assert good(written(tests, outcomes | {one: Outcome.FAILED})) == {two}
    assert good(written(tests, outcomes | {three: Outcome.LEFT_OUT})) == set()


def test_a_row_without_a_test_and_without_a_reason_is_seen() -> None:
    document = written({}, {})
    assert "**no test**" in document
    assert listed(document) == set()
    assert f"{len(ROWS)} rows: 0 have tests" in document


def test_every_test_that_is_named_is_a_file_of_the_tree(tests: dict[str, tuple[str, ...]]) -> None:
    assert all((ROOT / test.partition("::")[0]).is_file() for test in tests)
    assert len(tests) > 100
