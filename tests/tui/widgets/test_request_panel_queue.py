"""The request panel's machine: requests that wait their turn, and every way to answer."""

from __future__ import annotations

from sereno.core.protocol.permissions import Allow, Deny, PermissionAction
from sereno.core.protocol.values import UNSET
from sereno.tui.widgets.request_panel_effects import AskWords, Focus, Page, Scroll, Send
from sereno.tui.widgets.request_panel_gate import BURST_S, DEAD_S, REPEAT_S
from sereno.tui.widgets.request_panel_state import Phase
from tests.tui.widgets.desk_place import ALWAYS, NEVER, ONCE, REJECT, Person, request


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
