"""Tokens that fetch one file once, within a minute (wire reference 4.4).

Pure: randomness and time are given. Only digests are kept, in memory, so that nothing that is
read out of this process opens anything (T74); a daemon that ends takes its tickets with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from sereno.core.security import tokens

__all__ = ["EACH", "LASTS_S", "TOTAL", "Tickets"]

LASTS_S: Final = 60.0
"""Seconds in which a file may be fetched."""
EACH: Final = 32
"""Open tickets that one has asked for; more end the oldest."""
TOTAL: Final = 1_024

T = TypeVar("T")


class _Ticket(msgspec.Struct, Generic[T], frozen=True):
    asker: str
    holder: str | None
    until: float
    thing: T


class Tickets(Generic[T]):
    """The open tickets of one daemon. `T`: what a ticket is for."""

    def __init__(self, random: Callable[[int], str]) -> None:
        """`random`: a text of that many random bytes, such as `secrets.token_urlsafe`."""
        self._random = random
        self._open: dict[bytes, _Ticket[T]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def make(self, thing: T, asker: str, holder: str | None, now: float) -> str:
        """A new token. `holder`: the only one who may use it; None for whoever may read files."""
        self._sweep(asker, now)
        secret = self._random(32)
        self._open[tokens.digest(secret)] = _Ticket(asker, holder, now + LASTS_S, thing)
        return secret

    def look(self, secret: str, holder: str, now: float) -> T | None:
        """What the token is for, which stays good; None where it is not good for this holder."""
        return self._good(self._open.get(tokens.digest(secret)), holder, now)

    def take(self, secret: str, holder: str, now: float) -> T | None:
        """The same, and the token is used up: also by somebody for whom it was not, because then
        it has come into other hands."""
        return self._good(self._open.pop(tokens.digest(secret), None), holder, now)

    def _good(self, ticket: _Ticket[T] | None, holder: str, now: float) -> T | None:
        if ticket is None or now >= ticket.until or ticket.holder not in (None, holder):
            return None
        return ticket.thing

    def _sweep(self, asker: str, now: float) -> None:
        """Those that are over, and the oldest where somebody has too many: so nobody can end what
        another one asked for but by filling the whole table."""
        for key in [key for key, ticket in self._open.items() if now >= ticket.until]:
            del self._open[key]
        mine = [key for key, ticket in self._open.items() if ticket.asker == asker]
        for key in mine[: max(0, len(mine) - EACH + 1)]:
            del self._open[key]
        while len(self._open) >= TOTAL:
            del self._open[next(iter(self._open))]
