"""The agent's stdin: writes with ids, each written whole and once, and never waited for.

An agent that does not read its input must not stop the runner: what it has not read waits here.
How much may wait is bounded by the window of the protocol, which the link keeps.
"""

from __future__ import annotations

import os
from collections import deque


class AgentInput:
    """The writing end of the agent's stdin (non-blocking)."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.accepted = -1
        """The highest write id ever taken over; ids up to it are ignored."""
        self._waiting: deque[tuple[int, memoryview]] = deque()
        self.pending_bytes = 0

    @property
    def open(self) -> bool:
        return self.fd >= 0

    @property
    def pending(self) -> bool:
        return bool(self._waiting)

    def offer(self, write_id: int, data: bytes) -> bool:
        """Take over a write; False when this id was taken over before."""
        if write_id <= self.accepted:
            return False
        self.accepted = write_id
        self._waiting.append((write_id, memoryview(data)))
        self.pending_bytes += len(data)
        return True

    def next_written(self) -> int | None:
        """Write on; the id that is now written whole, or None when the pipe takes no more.

        Raises BrokenPipeError when the agent has closed its stdin.
        """
        if not self._waiting:
            return None
        write_id, rest = self._waiting[0]
        while rest:
            try:
                count = os.write(self.fd, rest)
            except BlockingIOError:
                return None
            rest = rest[count:]
            self.pending_bytes -= count
            self._waiting[0] = (write_id, rest)
        self._waiting.popleft()
        return write_id

    def close(self) -> list[int]:
        """Close it; gives the ids that were taken over and cannot be written any more."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        lost = [write_id for write_id, _ in self._waiting]
        self._waiting.clear()
        self.pending_bytes = 0
        return lost
