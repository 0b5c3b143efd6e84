"""How much of what a relay sends may wait in memory, over all connections together.

Pure. One connection cannot be held to less than the longest message, and there may be a hundred of
them: so whoever holds most has to go where all together hold too much. Then a relay costs memory
that was allowed for, and a client with its small messages pays for nobody else's large ones.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["MOST_BYTES", "Allowance"]

MOST_BYTES = 256 * 1024 * 1024
"""One message of the longest kind, and as much again for all the others."""

Holder = TypeVar("Holder", bound=Hashable)


class Allowance(Generic[Holder]):
    """`most`: bytes; whoever shares it shares this object."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held: dict[Holder, int] = {}
        self._sum = 0

    @property
    def held(self) -> int:
        """Bytes, of all."""
        return self._sum

    def hold(self, holder: Holder, size: int) -> Holder | None:
        """`holder` holds `size` bytes from now on. Who must give up what it holds, if anybody."""
        self._sum += size - self._held.get(holder, 0)
        self._held[holder] = size
        if self._sum <= self._most:
            return None
        return max(self._held, key=lambda one: self._held[one])

    def let_go(self, holder: Holder) -> None:
        """It holds nothing any more; may be called again."""
        self._sum -= self._held.pop(holder, 0)
