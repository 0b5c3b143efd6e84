"""The request panel's machine and its key gate, with a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from sereno.core.protocol.permissions import Allow, Deny
from sereno.tui.widgets.request_panel_effects import Focus, Send
from sereno.tui.widgets.request_panel_gate import BURST_S, DEAD_S, QUIET_S, REPEAT_S
from sereno.tui.widgets.request_panel_state import Phase
from tests.tui.widgets.desk_place import ALWAYS, NEVER, ONCE, REJECT, Person, request


def test_t44_a_key_answers_only_after_the_dead_time() -> None:
    person = Person(request())
    person.effects += person.desk.take_keyboard(person.now)
    person.wait(DEAD_S - 0.01)
    person.press("y")
    assert person.sent == []
    person.wait(REPEAT_S)
    person.press("y")
    assert person.sent == [Send("1", Allow())]


@pytest.mark.parametrize("key", ["x", "enter", "down", "escape", "y"])
def test_t44_any_key_in_the_dead_time_starts_it_again(key: str) -> None:
    person = Person(request())
    person.effects += person.desk.take_keyboard(person.now)
    person.wait(DEAD_S - 0.1)
    person.press(key)
    person.wait(DEAD_S - BURST_S - 0.01)
    person.press("n")
    assert person.sent == []
    assert person.desk.phase is Phase.ASKING


def test_t44_enter_never_allows() -> None:
    person = Person(request())
    person.look()
    for _ in range(5):
        person.press("enter", then=REPEAT_S + DEAD_S)
    assert person.sent == []


@pytest.mark.parametrize("first", [0.03, 0.25, 0.5, 0.66, 0.99])
def test_t44_a_held_key_answers_one_request_and_not_the_next(first: float) -> None:
    person = Person(request("1"), request("2"))
    person.look()
    person.press("y", then=0.0)
    person.wait(BURST_S)
    assert person.sent == [Send("1", Allow())]
    person.open.pop(0)
    person.update()
    person.desk.end_seen = True
    person.wait(first - BURST_S if first > BURST_S else 0.01)
    for _ in range(200):
        person.press("y", then=0.03)
    assert [send.request_id for send in person.sent] == ["1"]


def test_t44_a_key_held_from_before_does_not_answer() -> None:
    person = Person(request())
    for _ in range(50):
        person.desk.typed(person.now, "y")
        person.wait(0.03)
    person.effects += person.desk.take_keyboard(person.now)
    for _ in range(100):
        person.press("y", then=0.03)
    assert person.sent == []


@pytest.mark.parametrize("text", ["yes", "no, never", "yyyy", "s\r", "nnn"])
def test_t44_a_paste_without_brackets_answers_nothing(text: str) -> None:
    person = Person(request(actions=[ONCE, ALWAYS, REJECT]))
    person.look()
    person.wait(5)
    for character in text:
        person.effects += person.desk.key(person.now, "enter" if character == "\r" else character)
        person.wait(0.002)
    person.wait(5)
    assert person.sent == []


def test_t44_a_bracketed_paste_answers_nothing_and_starts_the_dead_time() -> None:
    person = Person(request())
    person.look()
    person.effects += person.desk.key(person.now, "y")
    person.desk.pasted(person.now)
    person.wait(DEAD_S - 0.1)
    person.press("n")
    assert person.sent == []


def test_t44_a_key_that_means_nothing_makes_the_others_dead() -> None:
    person = Person(request())
    person.look()
    person.press("p", then=0.2)
    person.press("y")
    assert person.sent == []
    assert "dead" in person.desk.remark


def test_t44_the_keyboard_comes_only_to_someone_who_does_not_type() -> None:
    person = Person(request())
    desk = person.desk
    desk.typed(person.now)
    person.wait(QUIET_S - 0.01)
    assert not desk.may_take_keyboard(person.now, composer_empty=True)
    person.wait(0.02)
    assert desk.may_take_keyboard(person.now, composer_empty=True)
    assert not desk.may_take_keyboard(person.now, composer_empty=False)


def test_t44_a_request_that_was_left_does_not_come_back_by_itself() -> None:
    person = Person(request())
    person.look()
    person.press("tab")
    assert Focus("composer") in person.effects
    person.wait(60)
    assert not person.desk.may_take_keyboard(person.now, composer_empty=True)


def test_t43_y_is_off_until_the_end_was_seen() -> None:
    person = Person(request(actions=[ONCE, ALWAYS, REJECT]), seen=False)
    person.look()
    person.press("y", then=2)
    person.press("s", then=2)
    assert person.sent == []
    assert person.desk.phase is Phase.ASKING
    person.desk.end_seen = True
    person.press("y", then=2)
    assert person.sent == [Send("1", Allow(selected_action_id="once"))]


def test_denying_needs_no_reading_to_the_end() -> None:
    person = Person(request(actions=[ONCE, REJECT]), seen=False)
    person.look()
    person.press("n")
    assert person.sent == [Send("1", Deny(selected_action_id="reject"))]


def test_t43_a_request_that_changes_under_the_eyes_is_asked_anew() -> None:
    person = Person(request(command="ls"))
    person.look()
    person.effects += person.desk.key(person.now, "y")
    person.open = [request(command="rm -rf /")]
    person.update()
    person.wait(BURST_S)
    assert person.sent == []
    assert not person.desk.end_seen
    assert "changed" in person.desk.remark
    person.press("y", then=0.1)
    assert person.sent == []


KEYS = st.sampled_from(
    ["y", "n", "s", "o", "r", "v", "e", "a", "enter", "escape", "tab", "space", "1", "ctrl+j"]
)


@examples(st.lists(st.tuples(KEYS, st.floats(0, 0.59)), max_size=60))
def test_t44_no_stream_of_keys_without_a_pause_ever_answers(
    presses: list[tuple[str, float]],
) -> None:
    person = Person(request(actions=[ONCE, ALWAYS, NEVER, REJECT]))
    person.effects += person.desk.take_keyboard(person.now)
    for key, pause in presses:
        person.press(key, then=pause)
        person.effects += person.desk.take_keyboard(person.now)
    assert person.sent == []


@examples(st.lists(st.tuples(KEYS, st.floats(0, 3)), max_size=80))
def test_t43_an_allow_always_follows_y_or_a_confirmed_option(
    presses: list[tuple[str, float]],
) -> None:
    person = Person(request(actions=[ONCE, ALWAYS, NEVER, REJECT]))
    person.effects += person.desk.take_keyboard(person.now)
    for key, pause in presses:
        before = (person.desk.phase, person.desk.option)
        count = len(person.sent)
        person.press(key, then=pause)
        for send in person.sent[count:]:
            if send.response == Allow(selected_action_id="once"):
                assert (before[0], key) == (Phase.ASKING, "y")
            elif isinstance(send.response, Allow):
                assert (before, key) == ((Phase.CONFIRMING, ALWAYS), "enter")
