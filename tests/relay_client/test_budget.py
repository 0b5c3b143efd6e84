"""How often a relay may make us dial."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.budget import BURST, PER_S, Budget


def test_a_burst_and_then_some_each_second() -> None:
    budget = Budget(100.0, burst=3, per_s=2.0)
    assert [budget.take(100.0) for _ in range(5)] == [True, True, True, False, False]
    assert [budget.take(at) for at in (100.4, 100.5, 100.6, 101.0)] == [False, True, False, True]
    assert [budget.take(1e6) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.floats(0, 5), max_size=400))
def test_never_more_than_the_burst_and_what_time_gave(waits: list[float]) -> None:
    budget = Budget(0.0)
    now, taken = 0.0, 0
    for wait in waits:
        now += wait
        taken += budget.take(now)
        assert taken <= BURST + now * PER_S + 1e-6
