"""The typed code: the right one hands the offer over, a wrong one ends it, once and for all."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.relay_client.noise.codes import Code
from sereno.relay_client.noise.effects import Cause, Close, Send
from sereno.relay_client.noise.padding import BUCKETS
from sereno.relay_client.noise.talk import HANDSHAKE_S
from sereno.relay_client.noise.typed import (
    MEETINGS,
    Effect,
    Handed,
    TypedClient,
    TypedDaemon,
    TypedOffer,
)
from tests.relay_client.noise.links import counting

CODE = Code.parse("48291-copper-tuition-anchor")
WRONG = Code.parse("48291-copper-tuition-anger")
LINK = "sereno://pair#123"


def offer() -> TypedOffer:
    return TypedOffer(CODE, LINK, counting("daemon"))


def sent(effects: list[Effect]) -> bytes:
    [frame] = [effect.frame for effect in effects if isinstance(effect, Send)]
    return frame


def met(ours: TypedOffer) -> TypedDaemon:
    theirs = ours.meet(0.0)
    assert theirs is not None
    return theirs


def proven(theirs: TypedDaemon, client: TypedClient) -> bytes:
    """The client's proof, after both have told their part."""
    return sent(client.receive(sent(theirs.receive(sent(client.start(0.0))))))


def test_the_right_code_hands_the_link_over_once() -> None:
    ours = offer()
    theirs, client = met(ours), TypedClient(CODE, counting("client"))
    handing = theirs.receive(proven(theirs, client))
    assert handing[1:] == [Handed(LINK), Close(Cause.DONE)]
    assert client.receive(sent(handing)) == [Handed(LINK), Close(Cause.DONE)]
    assert len(sent(handing)) in BUCKETS
    assert ours.spent
    assert ours.meet(0.0) is None
    assert LINK not in repr(handing[1])


def test_t28_one_wrong_guess_ends_it() -> None:
    ours = offer()
    theirs, guess = met(ours), TypedClient(WRONG, counting("guess"))
    assert theirs.receive(proven(theirs, guess)) == [Close(Cause.WRONG_CODE)]
    assert ours.spent
    assert ours.meet(0.0) is None
    assert guess.gone() == [Close(Cause.WRONG_CODE)]


def test_t28_guesses_are_not_made_beside_each_other() -> None:
    ours = offer()
    first = met(ours)
    assert ours.meet(0.0) is None
    first.gone()
    second = met(ours)
    assert second.tick(HANDSHAKE_S) == [Close(Cause.LATE)]
    assert not ours.spent


def test_who_comes_and_never_proves_anything_ends_it_at_last() -> None:
    ours = offer()
    for _ in range(MEETINGS):
        met(ours).gone()
    assert ours.meet(0.0) is None
    assert ours.spent


def test_c24_nothing_seen_before_opens_anything() -> None:
    """A proof that was recorded is worth nothing to another meeting, nor is a link."""
    ours = offer()
    theirs, client = met(ours), TypedClient(CODE, counting("client"))
    first = sent(client.start(0.0))
    proof = sent(client.receive(sent(theirs.receive(first))))
    theirs.gone()
    again = met(ours)
    again.receive(first)
    assert again.receive(proof) == [Close(Cause.WRONG_CODE)]


def test_a_relay_in_the_place_of_the_daemon_has_one_guess() -> None:
    relay = TypedOffer(WRONG, LINK, counting("relay"))
    client = TypedClient(CODE, counting("client"))
    theirs = met(relay)
    assert theirs.receive(proven(theirs, client)) == [Close(Cause.WRONG_CODE)]
    assert client.receive(bytes(64)) == [Close(Cause.WRONG_CODE)]


def test_t07_what_is_sent_back() -> None:
    client = TypedClient(CODE, counting("client"))
    assert client.receive(sent(client.start(0.0))) == [Close(Cause.UNTIMELY)]
    theirs, client = met(offer()), TypedClient(CODE, counting("client"))
    proof = proven(theirs, client)
    assert client.receive(proof) == [Close(Cause.WRONG_CODE)]


def test_t09_plain_text_and_what_comes_too_early_or_late() -> None:
    client = TypedClient(CODE, counting("client"))
    assert client.receive(b"") == [Close(Cause.UNTIMELY)]
    assert client.receive(b"") == client.receive("") == client.gone() == client.tick(99.0) == []
    with pytest.raises(RuntimeError):
        client.start(0.0)
    assert met(offer()).receive("{}") == [Close(Cause.PLAINTEXT)]
    client = TypedClient(CODE, counting("client"))
    client.start(5.0)
    assert client.wakes_at == 5.0 + HANDSHAKE_S
    assert client.tick(5.0 + HANDSHAKE_S) == [Close(Cause.LATE)]
    assert client.wakes_at is None
    client = TypedClient(CODE, counting("client"))
    client.start(0.0)
    assert client.gone() == [Close(Cause.INTERRUPTED)]


def test_t18_it_is_never_written() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(TypedClient(CODE, counting("client")))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"A" * 32,
        b"A" * 34,
        b"B" + bytes(32),
        b"S" + bytes(32),
        b"A" + bytes(31) + b"\x01",  # on no curve
        b"A" + bytes([1]) + bytes(31),  # nothing
        b"A" + b"\xec" + b"\xff" * 30 + b"\x7f",  # of order two
        b"A" + bytes(32),  # of order four
        b"A" + b"\xff" * 32,
    ],
)
def test_t10_points_that_are_none(data: bytes) -> None:
    assert met(offer()).receive(data) == [Close(Cause.UNTIMELY)]
    client = TypedClient(CODE, counting("client"))
    client.start(0.0)
    assert client.receive(data.replace(b"A", b"B")) == [Close(Cause.UNTIMELY)]


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=40) | st.binary(min_size=32, max_size=32).map(lambda data: b"A" + data))
def test_t10_no_bytes_break_the_exchange(data: bytes) -> None:
    theirs = met(offer())
    effects = theirs.receive(data)
    if effects != [Close(Cause.UNTIMELY)]:
        assert len(sent(effects)) == 33
        assert theirs.receive(data) == [Close(Cause.WRONG_CODE)]
