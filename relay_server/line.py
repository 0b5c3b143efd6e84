"""One connection of version 2: its client sockets, the daemon's data socket, and what waits for it.

Data only; who does what with it when stands in room.py.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sereno.relay_server.acts import Frame

__all__ = ["Line"]


@dataclass(slots=True)
class Line:
    """`clients` keeps the order in which they came. `nudge_at` and `give_up_at` are monotonic
    seconds, one of them set while a client waits for the daemon to open its data socket."""

    connection: str
    clients: dict[int, None] = field(default_factory=dict)
    data: int | None = None
    kept: deque[Frame] = field(default_factory=deque)
    kept_bytes: int = 0
    nudge_at: float | None = None
    nudges: int = 0
    """That are left."""
    give_up_at: float | None = None

    def keep(self, frame: Frame) -> None:
        self.kept.append(frame)
        self.kept_bytes += len(frame.data)

    def take(self) -> list[Frame]:
        """What was kept, in order; nothing stays."""
        frames = list(self.kept)
        self.kept.clear()
        self.kept_bytes = 0
        return frames

    def settled(self) -> None:
        """The daemon came: nothing is waited for."""
        self.nudge_at = self.give_up_at = None

    @property
    def due(self) -> float | None:
        return self.nudge_at if self.nudge_at is not None else self.give_up_at

    @property
    def empty(self) -> bool:
        return not self.clients and self.data is None
