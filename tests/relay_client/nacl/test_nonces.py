"""Every nonce is known again, whatever the sender draws them by, in bounded memory."""

from __future__ import annotations

import random
import sys

from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.nacl.nonces import Nonces


@given(st.lists(st.binary(min_size=24, max_size=24)))
def test_it_is_a_set(nonces: list[bytes]) -> None:
    ours, known = Nonces(), set[bytes]()
    for nonce in nonces * 2:
        assert (nonce in ours) is (nonce in known)
        assert ours.add(nonce) is (nonce not in known)
        known.add(nonce)
        assert nonce in ours
    assert len(ours) == len(known)


def test_counters_at_either_end_are_told_apart() -> None:
    ours = Nonces()
    for number in range(3_000):
        assert ours.add(number.to_bytes(24, "big"))
        assert number == 0 or ours.add(number.to_bytes(24, "little"))


def test_memory_is_bounded_by_bytes_not_objects() -> None:
    draw = random.Random(5)
    ours = Nonces()
    for _ in range(2**16):
        ours.add(draw.randbytes(24))
    used = sum(sys.getsizeof(bucket) for bucket in ours._buckets.values())
    # 4,096 buckets cost about as much as 16 values each; at 2^20 that is a fifteenth of all.
    assert used < 2**16 * 8 * 3
