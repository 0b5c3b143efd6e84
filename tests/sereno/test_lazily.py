"""A module that is loaded when something of it is used: every way to import it, and two threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

FIRST = """
import sys
from sereno.lazily import NOT_AT_START, lazily
lazily(*NOT_AT_START)
import importlib.metadata
assert "importlib.metadata._meta" not in sys.modules, "loaded though nothing was used"
"""
TWO_AT_ONCE = """
import threading
ready, found = threading.Barrier(8), []
def ask():
    ready.wait()
    found.append(importlib.metadata.version("msgspec"))
threads = [threading.Thread(target=ask) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
assert len(found) == 8
"""
USES = {
    "by its full name": "importlib.metadata.version('msgspec')",
    "a name of it": "from importlib.metadata import version; version('msgspec')",
    "from its package": "from importlib import metadata; metadata.version('msgspec')",
    "a module below it": "import importlib.metadata._meta as below; below.PackageMetadata",
    "two at once": TWO_AT_ONCE,
}


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)


@pytest.mark.parametrize("use", USES)
def test_it_is_there_when_it_is_used(use: str) -> None:
    after = (
        "\nimport importlib, sys\n"
        "assert importlib.metadata is sys.modules['importlib.metadata']\n"
        "assert importlib.metadata.__spec__ is not None\n"
        "assert '_meta' in dir(importlib.metadata)\n"
    )
    done = run(FIRST + USES[use] + after)
    assert done.returncode == 0, done.stderr


def test_a_name_that_it_does_not_have_is_an_error_as_ever() -> None:
    done = run(FIRST + "importlib.metadata.no_such_name")
    assert "AttributeError: module 'importlib.metadata' has no attribute" in done.stderr


def test_what_is_loaded_already_stays() -> None:
    code = (
        "import importlib.metadata as before, sys\n"
        "from sereno.lazily import lazily\n"
        "lazily('importlib.metadata')\n"
        "assert sys.modules['importlib.metadata'] is before\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


EACH = """
import importlib, sys
from sereno.lazily import NOT_AT_START, lazily
lazily(*NOT_AT_START)
early = {name: sys.modules[name] for name in NOT_AT_START}
assert [name for name, bound in early.items() if bound.__spec__ is not None] == []
for name, bound in early.items():
    assert bound.__file__
    real = sys.modules[name]
    names = [one for one in vars(real) if not one.startswith("__")]
    assert real is importlib.import_module(name) is not bound
    assert real.__spec__.name == name
    assert [getattr(bound, one) for one in names] == [getattr(real, one) for one in names]
"""


def test_who_bound_one_of_them_early_has_what_it_became() -> None:
    """As a library does that imports it at its top."""
    done = run(EACH)
    assert done.returncode == 0, done.stderr
