"""How long to wait before a relay is dialled again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.backoff import FIRST_S, LONGEST_S, Backoff

ALMOST_ONE = 1 - 2**-53


def test_the_bound_doubles_up_to_half_a_minute_and_starts_again_when_ready() -> None:
    backoff = Backoff(lambda: 0.5)
    assert [backoff.failed() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    backoff.ready()
    assert backoff.failed() == 0.5


def test_waits_are_spread_over_all_of_the_bound() -> None:
    """Full jitter: relays that come back are not met by all their daemons at once."""
    drawn = iter([0.0, 0.25, ALMOST_ONE])
    backoff = Backoff(lambda: next(drawn))
    assert backoff.failed() == 0.0
    assert backoff.failed() == 0.5
    assert 3.9 < backoff.failed() < 4.0


@given(st.lists(st.one_of(st.none(), st.floats(0, ALMOST_ONE))))
def test_no_wait_is_longer_than_the_bound_that_was_told(events: list[float | None]) -> None:
    """`None` stands for ready, a number for what is drawn."""
    drawn = 0.0
    backoff = Backoff(lambda: drawn)
    for event in events:
        if event is None:
            backoff.ready()
            assert backoff.bound == FIRST_S
        else:
            drawn = event
            bound = backoff.bound
            assert 0 <= backoff.failed() <= bound <= LONGEST_S
            assert backoff.bound == min(LONGEST_S, bound * 2)
