"""A pytest plugin that leaves only tests whose names carry the number of a row: `make promises`."""

from __future__ import annotations

import pytest

from tests.promises.found import carried

__all__ = ["pytest_collection_modifyitems"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = [item for item in items if carried(_name(item))]
    config.hook.pytest_deselected(items=[item for item in items if not carried(_name(item))])
    items[:] = wanted


def _name(item: pytest.Item) -> str:
    return item.originalname if isinstance(item, pytest.Function) else item.name
