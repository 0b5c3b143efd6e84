"""Tokens for files: once, within a minute, for whom they were made."""

from __future__ import annotations

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sereno.core.security.tickets import EACH, LASTS_S, TOTAL, Tickets


def tickets() -> Tickets[int]:
    numbers = count()
    return Tickets(lambda size: f"{next(numbers):0{size}}")


def test_c78_a_token_works_once_and_for_a_minute() -> None:
    book = tickets()
    token = book.make(7, "owner", "owner", 0.0)
    assert book.look(token, "owner", 1.0) == 7
    assert book.take(token, "owner", 59.9) == 7
    assert book.take(token, "owner", 59.9) is None
    assert book.look(token, "owner", 59.9) is None
    late = book.make(8, "owner", "owner", 100.0)
    assert book.take(late, "owner", 100.0 + LASTS_S) is None


def test_a_token_that_shows_up_in_other_hands_is_dead() -> None:
    book = tickets()
    token = book.make(7, "a", "a", 0.0)
    assert book.look(token, "b", 1.0) is None
    assert book.take(token, "b", 1.0) is None
    assert book.take(token, "a", 1.0) is None
    anyone = book.make(8, "a", None, 0.0)
    assert book.take(anyone, "b", 1.0) == 8


def test_who_asks_for_many_ends_their_own() -> None:
    book = tickets()
    mine = book.make(0, "me", "me", 0.0)
    theirs = [book.make(number, "they", "they", 0.0) for number in range(EACH + 1)]
    assert book.take(theirs[0], "they", 1.0) is None
    assert book.take(theirs[1], "they", 1.0) == 1
    assert book.take(mine, "me", 1.0) == 0


def test_there_are_never_more_than_so_many() -> None:
    book = tickets()
    for number in range(TOTAL + 10):
        book.make(number, f"h{number}", f"h{number}", 0.0)
    assert len(book) == TOTAL
    book.make(0, "late", "late", LASTS_S)
    assert len(book) == 1, "those that are over are forgotten"


def test_t74_nothing_that_is_kept_opens_anything() -> None:
    book = tickets()
    token = book.make(7, "owner", "owner", 0.0)
    assert token not in repr(vars(book))
    assert not any(token.encode() in key for key in book._open)


HOLDERS = st.sampled_from(["a", "b"])


class Machine(RuleBasedStateMachine):
    """Against a plain table of what was made and not used."""

    @initialize()
    def begin(self) -> None:
        self.book = tickets()
        self.now = 0.0
        self.made: dict[str, tuple[str | None, float, int]] = {}

    @rule(holder=HOLDERS | st.none(), thing=st.integers())
    def make(self, holder: str | None, thing: int) -> None:
        token = self.book.make(thing, holder or "a", holder, self.now)
        assert token not in self.made
        self.made[token] = (holder, self.now + LASTS_S, thing)

    @rule(data=st.data(), holder=HOLDERS, look=st.booleans())
    def use(self, data: st.DataObject, holder: str, look: bool) -> None:
        token = data.draw(st.sampled_from([*self.made, "unknown"]))
        whose, until, thing = self.made.get(token, (None, -1.0, 0))
        good = thing if self.now < until and whose in (None, holder) else None
        if look:
            assert self.book.look(token, holder, self.now) == good
        else:
            assert self.book.take(token, holder, self.now) == good
            self.made[token] = (None, -1.0, 0)

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def bounded(self) -> None:
        assert len(self.book) <= len(self.made)


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_tickets_are_what_a_plain_table_says = Machine.TestCase
