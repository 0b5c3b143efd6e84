"""How every screen of the shell looks, at both sizes, and without colour."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.scenes import SCENES, SIZES, play


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
def test_screen(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    scene = SCENES[name]

    async def ready(pilot: Pilot[Any]) -> None:
        await play(pilot, scene.keys)

    assert snap_compare(scene.app(), terminal_size=size, run_before=ready)


LOOKS = [
    *((name, "no_colour") for name in ("fleet", "first_run", "new_agent", "log", "confirm_stop")),
    ("fleet", "sereno-terminal"),
    ("fleet", "sereno-light"),
]


@pytest.mark.parametrize(("name", "look"), LOOKS)
def test_look(name: str, look: str, snap_compare: Any) -> None:
    scene = SCENES[name]
    more = {"no_colour": True} if look == "no_colour" else {"theme": look}

    async def ready(pilot: Pilot[Any]) -> None:
        await play(pilot, scene.keys)

    assert snap_compare(scene.app(**more), terminal_size=(100, 30), run_before=ready)
