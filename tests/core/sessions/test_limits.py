"""Depth against a plain recursive count, and the bucket against a clock of our own."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.sessions.limits import TokenBucket, too_deep

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\aü', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=40,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(one) for one in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(one) for one in value), default=0)
    return 0


@given(VALUES, st.integers(0, 6))
def test_t32_depth_is_what_counting_says(value: Any, levels: int) -> None:
    assert too_deep(json.dumps(value).encode(), levels) == (depth(value) > levels)


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(data: bytes) -> None:
    assert too_deep(data) in (True, False)


def test_a_large_flat_message_is_not_deep() -> None:
    rows = [{"text": "[[[{{{" * 10, "n": [1, 2]} for _ in range(20_000)]
    assert not too_deep(json.dumps(rows).encode())


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(100.0, burst=3, per_second=2)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(100.6) for _ in range(2)] == [True, False]
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(100.0, burst=1, per_second=1000)
    assert bucket.take(100.0)
    assert not bucket.take(50.0)
