"""Those at the doors who have not shown who they are: how many may stand there, and who must go.

Pure; time is an argument, monotonic seconds. Counts all TCP doors of a daemon together (T31,
section F). Whoever waits without having asked anything makes room for newer ones, so that a flood
of silent sockets shuts nobody out.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, Generic, TypeVar

__all__ = ["EACH", "FAILURES", "GRACE_S", "TOTAL", "YOUNG_S", "Crowd"]

TOTAL: Final = 64
"""Sockets without a credential."""
EACH: Final = 8
"""Of these, those of one address that have been there longer than GRACE_S."""
GRACE_S: Final = 1.0
"""Seconds in which nobody has to make room: many commands at once are no attack."""
YOUNG_S: Final = 0.1
"""The same for an address that failed too often."""
FAILURES: Final = 10
"""Attempts in a minute that failed or never came to an end; then the address has one place."""
MINUTE_S: Final = 60.0
_REMEMBERED: Final = 4_096

T = TypeVar("T")


class _Place:
    __slots__ = ("held", "key", "since")

    def __init__(self, key: str, since: float) -> None:
        self.key = key
        self.since = since
        self.held = False


class Crowd(Generic[T]):
    """`T`: a socket, whatever that is to the caller; `key`: its address, as it is counted."""

    def __init__(self, *, total: int = TOTAL, each: int = EACH, failures: int = FAILURES) -> None:
        self._total = total
        self._each = each
        self.failures = failures
        self._places: OrderedDict[T, _Place] = OrderedDict()
        self._strikes: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def wait(self, now: float) -> float:
        """Seconds until the next one may come; 0: now. Meanwhile they wait in the kernel."""
        if len(self._places) < self._total:
            return 0.0
        silent = [place for place in self._places.values() if not place.held]
        grace = {key: self._grace(key, now) for key in {place.key for place in silent}}
        until = (place.since + grace[place.key] for place in silent)
        return max(0.0, min(until, default=now + YOUNG_S) - now)

    def enter(self, one: T, key: str, now: float) -> list[T]:
        """Takes a place; gives those who have to go for that. Ask `wait` first."""
        leaving = self._excess(key, now, self._allowed(key, now) - 1)
        if len(self._places) - len(leaving) >= self._total:
            leaving += self._longest_of_the_many(now)
        for other in leaving:
            del self._places[other]
        self._places[one] = _Place(key, now)
        return leaving

    def excess(self, key: str, now: float) -> list[T]:
        """Those of an address that are too many for longer than the grace; they are forgotten."""
        leaving = self._excess(key, now, self._allowed(key, now))
        for other in leaving:
            del self._places[other]
        return leaving

    def _allowed(self, key: str, now: float) -> int:
        return 1 if self._is_known(key, now) else self._each

    def _grace(self, key: str, now: float) -> float:
        return YOUNG_S if self._is_known(key, now) else GRACE_S

    def _is_known(self, key: str, now: float) -> bool:
        """For failures."""
        return self.strikes(key, now) >= self.failures

    def _excess(self, key: str, now: float, most: int) -> list[T]:
        mine = [(one, place) for one, place in self._places.items() if place.key == key]
        over = len(mine) - most
        old = [one for one, place in mine if not place.held and now - place.since >= GRACE_S]
        return old[: max(0, over)]

    def _longest_of_the_many(self, now: float) -> list[T]:
        """The oldest silent one of the address that has most."""
        silent: dict[str, list[T]] = {}
        grace = {key: self._grace(key, now) for key in {p.key for p in self._places.values()}}
        for one, place in self._places.items():
            if not place.held and now >= place.since + grace[place.key]:
                silent.setdefault(place.key, []).append(one)
        return max(silent.values(), key=len)[:1] if silent else []

    def hold(self, one: T, held: bool = True) -> None:
        """It asked something and is judged now: it makes room for nobody, until it is let go."""
        if one in self._places:
            self._places[one].held = held

    def leave(self, one: T) -> None:
        self._places.pop(one, None)

    # Failures

    def failed(self, key: str, now: float) -> None:
        """An attempt of this address failed, or never came to an end."""
        times = self._strikes.pop(key, None) or deque(maxlen=self.failures)
        times.append(now)
        self._strikes[key] = times
        while len(self._strikes) > _REMEMBERED:
            self._strikes.popitem(last=False)

    def strikes(self, key: str, now: float) -> int:
        """Failures of the last minute."""
        times = self._strikes.get(key)
        if times is None:
            return 0
        while times and now - times[0] >= MINUTE_S:
            times.popleft()
        if not times:
            del self._strikes[key]
        return len(times)
