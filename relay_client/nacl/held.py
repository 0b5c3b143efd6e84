"""What has to wait until a channel is open: in order, and no more than a bound.

Pure. A single message may be as large as a transport lets through; bytes are bounded beyond the
first one only.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

__all__ = ["HELD_BYTES", "HELD_FRAMES", "Held"]

HELD_FRAMES = 200
HELD_BYTES = 4 * 1024 * 1024

_T = TypeVar("_T", str, bytes)


class Held(Generic[_T]):
    """A bounded queue."""

    def __init__(self) -> None:
        self._waiting: deque[_T] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: _T) -> bool:
        """False when there is no room; then nothing changed."""
        size = len(message) if self._waiting else 0
        if len(self._waiting) >= HELD_FRAMES or self._bytes + size > HELD_BYTES:
            return False
        self._waiting.append(message)
        self._bytes += size
        return True

    def take_all(self) -> list[_T]:
        """Everything, first in first; empty afterwards."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return taken
