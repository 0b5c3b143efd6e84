"""A World for each test, ended with everything in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    """In a short path, as a person's home is."""
    with tempfile.TemporaryDirectory(prefix="sereno-e2e-") as folder:
        made = World(Path(folder))
        try:
            yield made
        finally:
            made.end()
