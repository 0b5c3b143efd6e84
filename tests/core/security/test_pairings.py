"""A pairing's two tables: every way through them, and what can never happen."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sereno.core.security.pairings import (
    ASKED,
    CLIENT_BYTES,
    LASTS_MS,
    SET_BACK_MS,
    TABLE,
    Asked,
    AskedEvent,
    Event,
    Impossible,
    Knock,
    Pairing,
    Question,
    State,
    client_mark,
    knocked,
    offered,
    taken_over,
)

MADE = 1_777_000_000_000
A, B, C = (bytes([number]) * CLIENT_BYTES for number in (1, 2, 3))


def offer(**fields: object) -> Pairing:
    return offered("off_1", "srv_1", "app", MADE, **fields)  # type: ignore[arg-type]


def asking(client: bytes = A) -> Pairing:
    return knocked(offer(), client, MADE + 1)[0]


def bound(client: bytes = A) -> Pairing:
    return asking(client).move(Event.YES, MADE + 2)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_the_table_says_what_can_happen_and_nothing_else(state: State, event: Event) -> None:
    start = {
        State.OPEN: offer(),
        State.ASKING: asking(),
        State.PAIRED: bound(),
        State.ENDED: offer().move(Event.CLOSE, MADE),
    }[state]
    if (state, event) not in TABLE:
        with pytest.raises(Impossible):
            start.move(event, MADE + 5)
        return
    after = start.move(event, MADE + 5)
    assert after.state is TABLE[state, event]
    assert (after.ended is not None) is (after.state is State.ENDED)
    assert after.ended_ms == (MADE + 5 if after.ended else None)
    assert not (after.client and after.ended), "nothing is kept of who came by what is dead"


def test_t16_an_offer_that_nobody_uses_is_dead_after_ten_minutes() -> None:
    assert not offer().due(MADE + LASTS_MS - 1)
    assert offer().due(MADE + LASTS_MS)


def test_c51_a_clock_that_is_set_back_prolongs_no_offer_and_no_question() -> None:
    """By a little it may be corrected; by more the ten minutes would become hours."""
    assert not offer().due(MADE - SET_BACK_MS)
    assert offer().due(MADE - SET_BACK_MS - 1)
    assert not question().due(MADE - SET_BACK_MS)
    assert question().due(MADE - SET_BACK_MS - 1)
    after, verdict = knocked(offer(), A, MADE + LASTS_MS)
    assert (after.state, after.ended, verdict) == (State.ENDED, "expired", Knock.SHUT)


def test_a_question_keeps_its_offer_alive_while_the_client_asks_again() -> None:
    late = MADE + LASTS_MS - 1
    pairing, verdict = knocked(offer(), A, late)
    assert verdict is Knock.ASK
    assert not pairing.due(late + LASTS_MS - 1)
    again, verdict = knocked(pairing, A, late + LASTS_MS - 1)
    assert verdict is Knock.ASK
    assert not again.due(late + LASTS_MS)
    assert again.due(late + 2 * LASTS_MS)


def test_t04_a_second_client_before_the_first_is_confirmed_ends_the_offer() -> None:
    after, verdict = knocked(asking(A), B, MADE + 2)
    assert (after.state, after.ended, verdict) == (State.ENDED, "contested", Knock.SHUT)
    assert knocked(after, A, MADE + 3)[1] is Knock.SHUT


def test_c52_a_pairing_lets_its_own_client_in_and_nobody_else() -> None:
    pairing = bound(A)
    assert knocked(pairing, A, MADE + 3 * LASTS_MS) == (pairing, Knock.ENTER)
    assert knocked(pairing, B, MADE + 3) == (pairing, Knock.SHUT)
    assert not pairing.due(MADE + 10 * LASTS_MS)


def test_an_imported_pairing_is_bound_to_nobody() -> None:
    pairing = taken_over("off_1", "srv_1", MADE)
    assert (pairing.state, pairing.kind, pairing.client) == (State.PAIRED, "paseo", None)
    assert not pairing.due(MADE + LASTS_MS)


class Life(RuleBasedStateMachine):
    """Any order of knocks, answers and time; a second book is kept by hand."""

    @initialize()
    def make(self) -> None:
        self.now = MADE
        self.pairing = offer()
        self.confirmed: bytes | None = None
        self.asked: set[bytes] = set()

    @rule(client=st.sampled_from([A, B, C]))
    def knock(self, client: bytes) -> None:
        before = self.pairing
        was_due = before.due(self.now)
        self.pairing, verdict = knocked(before, client, self.now)
        if verdict is Knock.ENTER:
            assert client == self.confirmed
            assert before.state is State.PAIRED
        if verdict is Knock.ASK:
            assert self.confirmed is None
            assert not was_due
            self.asked.add(client)
            assert self.asked == {client}, "only one client is ever asked about"
        if before.state is State.ENDED:
            assert self.pairing is before

    @rule(seconds=st.integers(0, 700))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1000

    @precondition(lambda self: self.pairing.state is State.ASKING)
    @rule()
    def say_yes(self) -> None:
        self.pairing = self.pairing.move(Event.YES, self.now)
        self.confirmed = self.pairing.client

    @rule(event=st.sampled_from([one for one in Event if one not in (Event.YES, Event.KNOCK)]))
    def something_happens(self, event: Event) -> None:
        before = self.pairing
        try:
            self.pairing = before.move(event, self.now)
        except Impossible:
            assert (before.state, event) not in TABLE
        else:
            assert self.pairing.state is State.ENDED

    @invariant()
    def who_is_bound_was_confirmed(self) -> None:
        if self.pairing.state is State.PAIRED:
            assert self.pairing.client == self.confirmed is not None
        if self.pairing.state is State.OPEN:
            assert self.pairing.client is None


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25)


# The question


def question() -> Question:
    return Question("ask_1", "srv_1", A, "mobile", None, (), MADE, MADE + LASTS_MS)


@pytest.mark.parametrize("state", Asked)
@pytest.mark.parametrize("event", AskedEvent)
def test_a_question_is_answered_once(state: Asked, event: AskedEvent) -> None:
    ways = {
        Asked.WAITING: None,
        Asked.ALLOWED: AskedEvent.YES,
        Asked.REFUSED: AskedEvent.NO,
        Asked.OVER: AskedEvent.END,
    }
    way = ways[state]
    start = question() if way is None else question().move(way, MADE)
    if (state, event) in ASKED:
        assert start.move(event, MADE).state is ASKED[state, event]
        assert state is Asked.WAITING
    else:
        with pytest.raises(Impossible):
            start.move(event, MADE)


def test_asking_again_gives_a_question_more_time() -> None:
    again = question().move(AskedEvent.AGAIN, MADE + 5)
    assert again.until_ms == MADE + 5 + LASTS_MS
    assert question().due(MADE + LASTS_MS)
    assert not again.due(MADE + LASTS_MS)
    assert not again.move(AskedEvent.YES, MADE).due(MADE + 3 * LASTS_MS)


# What is kept of a client

IDS = st.text(string.printable, min_size=1, max_size=80)


@given(IDS, IDS, st.binary(min_size=32, max_size=32))
def test_t14_a_client_is_kept_as_a_mark_that_is_good_for_one_pairing_only(
    server_id: str, client_id: str, device_key: bytes
) -> None:
    mark = client_mark(server_id, client_id)
    assert len(mark) == CLIENT_BYTES
    assert mark == client_mark(server_id, client_id)
    assert mark != client_mark(server_id + "x", client_id)
    assert mark != client_mark(server_id, client_id + "x")
    assert client_mark(server_id, client_id.encode()) != mark, "a key never counts as an id"
    assert client_mark(server_id, device_key) != mark


def test_nothing_of_a_client_is_in_what_is_logged() -> None:
    text = f"{bound(A)!r} {question()!r}"
    assert A.hex() not in text
    assert repr(A) not in text
