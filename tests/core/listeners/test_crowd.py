"""T31: how many may stand at the doors, and who goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.listeners.crowd import EACH, FAILURES, GRACE_S, TOTAL, YOUNG_S, Crowd


def test_t31_the_numbers_are_those_of_section_f() -> None:
    assert (TOTAL, EACH, FAILURES) == (64, 8, 10)


def test_t31_one_address_keeps_eight_places() -> None:
    crowd: Crowd[int] = Crowd()
    for one in range(20):
        assert crowd.enter(one, "a", 0.0) == []  # many at once are no attack
    assert crowd.excess("a", GRACE_S - 0.01) == []
    assert crowd.excess("a", GRACE_S) == list(range(12))
    assert len(crowd) == EACH
    assert crowd.enter(20, "a", GRACE_S + 1) == [12]


def test_t31_a_full_place_gives_way_to_newer_ones_by_the_address_that_has_most() -> None:
    crowd: Crowd[int] = Crowd(total=10, each=100)
    for one in range(9):
        crowd.enter(one, "flood", 0.0)
    crowd.enter(9, "other", 0.0)
    assert crowd.wait(GRACE_S / 2) == GRACE_S / 2  # nobody has to go so soon
    assert crowd.wait(GRACE_S) == 0
    assert crowd.enter(10, "person", GRACE_S) == [0]
    assert len(crowd) == 10
    for _ in range(FAILURES):
        crowd.failed("flood", GRACE_S)
    assert crowd.enter(11, "flood", GRACE_S) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert crowd.wait(GRACE_S) == 0


def test_t31_an_address_known_for_failures_gets_less_time() -> None:
    crowd: Crowd[int] = Crowd(total=2)
    for _ in range(FAILURES):
        crowd.failed("flood", 0.0)
    crowd.enter(0, "flood", 0.0)
    crowd.enter(1, "flood", 0.0)
    assert crowd.wait(0.0) == YOUNG_S
    assert crowd.enter(2, "person", YOUNG_S) == [0]


def test_who_is_judged_makes_room_for_nobody() -> None:
    crowd: Crowd[int] = Crowd(total=2, each=1)
    crowd.enter(0, "a", 0.0)
    crowd.hold(0)
    crowd.enter(1, "a", 5.0)
    assert crowd.excess("a", 5.0) == []
    crowd.hold(1)
    assert crowd.wait(100.0) > 0
    crowd.hold(0, False)
    assert crowd.wait(100.0) == 0


def test_an_address_that_failed_ten_times_in_a_minute_has_one_place() -> None:
    crowd: Crowd[int] = Crowd()
    for second in range(FAILURES):
        crowd.failed("a", float(second))
    for one in range(4):
        crowd.enter(one, "a", 10.0)
        crowd.enter(10 + one, "b", 10.0)
    assert crowd.excess("a", 12.0) == [0, 1, 2]
    assert crowd.excess("b", 12.0) == []
    assert crowd.strikes("a", 59.0) == FAILURES
    assert crowd.strikes("a", 60.5) == FAILURES - 1
    assert crowd.strikes("a", 1000.0) == 0


def test_what_is_remembered_is_bounded() -> None:
    crowd: Crowd[int] = Crowd()
    for number in range(10_000):
        crowd.failed(str(number), 0.0)
    assert len(crowd._strikes) <= 4_096
    assert crowd.strikes("9999", 0.0) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["enter", "hold", "leave", "thin"])),
        max_size=80,
    )
)
def test_it_never_holds_more_than_it_may(steps: list[tuple[str, str]]) -> None:
    crowd: Crowd[int] = Crowd(total=6, each=3)
    standing: dict[int, str] = {}
    now = 0.0
    for number, (key, what) in enumerate(steps):
        now += 0.3
        gone: list[int] = []
        if what == "enter" and crowd.wait(now) == 0:
            gone = crowd.enter(number, key, now)
            standing[number] = key
        elif what == "thin":
            gone = crowd.excess(key, now)
        elif standing and what == "hold":
            crowd.hold(next(iter(standing)))
        elif standing:
            oldest = next(iter(standing))
            crowd.leave(oldest)
            del standing[oldest]
        for one in gone:
            del standing[one]
        assert len(crowd) == len(standing) <= 6
