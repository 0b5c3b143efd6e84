"""Rules with a clock and chance of this machine: rooms that live in this process, and the mesh.

A relay of one node opens such a room for every id, one of several nodes for those that it owns.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from functools import partial

from sereno.relay_server.acts import Room
from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.mesh import Mesh
from sereno.relay_server.pair import Pair
from sereno.relay_server.room import ControlRoom
from sereno.relay_server.switchboard import Key

__all__ = ["local_rooms", "new_connection_id", "new_mesh"]


def new_connection_id() -> str:
    """As the official relay makes them: never told to the client (wire reference 2.3)."""
    return f"conn_{uuid.uuid4().hex[:16]}"


def local_rooms(limits: Limits, timing: Timing) -> Callable[[Key], Room]:
    def make(key: Key) -> Room:
        if key.version == 1:
            return Pair()
        return ControlRoom(limits, timing, new_connection_id, _clock_ms)

    return make


def new_mesh(name: str, limits: Limits, timing: Timing, rooms: Callable[[Key], Room]) -> Mesh:
    """One node of several. Without a name it has the beginning of the number it draws."""
    node = secrets.token_hex(16)
    draw = partial(_number, secrets.SystemRandom())
    return Mesh(node, name or node[:8], limits, timing, rooms, draw, _clock_ms)


def _number(chance: secrets.SystemRandom) -> int:
    return chance.randrange(1, 1 << 62)


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000
