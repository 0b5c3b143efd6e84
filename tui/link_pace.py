"""How long the link waits before it calls a daemon again, and how that is said. Pure.

A daemon of this machine is back in a moment or not at all; a network may take its time, and must
not be called by every screen at once when it is back.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec.structs import replace

from sereno.core.client.errors import Refused
from sereno.tui.model import Connection, Phase

__all__ = ["Pace", "counting", "far", "near"]

REFUSED_S = 30.0
"""Seconds after a refusal: calling again changes nothing by itself, and wrong passwords are
counted (T27)."""
STEADY_S = 10.0
"""Seconds after which a connection counts as one that holds."""


class Pace:
    """Waits that double from `first` to `longest` seconds, each up to `spread` of it shorter."""

    def __init__(
        self,
        first: float,
        longest: float,
        spread: float = 0.0,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`chance`: a number from 0 to 1, for the spread."""
        self._first = first
        self._longest = longest
        self._spread = spread
        self._chance = chance
        self._next = first

    @property
    def again(self) -> bool:
        """Whether the call before failed too."""
        return self._next > self._first

    def failed(self, error: BaseException) -> float:
        """A call failed: seconds until the next one."""
        wait = self._next
        self._next = min(self._next * 2, self._longest)
        if isinstance(error, Refused):
            return max(wait, REFUSED_S)
        return wait * (1.0 - self._spread * self._chance())

    def lost(self, lasted: float) -> float:
        """A connection ended after `lasted` seconds: seconds until the next call."""
        if lasted >= STEADY_S or not self._spread:
            self._next = self._first
        wait = self._next
        if self._spread:
            self._next = min(self._next * 2, self._longest)
        return wait

    def called(self) -> None:
        """A person wants it now: the next waits are short ones."""
        self._next = self._first


def near() -> Pace:
    """For a daemon of this machine."""
    return Pace(0.2, 3.0)


def far() -> Pace:
    """For a daemon on a network."""
    from random import random

    return Pace(0.3, 30.0, 0.25, random)


def counting(connection: Connection, seconds: float) -> Connection:
    """The same, saying in how many seconds the next call is; waits of less are not worth a word."""
    if connection.phase is not Phase.LOST or seconds < 1.0:
        return connection
    return replace(connection, words=f"{connection.words} in {math.ceil(seconds)} s")
