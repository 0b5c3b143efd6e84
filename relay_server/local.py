"""Opens rooms that live in this process: what a relay of one node does with every id."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from sereno.relay_server.acts import Room
from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.pair import Pair
from sereno.relay_server.room import ControlRoom
from sereno.relay_server.switchboard import Key

__all__ = ["local_rooms", "new_connection_id"]


def new_connection_id() -> str:
    """As the official relay makes them: never told to the client (wire reference 2.3)."""
    return f"conn_{uuid.uuid4().hex[:16]}"


def local_rooms(limits: Limits, timing: Timing) -> Callable[[Key], Room]:
    def make(key: Key) -> Room:
        if key.version == 1:
            return Pair()
        return ControlRoom(limits, timing, new_connection_id, _clock_ms)

    return make


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000
