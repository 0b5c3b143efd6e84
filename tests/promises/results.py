"""What became of the tests with numbers: one real run of pytest, read from its JUnit reports."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.promises.found import ROOT

__all__ = ["Outcome", "ran", "read"]


class Outcome(enum.Enum):
    """Of all cases of a test together, the worst."""

    PASSED = "passed"
    LEFT_OUT = "left out"
    NOT_RUN = "not run"
    FAILED = "failed"


_FROM_GOOD_TO_BAD = list(Outcome)


def ran(tests: Sequence[str]) -> dict[str, Outcome]:
    """Runs them: side by side, then alone what must be alone. The output of pytest is shown."""
    workers = os.environ.get("WORKERS") or str(2 * (os.cpu_count() or 1))
    files = sorted({test.partition("::")[0] for test in tests})
    with tempfile.TemporaryDirectory() as folder:
        reports: list[Path] = []
        for marked, more in (("not alone", ["-n", workers]), ("alone", [])):
            report = Path(folder) / f"{len(reports)}.xml"
            command = [sys.executable, "-m", "pytest", "-q", "-m", marked, *more]
            command += ["-p", "tests.promises.only", f"--junitxml={report}", *files]
            subprocess.run(command, cwd=ROOT, check=False)
            reports.append(report)
        return read((report for report in reports if report.exists()), tests)


def read(reports: Iterable[Path], tests: Iterable[str]) -> dict[str, Outcome]:
    """Test to its outcome, from reports that may hold others too. Raises OSError, ET.ParseError."""
    found: dict[str, Outcome] = {}
    for report in reports:
        # A report of our own, just written.
        for case in ET.parse(report).iter("testcase"):
            name = case.get("name", "").partition("[")[0]
            test = f"{case.get('classname', '').replace('.', '/')}.py::{name}"
            found[test] = max(found.get(test, Outcome.PASSED), _outcome(case), key=_badness)
    return {test: found.get(test, Outcome.NOT_RUN) for test in tests}


def _outcome(case: ET.Element) -> Outcome:
    if case.find("failure") is not None or case.find("error") is not None:
        return Outcome.FAILED
    return Outcome.PASSED if case.find("skipped") is None else Outcome.LEFT_OUT


def _badness(outcome: Outcome) -> int:
    return _FROM_GOOD_TO_BAD.index(outcome)
