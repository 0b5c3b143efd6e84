"""Secrets that let somebody in once, within ten minutes: what a QR code carries (C-51, T16).

Pure: randomness and time are given. Only digests are kept, in memory; a daemon that ends takes its
open offers with it. Pairing, which gives a device a credential of its own, is another matter.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sereno.core.security import tokens

__all__ = ["LASTS_S", "Offer", "Offers"]

LASTS_S = 600.0
"""Seconds in which an offer may be taken."""
_MOST_OPEN = 8
_MOST_TAKEN = 256


class Offer(msgspec.Struct, frozen=True):
    """`secret`: an HTTP token; whoever shows it first is let in once. Not kept, not shown again."""

    secret: str
    lasts_s: float

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Offer(lasts_s={self.lasts_s!r})"


class Offers:
    """The open offers of one daemon, and the names of those that were taken."""

    def __init__(self, random: Callable[[int], str]) -> None:
        """`random`: a text of that many random bytes, such as `secrets.token_urlsafe`."""
        self._random = random
        self._open: dict[bytes, float] = {}
        self._taken: dict[str, None] = {}
        self._count = 0

    def make(self, now: float) -> Offer:
        """A new offer; the oldest of too many is withdrawn."""
        secret = self._random(24)
        self._open[tokens.digest(secret)] = now + LASTS_S
        while len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return Offer(secret, LASTS_S)

    def take(self, secret: str, now: float) -> str | None:
        """The name of the offer whose secret this is, which is used up by it; None for none."""
        until = self._open.pop(tokens.digest(secret), None)
        if until is None or now >= until:
            return None
        self._count += 1
        name = f"offer-{self._count}"
        self._taken[name] = None
        while len(self._taken) > _MOST_TAKEN:
            del self._taken[next(iter(self._taken))]
        return name

    def withdraw(self) -> tuple[str, ...]:
        """Ends all of them: the open ones, and what was let in by one, whose names are given."""
        taken = tuple(self._taken)
        self._open.clear()
        self._taken.clear()
        return taken
