"""One socket as two nodes share it: frames in pieces, and how many of them may be on their way.

Each end counts what the other one has passed on, so that a slow reader holds its writer through
the broker as it does on one node. Both ends are this one class; it knows no node and no socket.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from sereno.relay_server.acts import Frame
from sereno.relay_server.mesh_words import MOST_OF_A_PART, End, Part

__all__ = ["WINDOW", "Strand", "cost_of"]

WINDOW: Final = 256 * 1024
"""Cost of the parts of one strand and direction that the other end has not passed on yet."""
_LOW: Final = 64 * 1024
_BATCH: Final = 32 * 1024
_COST_OF_A_PART: Final = 64


def cost_of(part: Part) -> int:
    """Bytes, and something for each part: many small ones cost as well."""
    return len(part.data) + _COST_OF_A_PART


class Strand:
    """`peer` is what the rules of this node know the socket by."""

    def __init__(self, number: int, peer: int) -> None:
        self.number = number
        self.peer = peer
        self.blocked = False
        """Whoever writes into it was told to wait."""
        self.withheld = False
        """Whoever reads from it is behind: nothing is called taken."""
        self.ending: End | None = None
        self._queue: deque[Part] = deque()
        self._queued = 0
        self._on_the_way = 0
        self._owed = 0
        self._parts: list[bytes] = []
        self._parts_size = 0

    # Out

    def put(self, frame: Frame) -> None:
        data = frame.data
        for at in range(0, max(len(data), 1), MOST_OF_A_PART):
            end = at + MOST_OF_A_PART
            part = Part(self.number, frame.text, end < len(data), data[at:end])
            self._queue.append(part)
            self._queued += cost_of(part)

    def next(self) -> Part | None:
        """What may be sent now; None where nothing waits, or the other end is behind."""
        if not self._queue or self._on_the_way >= WINDOW:
            return None
        part = self._queue.popleft()
        self._queued -= cost_of(part)
        self._on_the_way += cost_of(part)
        return part

    def taken(self, cost: int) -> None:
        self._on_the_way -= cost

    @property
    def queued(self) -> int:
        return self._queued

    @property
    def full(self) -> bool:
        return self._queued + self._on_the_way >= WINDOW

    @property
    def drained(self) -> bool:
        return self._queued + self._on_the_way <= _LOW

    # In

    def came(self, part: Part) -> Frame | None:
        """The frame that the part completes."""
        self._owed += cost_of(part)
        if part.more:
            self._parts.append(part.data)
            self._parts_size += len(part.data)
            return None
        if not self._parts:
            return Frame(part.data, part.text)
        self._parts.append(part.data)
        whole = b"".join(self._parts)
        self._parts.clear()
        self._parts_size = 0
        return Frame(whole, part.text)

    def owes(self) -> int:
        """What to tell the other end as taken now; 0 for nothing."""
        if self.withheld or self._owed < _BATCH:
            return 0
        owed, self._owed = self._owed, 0
        return owed

    @property
    def memory(self) -> int:
        """Bytes held here for this socket."""
        return self._queued + self._parts_size
