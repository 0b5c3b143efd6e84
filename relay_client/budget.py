"""How often we let a relay make us dial: a token bucket.

Pure: time is given. A relay may name, take back and name connections as fast as it can, and each
time we would agree keys with it: that must not become the daemon's only work.
"""

from __future__ import annotations

__all__ = ["BURST", "PER_S", "Budget"]

BURST = 128
PER_S = 16.0


class Budget:
    """`burst` at once, then `per_s` a second; `now`: seconds of a clock that does not go back."""

    def __init__(self, now: float, burst: int = BURST, per_s: float = PER_S) -> None:
        self._left = float(burst)
        self._burst = burst
        self._per_s = per_s
        self._counted_at = now

    def take(self, now: float) -> bool:
        """Whether one more may be dialled."""
        gained = max(0.0, now - self._counted_at) * self._per_s
        self._left = min(self._burst, self._left + gained)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
