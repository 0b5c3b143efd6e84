"""The rules of the control socket (section 2.5 of the wire reference), without any socket."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.relay_client.control import (
    Control,
    Dial,
    Effect,
    Hangup,
    Lost,
    Ready,
    Say,
    State,
    Timing,
    Why,
)

PING = Say('{"type":"ping","ts":1777803630123}')
PONG = Say('{"type":"pong","ts":1777803630123}')
CONNECTED = '{"type":"connected","connectionId":"c"}'
SYNC = '{"type":"sync","connectionIds":[]}'


def control(now: float = 100.0) -> Control:
    return Control(Timing(), now, lambda: 1_777_803_630_123)


def ready(now: float = 100.0) -> Control:
    one = control(now)
    assert one.receive(SYNC, now) == [Ready()]
    return one


def test_it_pings_when_it_opens_and_each_ten_seconds() -> None:
    one = control()
    assert one.start() == [PING]
    assert one.receive(SYNC, 100.1) == [Ready()]
    for at in (110.0, 120.0, 130.0):
        assert one.wakes_at == at
        assert one.tick(at - 0.1) == []
        assert one.tick(at) == [PING]
        one.receive('{"type":"pong","ts":1}', at + 0.1)


@pytest.mark.parametrize(
    "message",
    [
        SYNC,
        CONNECTED,
        '{"type":"disconnected","connectionId":"c"}',
        '{"type":"ping"}',
        '{"type":"pong","ts":1}',
        b'{"type":"pong","ts":1,"more":{}}',
    ],
)
def test_the_first_control_message_of_any_type_makes_it_ready(message: str | bytes) -> None:
    one = control()
    assert one.receive(message, 101.0)[0] == Ready()
    assert one.state is State.READY
    assert Ready() not in one.receive(message, 102.0)


GARBAGE = [
    "",
    "hello",
    "null",
    "[]",
    "{}",
    "{",
    '{"type":"other"}',
    '{"type":1}',
    '{"type":"sync"}',
    '{"type":"sync","connectionIds":"c"}',
    '{"type":"connected"}',
    '{"type":"connected","connectionId":null}',
    '{"type":"connected","connectionId":["c"]}',
    b"\xff\xfe",
    b"\x00" * 100,
    "[" * 100_000,
    '{"type":"sync","connectionIds":' + "[" * 100_000,
    '{"type":"connected","connectionId":"\\ud800"}',
]


@pytest.mark.parametrize("frame", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_no_control_message_changes_nothing_but_counts_as_life(frame: str | bytes) -> None:
    one = control()
    assert one.receive(frame, 107.0) == []
    assert one.tick(108.0) == [Lost(Why.NEVER_READY)]
    other = ready()
    assert other.receive(frame, 135.0) == []
    assert other.tick(140.0) == [PING]


def test_who_is_not_ready_in_eight_seconds_is_left() -> None:
    one = control()
    one.receive("welcome!", 107.0)
    assert one.wakes_at == 108.0
    assert one.tick(107.9) == []
    assert one.tick(108.0) == [Lost(Why.NEVER_READY)]
    assert one.state is State.LOST


def test_who_says_nothing_for_more_than_thirty_seconds_is_left() -> None:
    """Half-open: pings go out, and nothing comes back."""
    one = ready()
    assert [one.tick(at) for at in (110.0, 120.0, 130.0)] == [[PING]] * 3
    assert one.tick(140.0) == [Lost(Why.SILENT)]
    assert one.tick(150.0) == []
    assert one.receive(CONNECTED, 150.0) == []


def test_sync_and_connected_name_whom_to_dial() -> None:
    one = ready()
    assert one.receive('{"type":"sync","connectionIds":["a","b"]}', 101.0) == [Dial(("a", "b"))]
    assert one.receive(CONNECTED, 101.0) == [Dial(("c",))]
    assert one.receive('{"type":"disconnected","connectionId":"c"}', 101.0) == [Hangup("c")]
    assert one.receive('{"type":"ping"}', 101.0) == [PONG]


def test_ids_that_name_nothing_are_passed_over_and_others_taken_once() -> None:
    bad = ["", " ", " a", "a ", "a\nb", "\x1b[2J", "\u202e", "x" * 201, 1, None, ["a"], {"b": 1}]
    message = json.dumps({"type": "sync", "connectionIds": [*bad, "a", "a", "b", "x" * 200]})
    assert ready().receive(message, 101.0) == [Dial(("a", "b", "x" * 200))]
    for one in bad[:8]:
        message = json.dumps({"type": "disconnected", "connectionId": one})
        assert ready().receive(message, 101.0) == []


def test_ten_thousand_ids_are_told_in_one_effect() -> None:
    ids = [f"conn_{number:016x}" for number in range(10_000)]
    message = json.dumps({"type": "sync", "connectionIds": ids})
    assert ready().receive(message, 101.0) == [Dial(tuple(ids))]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 40),
            st.one_of(
                st.none(),
                st.text(),
                st.binary(),
                st.sampled_from(
                    [SYNC, '{"type":"ping"}', '{"type":"connected","connectionId":"c"}']
                ),
            ),
        )
    )
)
def test_whatever_comes_it_is_lost_only_for_silence_and_then_says_nothing(
    events: list[tuple[float, str | bytes | None]],
) -> None:
    """`None`: time goes by only."""
    now = heard = 0.0
    one = control(now)
    was_ready = False
    for wait, frame in events:
        now += wait
        before = one.state
        effects: list[Effect]
        if frame is None:
            effects = one.tick(now)
        else:
            effects = one.receive(frame, now)
            heard = now if before is not State.LOST else heard
        if before is State.LOST:
            assert effects == []
        was_ready = was_ready or Ready() in effects
        assert (one.state is State.READY) == (was_ready and one.state is not State.LOST)
        match [effect for effect in effects if isinstance(effect, Lost)]:
            case [Lost(Why.SILENT)]:
                assert was_ready
                assert now - heard > 30
            case [Lost(Why.NEVER_READY)]:
                assert not was_ready
                assert now >= 8
        if one.state is not State.LOST and frame is None:
            assert one.wakes_at > now
