"""A secret that lets somebody in once (C-51, T16, T39)."""

from __future__ import annotations

from itertools import count

from msgspec.structs import replace

from sereno.core.security import tokens
from sereno.core.security.gate import Admit, Gate, Refuse
from sereno.core.security.offers import LASTS_S, Offers
from sereno.core.security.passwords import check_new
from sereno.core.security.roles import Role
from tests.core.security.test_gate import HASH, LAN, LOCKED, OPEN, facts


def numbered() -> Offers:
    numbers = count()
    return Offers(lambda size: f"secret-{next(numbers)}-of-{size}")


def test_c51_an_offer_is_taken_once() -> None:
    offers = numbered()
    offer = offers.make(0)
    assert offers.take("another", 1) is None
    assert offers.take(offer.secret, 1) == "offer-1"
    assert offers.take(offer.secret, 1) is None


def test_c51_an_offer_lasts_ten_minutes() -> None:
    offers = numbered()
    assert offers.make(0).lasts_s == LASTS_S == 600
    one, two = offers.make(0), offers.make(0)
    assert offers.take(one.secret, 599.9) is not None
    assert offers.take(two.secret, 600) is None
    assert offers.take(two.secret, 1) is None


def test_the_oldest_of_too_many_is_withdrawn() -> None:
    offers = numbered()
    made = [offers.make(0).secret for _ in range(9)]
    assert offers.take(made[0], 1) is None
    assert all(offers.take(secret, 1) is not None for secret in made[1:])


def test_withdrawing_ends_the_open_and_names_the_taken() -> None:
    offers = numbered()
    taken, still_open = offers.make(0), offers.make(0)
    name = offers.take(taken.secret, 0)
    assert offers.withdraw() == (name,)
    assert offers.take(still_open.secret, 0) is None
    assert offers.withdraw() == ()


def test_c51_whoever_shows_it_first_is_an_operator_and_the_second_is_refused() -> None:
    for settings in (OPEN, LOCKED):
        for where in (LAN, {}):
            gate = Gate(settings)
            secret = gate.offer(0).secret
            check_new(secret)  # so that it passes wherever a password does
            given = facts(where or {**LAN}, secret)
            assert gate.judge(given, 1) == Admit(Role.OPERATOR, "offer-1:operator")
            second = gate.judge(given, 1)
            assert not isinstance(second, Admit)


def test_c51_two_offers_are_two_credentials() -> None:
    """So nobody joins the session of whom another code let in."""
    gate = Gate(LOCKED)
    verdicts = {gate.judge(facts(LAN, gate.offer(0).secret), 0) for _ in range(3)}
    assert len({one.credential for one in verdicts if isinstance(one, Admit)}) == 3


def test_t46_an_agent_that_shows_an_offer_is_an_agent() -> None:
    gate = Gate(LOCKED)
    verdict = gate.judge(facts(secret=gate.offer(0).secret, agent=True), 0)
    assert isinstance(verdict, Admit)
    assert verdict.role is Role.AGENT


def test_t39_a_new_token_or_password_ends_offers_and_whom_they_let_in() -> None:
    for change in ({"token_digest": tokens.digest("f" * 64)}, {"password_hash": HASH + "x"}):
        gate = Gate(LOCKED)
        taken, still_open = gate.offer(0).secret, gate.offer(0).secret
        assert isinstance(gate.judge(facts(LAN, taken), 0), Admit)
        ended = gate.use(replace(LOCKED, **change))
        assert "offer-1:operator" in ended
        assert not isinstance(gate.judge(facts(LAN, still_open), 0), Admit)
    gate = Gate(LOCKED)
    secret = gate.offer(0).secret
    assert not gate.use(replace(LOCKED, hostnames=True)) & {"offer-1:operator"}
    assert isinstance(gate.judge(facts(LAN, secret), 0), Admit)


def test_c51_a_half_closed_peer_does_not_use_an_offer_up() -> None:
    from sereno.core.security.same_user import Sight

    gate = Gate(LOCKED)
    secret = gate.offer(0).secret
    assert isinstance(gate.judge(facts(LAN, secret, sight=Sight.UNCLEAR), 0), Refuse)
    assert isinstance(gate.judge(facts(LAN, secret), 0), Admit)


def test_the_secret_is_not_in_what_a_log_would_print() -> None:
    offer = Gate(LOCKED).offer(0)
    assert offer.secret not in repr(offer)
