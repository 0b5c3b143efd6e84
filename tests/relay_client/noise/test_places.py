"""Where a device and its daemon meet: the same for both, another one each day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.noise.places import APART_S, day_of, days_at, place
from sereno.relay_client.server_ids import is_server_id, make_server_id

SECRET = bytes(range(32))
TIMES = st.floats(0, 4_000_000_000, allow_nan=False)


def test_t14_the_ids_of_two_days_and_of_two_devices_have_nothing_in_common() -> None:
    found = {place(bytes([one]) * 32, day) for one in range(20) for day in range(20_000, 20_100)}
    assert len(found) == 20 * 100
    common = set.intersection(*(set(zip(range(16), one, strict=True)) for one in found))
    assert "".join(letter for _, letter in sorted(common)) == "srv_"


def test_t14_an_id_of_a_day_looks_like_any_other() -> None:
    found = place(SECRET, 20_000)
    assert is_server_id(found)
    assert len(found) == len(make_server_id(bytes(9)))
    assert place(SECRET, 20_000) == found


@given(TIMES, st.floats(-APART_S + 1, APART_S - 1, allow_nan=False))
def test_a_daemon_waits_wherever_a_device_may_call(now_s: float, apart_s: float) -> None:
    assert day_of(max(0.0, now_s + apart_s)) in days_at(now_s)


@given(TIMES)
def test_it_waits_at_two_places_each_for_a_day(now_s: float) -> None:
    first, second = days_at(now_s)
    assert second == first + 1
    assert days_at(now_s + 2 * APART_S) == (second, second + 1)
