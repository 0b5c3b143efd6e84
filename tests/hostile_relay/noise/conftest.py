"""The whole program in a home of its own, and a relay that is an enemy between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import world
from tests.e2e.harness import World
from tests.hostile_relay.noise.enemy import Enemy

__all__ = ["enemy", "world"]


@pytest.fixture
def enemy(world: World) -> Iterator[Enemy]:
    with Enemy() as made:
        world.configure(f'[daemon.relay]\nenabled = true\nendpoint = "{made.endpoint}"\n')
        world.serve()
        yield made
