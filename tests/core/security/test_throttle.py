"""How often an address may be wrong (T27)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.security.throttle import LONGEST_LOCK_S, Throttle


def tries(throttle: Throttle, key: str, times: list[float]) -> int:
    """How many of these tries were let through, all of them wrong."""
    through = 0
    for now in times:
        if throttle.wait(key, now) == 0:
            through += 1
            throttle.failed(key, now)
    return through


def test_t27_five_in_a_minute_then_a_lock() -> None:
    throttle = Throttle()
    assert tries(throttle, "a", [0.0] * 100) == 5
    assert throttle.wait("a", 0) == 60
    assert throttle.wait("a", 59.5) == 0.5
    assert throttle.wait("a", 60) == 0


def test_t27_each_further_failure_doubles_the_lock_up_to_fifteen_minutes() -> None:
    throttle = Throttle()
    tries(throttle, "a", [0.0] * 5)
    now, locks = 0.0, []
    for _ in range(7):
        locks.append(throttle.wait("a", now))
        now += locks[-1]
        throttle.failed("a", now)
    assert locks == [60, 120, 240, 480, 900, 900, 900]


def test_slow_failures_are_no_attack() -> None:
    throttle = Throttle()
    assert tries(throttle, "a", [20.0 * step for step in range(30)]) == 30


def test_t27_other_addresses_go_on() -> None:
    throttle = Throttle()
    tries(throttle, "a", [0.0] * 100)
    assert throttle.wait("b", 0) == 0


def test_who_was_right_starts_anew() -> None:
    throttle = Throttle()
    tries(throttle, "a", [0.0] * 5)
    throttle.proved("a")
    assert throttle.wait("a", 0) == 0
    assert tries(throttle, "a", [1.0] * 9) == 5
    assert throttle.wait("a", 1) == 60
    throttle.proved("never seen")


def test_an_hour_without_a_failure_is_forgotten() -> None:
    throttle = Throttle()
    tries(throttle, "a", [0.0] * 5)
    assert tries(throttle, "a", [60.0 + 3599]) == 1
    assert throttle.wait("a", 3659) == 120
    assert tries(throttle, "a", [3779.0 + 3600] * 9) == 5


def test_memory_is_bounded_and_locks_are_kept_longest() -> None:
    throttle = Throttle(most=10)
    tries(throttle, "locked", [0.0] * 5)
    for number in range(100):
        throttle.failed(f"stranger {number}", 1.0)
    assert len(throttle) == 10
    assert throttle.wait("locked", 1) > 0
    for number in range(20):
        tries(throttle, f"locked too {number}", [1.0] * 5)
    assert len(throttle) == 10
    assert throttle.wait("locked too 19", 1) > 0


@given(st.lists(st.floats(0, 500), min_size=1, max_size=200))
def test_t27_no_pattern_of_tries_gets_past_the_rate(gaps: list[float]) -> None:
    throttle = Throttle()
    now, through = 0.0, []
    for gap in gaps:
        now += gap
        wait = throttle.wait("a", now)
        assert 0 <= wait <= LONGEST_LOCK_S
        if wait == 0:
            throttle.failed("a", now)
            through.append(now)
    for start in through:
        assert sum(start <= one < start + 60 for one in through) <= 5
