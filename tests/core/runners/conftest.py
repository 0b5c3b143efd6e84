"""A place for runners; nothing that a test started outlives it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.core.runners.place import Place


@pytest.fixture
async def place(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    try:
        yield place
    finally:
        await place.aclose()
