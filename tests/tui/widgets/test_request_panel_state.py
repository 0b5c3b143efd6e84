"""The request panel's machine and its key gate, with a clock of the test's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from sereno.core.protocol.permissions import Allow, Deny, PermissionAction, PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import UNSET
from sereno.tui.widgets.request_panel_effects import AskWords, Effect, Focus, Page, Scroll, Send
from sereno.tui.widgets.request_panel_gate import BURST_S, DEAD_S, QUIET_S, REPEAT_S
from sereno.tui.widgets.request_panel_state import Desk, Phase

ONCE = PermissionAction(id="once", label="Allow", behavior="allow")
ALWAYS = PermissionAction(id="always", label="Always allow", behavior="allow", standing=True)
NEVER = PermissionAction(id="never", label="Never", behavior="deny", standing=True)
REJECT = PermissionAction(id="reject", label="Reject", behavior="deny")


def request(name: str = "1", command: str = "make", **more: Any) -> PermissionRequest:
    return PermissionRequest(
        id=name,
        provider="demo",
        name="Bash",
        kind="tool",
        detail=ShellDetail(command=command),
        **more,
    )


class Person:
    """A desk and somebody in front of it; time only passes when it is told to."""

    def __init__(self, *requests: PermissionRequest, seen: bool = True) -> None:
        self.now = 1000.0
        self.desk = Desk()
        self.effects: list[Effect] = []
        self.open = list(requests)
        self.update()
        self.desk.end_seen = seen

    def update(self) -> None:
        self.effects += self.desk.update(self.now, self.open)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        wake = self.desk.wake_at
        if wake is not None and wake <= until:
            self.effects += self.desk.tick(wake)
        self.now = until

    def press(self, key: str, *, then: float = BURST_S) -> None:
        self.effects += self.desk.key(self.now, key)
        self.wait(then)

    def look(self) -> None:
        """Takes the keyboard and waits until the keys work."""
        self.effects += self.desk.take_keyboard(self.now)
        self.wait(DEAD_S)

    @property
    def sent(self) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send)]


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


def test_a_new_request_queues_behind_and_never_replaces() -> None:
    person = Person(request("1"))
    person.look()
    person.open.append(request("2"))
    person.update()
    assert person.desk.current is not None
    assert person.desk.current.id == "1"
    assert person.desk.place == (1, 2)
    person.press("y")
    assert person.sent == [Send("1", Allow())]
    person.open.pop(0)
    person.update()
    assert person.desk.current.id == "2"
    assert not person.desk.end_seen


def test_an_older_request_that_arrives_late_does_not_replace_the_one_on_the_screen() -> None:
    person = Person(request("2"))
    person.look()
    person.open.insert(0, request("1"))
    person.update()
    assert person.desk.current is not None
    assert person.desk.current.id == "2"


def test_t44_when_another_client_answers_the_next_request_is_dead_at_first() -> None:
    person = Person(request("1"), request("2"))
    person.look()
    person.effects += person.desk.key(person.now, "y")
    person.open.pop(0)
    person.update()
    person.desk.end_seen = True
    person.wait(BURST_S)
    person.press("y", then=0.3)
    assert person.sent == []


def test_decide_later_shows_the_next_and_then_rests() -> None:
    person = Person(request("1"), request("2"))
    person.look()
    person.press("escape", then=2)
    assert person.desk.current is not None
    assert person.desk.current.id == "2"
    assert person.desk.phase is Phase.SHOWN
    person.look()
    person.press("escape", then=2)
    assert person.desk.phase is Phase.PUT_OFF
    person.effects += person.desk.take_keyboard(person.now)
    assert person.desk.phase is Phase.ASKING
    assert person.desk.current is not None
    assert person.desk.current.id == "1"


def test_a_new_request_is_shown_while_another_is_put_off() -> None:
    person = Person(request("1"))
    person.look()
    person.press("escape")
    person.open.append(request("2"))
    person.update()
    assert person.desk.current is not None
    assert (person.desk.current.id, person.desk.phase) == ("2", Phase.SHOWN)


def test_s_shows_the_exact_option_and_enter_sends_it() -> None:
    person = Person(request(actions=[ONCE, ALWAYS, NEVER, REJECT]))
    person.look()
    person.press("s")
    assert (person.desk.phase, person.desk.option) == (Phase.CONFIRMING, ALWAYS)
    assert person.sent == []
    person.press("enter", then=0.1)
    assert person.sent == [], "the dead time holds here too"
    person.wait(REPEAT_S + DEAD_S)
    person.press("enter")
    assert person.sent == [Send("1", Allow(selected_action_id="always"))]


def test_s_does_nothing_where_the_agent_offers_no_standing_answer() -> None:
    person = Person(request(actions=[ONCE, REJECT]))
    person.look()
    person.press("s")
    assert person.desk.phase is Phase.ASKING
    assert "does not offer" in person.desk.remark


def test_t43_a_standing_option_is_never_taken_for_a_plain_allow() -> None:
    person = Person(request(actions=[ALWAYS, REJECT]))
    person.look()
    person.press("y")
    assert person.sent == []
    person = Person(request(actions=[ALWAYS, ONCE, NEVER, REJECT]))
    person.look()
    person.press("y")
    assert person.sent == [Send("1", Allow(selected_action_id="once"))]


def test_other_answers_are_picked_by_number_and_confirmed() -> None:
    second = PermissionAction(id="second", label="Allow and plan", behavior="allow")
    person = Person(request(actions=[ONCE, second, NEVER, REJECT]))
    person.look()
    person.press("o", then=1)
    assert person.desk.phase is Phase.CHOOSING
    person.press("2", then=1)
    assert person.desk.option == NEVER
    person.press("enter")
    assert person.sent == [Send("1", Deny(selected_action_id="never"))]


def test_r_denies_with_words() -> None:
    person = Person(request(actions=[ONCE, REJECT]))
    person.look()
    person.press("r")
    assert AskWords("deny") in person.effects
    person.effects += person.desk.words(person.now, "deny", " use the fixture ")
    expected = Deny(selected_action_id="reject", message="use the fixture")
    assert person.sent == [Send("1", expected)]


def test_leaving_the_words_goes_back_and_answers_nothing() -> None:
    person = Person(request())
    person.look()
    person.press("r")
    person.effects += person.desk.words(person.now, "deny", None)
    assert person.desk.phase is Phase.ASKING
    assert person.sent == []


def test_t44_a_request_that_ends_while_words_are_typed_gives_the_keys_to_nobody() -> None:
    person = Person(request("1"), request("2"))
    person.look()
    person.press("r")
    person.open.pop(0)
    person.update()
    assert person.desk.phase is Phase.SHOWN
    assert person.effects[-1] == Focus("composer")


def test_e_only_where_the_agent_takes_a_change() -> None:
    person = Person(request())
    person.look()
    person.press("e")
    assert person.desk.phase is Phase.ASKING
    metadata = {"sereno": {"editable": True}}
    person = Person(request(input={"command": "make", "x": 1}, metadata=metadata))
    person.look()
    person.press("e")
    assert AskWords("edit", "make") in person.effects
    person.effects += person.desk.words(person.now, "edit", "make test")
    assert person.sent == [Send("1", Allow(updated_input={"command": "make test", "x": 1}))]


def test_a_refused_answer_is_asked_again() -> None:
    person = Person(request())
    person.look()
    person.press("y")
    assert person.desk.phase is Phase.SENT
    person.press("n", then=2)
    assert len(person.sent) == 1
    person.effects += person.desk.failed(person.now, "1", "The daemon is away.")
    assert person.desk.phase is Phase.ASKING
    assert person.desk.remark == "The daemon is away."
    person.wait(DEAD_S)
    person.press("n")
    assert person.sent[-1] == Send("1", Deny())


def test_scrolling_and_the_pager() -> None:
    person = Person(request())
    person.look()
    person.press("space", then=2)
    person.press("j", then=2)
    person.press("v", then=2)
    found = [effect for effect in person.effects if isinstance(effect, Scroll | Page)]
    assert found == [Scroll(1, whole=True), Scroll(1), Page()]


def test_without_options_the_answer_names_none() -> None:
    person = Person(request())
    person.look()
    person.press("n")
    response = person.sent[0].response
    assert isinstance(response, Deny)
    assert response.selected_action_id is UNSET


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
