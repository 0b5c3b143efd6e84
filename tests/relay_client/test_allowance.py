"""What may wait in memory over all connections: who has to give way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.relay_client.allowance import Allowance
from sereno.relay_client.sockets import MESSAGE_BYTES


def test_whoever_holds_most_goes_not_whoever_comes_last() -> None:
    allowance: Allowance[str] = Allowance(100)
    assert allowance.hold("large", 90) is None
    assert allowance.hold("small", 10) is None
    assert allowance.hold("small", 11) == "large"
    allowance.let_go("large")
    allowance.let_go("large")
    assert allowance.hold("small", 12) is None
    assert allowance.held == 12


def test_a_message_of_the_longest_kind_passes_alone() -> None:
    allowance: Allowance[int] = Allowance()
    assert allowance.hold(0, MESSAGE_BYTES) is None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 80))))
def test_the_sum_is_what_all_hold(steps: list[tuple[int, int | None]]) -> None:
    allowance: Allowance[int] = Allowance(100)
    held: dict[int, int] = {}
    for holder, size in steps:
        if size is None:
            allowance.let_go(holder)
            held.pop(holder, None)
            continue
        held[holder] = size
        found = allowance.hold(holder, size)
        assert (found is None) == (sum(held.values()) <= 100)
        assert found is None or held[found] == max(held.values())
        assert allowance.held == sum(held.values())
