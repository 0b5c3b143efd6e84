"""How long to wait before a relay is dialled again: exponential, with full jitter.

Pure: randomness is given. A relay that starts again is not met by all its daemons at once, since
each waits for any time between nothing and the bound (the reference, 2.5, has no jitter: ours has).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["FIRST_S", "LONGEST_S", "Backoff"]

FIRST_S = 1.0
LONGEST_S = 30.0


class Backoff:
    """`random` gives a number from 0 (included) to 1 (excluded); `first` and `longest` seconds."""

    def __init__(
        self, random: Callable[[], float], first: float = FIRST_S, longest: float = LONGEST_S
    ) -> None:
        self._random = random
        self._first = first
        self._longest = longest
        self._bound = first

    @property
    def bound(self) -> float:
        """Seconds that the next wait cannot exceed."""
        return self._bound

    def ready(self) -> None:
        """The relay answered: the next wait is short again."""
        self._bound = self._first

    def failed(self) -> float:
        """Seconds to wait now; the bound of the next wait is twice this one's."""
        wait = self._random() * self._bound
        self._bound = min(self._longest, self._bound * 2)
        return wait
