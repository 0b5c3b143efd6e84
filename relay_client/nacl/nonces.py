"""The nonces of one channel: which of them were seen, in little memory.

Pure. Every nonce that was opened or sealed under a key is remembered until the channel ends, 8
bytes each and so 8 MiB at 2^20 of them, and nothing is ever moved about at once.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left

__all__ = ["Nonces"]

_BUCKETS = 4_096


class Nonces:
    """A set that never forgets and never mistakes a seen nonce for a new one.

    64 bits of a hash are kept: that two different ones of 2^20 look alike, and so end a channel
    that is sound, has odds of one in 2^25.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, nonce: bytes) -> bool:
        number, value = _place(nonce)
        bucket = self._buckets.get(number)
        if bucket is None:
            return False
        at = bisect_left(bucket, value)
        return at < len(bucket) and bucket[at] == value

    def add(self, nonce: bytes) -> bool:
        """Remembers a nonce; False when it was there."""
        number, value = _place(nonce)
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = array("Q")
        at = bisect_left(bucket, value)
        if at < len(bucket) and bucket[at] == value:
            return False
        bucket.insert(at, value)
        self._count += 1
        return True


def _place(nonce: bytes) -> tuple[int, int]:
    # Hashed, so that a peer that counts instead of drawing spreads as well.
    digest = hashlib.blake2b(nonce, digest_size=10).digest()
    return int.from_bytes(digest[:2]) % _BUCKETS, int.from_bytes(digest[2:])
