"""How many refused requests are written down, so that who may do little cannot fill the disk.

Pure; time is an argument. Each credential has its own measure: what one does hides nobody else's.
"""

from __future__ import annotations

from sereno.core.sessions.limits import TokenBucket

__all__ = ["BURST", "Refusals"]

BURST, PER_S = 100, 0.1
"""Refusals of one credential that the log and the audit take: at once, and for ever."""
_MOST = 256
"""Credentials that are remembered; the longest known goes first."""


class _Count:
    def __init__(self, now: float) -> None:
        self.bucket = TokenBucket(now, burst=BURST, per_second=PER_S)
        self.left_out = 0


class Refusals:
    """Belongs to the daemon's loop."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def take(self, credential: str, now: float) -> int | None:
        """One more: None where it is one too many; else how many were left out before it."""
        count = self._counts.get(credential)
        if count is None:
            if len(self._counts) >= _MOST:
                del self._counts[next(iter(self._counts))]
            count = self._counts[credential] = _Count(now)
        if not count.bucket.take(now):
            count.left_out += 1
            return None
        left_out, count.left_out = count.left_out, 0
        return left_out
