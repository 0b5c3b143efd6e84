"""How often an address may be wrong about the password (T27).

Pure: times are seconds of any clock that does not go back. Five failures in a minute, then a lock
of one minute that doubles with each further failure up to fifteen. A try is counted before it is
judged, so that a hundred at once are no way around; who was right is counted out again.
"""

from __future__ import annotations

import msgspec

__all__ = ["Throttle"]

TRIES = 5
WINDOW_S = 60.0
FIRST_LOCK_S = 60.0
LONGEST_LOCK_S = 900.0
FORGET_S = 3_600.0
"""After so long without a failure nothing is held against an address."""
MOST = 4_096
"""Addresses that are remembered."""


class _Record(msgspec.Struct):
    failures: list[float]
    locks: int = 0
    until: float = 0.0


class Throttle:
    """Keys are texts, see `neighbourhood` in core/security/addresses.py."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._records: dict[str, _Record] = {}

    def __len__(self) -> int:
        return len(self._records)

    def wait(self, key: str, now: float) -> float:
        """Seconds until `key` may try again; 0 for now."""
        record = self._records.get(key)
        return 0.0 if record is None else max(0.0, record.until - now)

    def failed(self, key: str, now: float) -> None:
        """Counts a try against `key`; the last of its tries locks it."""
        record = self._records.pop(key, None)
        if record is None or now - max(record.until, record.failures[-1]) >= FORGET_S:
            record = _Record([])
        self._records[key] = record  # now the newest
        lately = [one for one in record.failures if now - one < WINDOW_S]
        record.failures = [*lately[-TRIES:], now]
        if record.locks or len(record.failures) >= TRIES:
            lock = min(LONGEST_LOCK_S, FIRST_LOCK_S * 2.0 ** min(record.locks, 30))
            record.until = max(record.until, now + lock)
            record.locks += 1
        self._make_room(key, now)

    def proved(self, key: str) -> None:
        """`key` knew the password: whatever was counted against it was its own doing."""
        self._records.pop(key, None)

    def _make_room(self, key: str, now: float) -> None:
        """Forgets the one that failed least lately, those that are not locked first; never `key`
        itself, or its failures would not count while everybody else is locked."""
        if len(self._records) <= self._most:
            return
        others = [(one, record) for one, record in self._records.items() if one != key]
        free = (one for one, record in others if record.until <= now)
        del self._records[next(free, others[0][0])]
