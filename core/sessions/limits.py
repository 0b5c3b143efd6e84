"""Limits on what a client may send: how much, how deep, how often. Pure; time is an argument.

The numbers are those of design section 7. Where they are applied is checks.py.
"""

from __future__ import annotations

import re

__all__ = [
    "LARGEST_HELLO",
    "LARGEST_MESSAGE",
    "MOST_CALLS",
    "NESTING",
    "TokenBucket",
    "too_deep",
]

LARGEST_MESSAGE = 100 * 1024 * 1024
"""Bytes of one message."""
LARGEST_HELLO = 64 * 1024
"""Bytes of a message before hello."""
NESTING = 64
"""Levels of arrays and objects."""
MOST_CALLS = 1_000
"""Requests of one session that may be under way."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_NO_BRACKET = bytes(set(range(256)) - set(b"{}[]"))


def too_deep(data: bytes, levels: int = NESTING) -> bool:
    """Whether JSON is nested deeper than so many levels; brackets in strings do not count.

    Works by whole passes of C code and never recurses. Text whose brackets do not match may count
    as too deep; it is no JSON anyway.
    """
    if data.count(b"{") + data.count(b"[") <= levels:
        return False
    brackets = _STRING.sub(b"", data).translate(_ONE_KIND, _NO_BRACKET)
    for _ in range(levels):
        if not brackets:
            return False
        size = len(brackets)
        brackets = brackets.replace(b"{}", b"")
        if len(brackets) == size:
            break  # Nothing closes what is open.
    return bool(brackets)


class TokenBucket:
    """So many calls at once, and so many a second for ever."""

    def __init__(self, now: float, *, burst: int = 2_000, per_second: float = 200.0) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left = float(burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Takes one token at the monotonic time `now`; False when there is none."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
