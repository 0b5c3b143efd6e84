"""The channel of our own clients from the first message to the last: who gets in, what is told
apart, and how it ends (C-16, C-21, C-24; T03, T04, T08, T09, T12, T16, T18).
"""

from __future__ import annotations

from typing import Any

import pytest

from sereno.relay_client.noise.effects import (
    Cause,
    Close,
    Deliver,
    Effect,
    Greeted,
    Opened,
    Send,
)
from sereno.relay_client.noise.handshake import Handshake
from sereno.relay_client.noise.padding import BUCKETS, padded
from sereno.relay_client.noise.proofs import DeviceSecret, OfferSecret, prologue
from sereno.relay_client.noise.states import CLIENT_TABLE, DAEMON_TABLE, FRAMES, Heard, State
from sereno.relay_client.noise.talk import (
    ASK_S,
    HANDSHAKE_BYTES,
    HANDSHAKE_S,
    INTRODUCTION_BYTES,
    Ended,
    NotOpen,
)
from tests.relay_client.noise.links import (
    BOUND,
    DAEMON,
    DEVICE,
    OFFERED,
    SERVER_ID,
    STRANGER,
    asked,
    causes,
    client,
    counting,
    daemon,
    frames,
    greeted,
    of,
    opened,
)
from tests.relay_client.vectors import HELLO, LOW_ORDER


def test_a_pairing_from_the_first_message_to_the_last() -> None:
    theirs, ours = daemon(), client(introduction=b"a laptop")
    of_daemon, of_client = greeted(theirs, ours)
    [seen], [shown] = of(Greeted, of_daemon), of(Greeted, of_client)
    assert (seen.peer, seen.introduction) == (DEVICE.public, b"a laptop")
    assert shown.peer == DAEMON.public
    assert seen.words == shown.words
    assert seen.device_secret == shown.device_secret
    assert seen.device_secret is not None
    assert seen.device_secret.hex() not in repr(seen)
    [welcome] = frames(theirs.confirm(1.0))
    assert ours.receive(welcome, 1.0) == [Opened()]
    messages: list[str | bytes] = ["héllo", b"\x00\xff", "", b"", "x" * 200_000]
    for message in messages:
        for sender, receiver in ((ours, theirs), (theirs, ours)):
            came: list[Effect] = []
            for frame in frames(sender.send(message)):
                came += receiver.receive(frame, 2.0)
            assert came == [Deliver(message)]
    assert ours.cause is None


def test_a_confirmed_device_is_let_in_at_once_and_gets_no_other_secret() -> None:
    theirs = daemon(proof=BOUND, device=DEVICE.public, asks=False)
    ours = client(proof=BOUND)
    of_daemon, of_client = greeted(theirs, ours)
    seen, welcome, is_open = of_daemon
    assert isinstance(seen, Greeted)
    assert seen.device_secret is None
    assert is_open == Opened()
    assert of(Greeted, of_client)[0].device_secret is None
    assert isinstance(welcome, Send)
    assert ours.receive(welcome.frame, 0.0) == [Opened()]


def test_t04_the_secret_of_the_pairing_takes_the_place_of_the_offers() -> None:
    theirs, ours = daemon(), client()
    [seen, *_], _ = greeted(theirs, ours)
    assert isinstance(seen, Greeted)
    assert seen.device_secret
    bound = DeviceSecret(seen.device_secret)
    again = daemon(proof=bound, device=seen.peer, asks=False)
    assert of(Opened, greeted(again, client(proof=bound))[0])
    used = daemon(proof=bound, device=seen.peer, asks=False)
    assert causes(greeted(used, client())[0]) == [Cause.WRONG_PROOF]


@pytest.mark.parametrize(
    ("of_daemon", "of_client", "cause"),
    [
        ({}, {"proof": OfferSecret(b"q" * 16)}, Cause.WRONG_PROOF),
        ({}, {"proof": OfferSecret(b"q" * 32)}, Cause.WRONG_PROOF),
        ({}, {"proof": DeviceSecret(b"p" * 32)}, Cause.WRONG_PROOF),
        (
            {"proof": OfferSecret(b"p" * 32)},
            {"proof": DeviceSecret(b"p" * 32)},
            Cause.WRONG_PROOF,
        ),
        (
            {"proof": BOUND, "device": DEVICE.public},
            {"proof": BOUND, "secret": STRANGER.secret},
            Cause.OTHER_DEVICE,
        ),
    ],
)
def test_c21_t04_who_lacks_a_secret_is_not_even_asked_for(
    of_daemon: dict[str, Any], of_client: dict[str, Any], cause: Cause
) -> None:
    theirs = daemon(**of_daemon)
    effects, _ = greeted(theirs, client(**of_client))
    assert effects == [Close(cause)]
    assert theirs.cause is cause
    assert not cause.clean


@pytest.mark.parametrize(
    "other", [{"server_id": "srv_another"}, {"connection_id": "conn_1"}, {"secret": b"z" * 32}]
)
def test_t03_t05_a_greeting_for_another_place_or_daemon(other: dict[str, Any]) -> None:
    [first] = frames(client().start(0.0))
    assert causes(daemon(**other).receive(first, 0.0)) == [Cause.NOT_FOR_US]


def test_t03_a_relay_that_answers_with_a_key_of_its_own() -> None:
    """Its own daemon would have to hold the key of the offer; another handshake does not fit."""
    ours, another = client(), client(random=counting("other client"))
    theirs = daemon()
    [of_another] = frames(another.start(0.0))
    ours.start(0.0)
    [second] = frames(theirs.receive(of_another, 0.0))
    effects = ours.receive(second, 0.0)
    assert effects == [Close(Cause.WRONG_DAEMON)]
    assert "relay" in Cause.WRONG_DAEMON.words


@pytest.mark.parametrize("point", LOW_ORDER)
def test_t10_a_weak_key_in_an_offer_or_a_greeting(point: bytes) -> None:
    assert client(daemon_key=point).start(0.0) == [Close(Cause.BAD_KEY)]
    [first] = frames(client().start(0.0))
    assert causes(daemon().receive(point + first[32:], 0.0)) == [Cause.NOT_FOR_US]


def test_c16_nothing_of_a_client_is_taken_before_the_yes() -> None:
    theirs, ours = asked()
    with pytest.raises(NotOpen):
        theirs.send("too early")
    with pytest.raises(NotOpen):
        ours.send("too early")
    records = ours._records
    assert records is not None
    for message in ("command", bytes(70_000)):
        theirs, ours = asked()
        assert ours._records is not None
        frame = ours._records.seal(message)[0]
        assert theirs.receive(frame, 0.0) == [Close(Cause.UNTIMELY)]


def test_c16_a_no_is_told_encrypted() -> None:
    theirs, ours = asked()
    [told, close] = theirs.refuse()
    assert close == Close(Cause.REFUSED)
    assert isinstance(told, Send)
    assert ours.receive(told.frame, 0.0) == [Close(Cause.REFUSED)]
    assert theirs.refuse() == theirs.confirm(0.0) == []


def test_nobody_answers_in_time() -> None:
    theirs, ours = asked()
    assert theirs.wakes_at == ASK_S
    assert ours.wakes_at is not None
    assert ours.wakes_at > ASK_S
    assert theirs.tick(ASK_S - 1) == []
    [told, close] = theirs.tick(ASK_S)
    assert close == Close(Cause.NOT_CONFIRMED)
    assert isinstance(told, Send)
    assert ours.receive(told.frame, 0.0) == [Close(Cause.NOT_CONFIRMED)]
    theirs, ours = asked()
    assert causes(ours.tick(ours.wakes_at or 0.0)) == [Cause.NOT_CONFIRMED]


def test_the_question_outlives_the_socket() -> None:
    theirs, _ = asked()
    assert theirs.gone() == [Close(Cause.INTERRUPTED)]
    assert theirs.confirm(1.0) == theirs.refuse() == []
    with pytest.raises(RuntimeError):
        daemon().confirm(0.0)


@pytest.mark.parametrize("make", [daemon, client])
def test_ten_seconds_for_the_handshake(make: Any) -> None:
    one = make()
    if make is client:
        one.start(0.0)
    assert one.wakes_at == HANDSHAKE_S
    assert one.tick(HANDSHAKE_S - 0.1) == []
    assert one.tick(HANDSHAKE_S) == [Close(Cause.LATE)]
    assert one.wakes_at is None
    assert one.tick(HANDSHAKE_S * 2) == one.receive(b"", 0.0) == one.receive("", 0.0) == []
    theirs, ours = daemon(), client()
    theirs.receive(frames(ours.start(0.0))[0], 5.0)
    assert theirs.tick(HANDSHAKE_S) == [Close(Cause.LATE)]


def test_64_kib_for_the_handshake() -> None:
    assert daemon().receive(bytes(HANDSHAKE_BYTES), 0.0) == [Close(Cause.FLOOD)]
    theirs, ours = daemon(), client()
    theirs.receive(frames(ours.start(0.0))[0], 0.0)
    assert theirs.receive(bytes(HANDSHAKE_BYTES - 40), 0.0) == [Close(Cause.FLOOD)]


def test_t13_the_greetings_have_few_sizes_whatever_is_introduced() -> None:
    sizes = set()
    for size in range(0, INTRODUCTION_BYTES + 1, 64):
        theirs, ours = daemon(), client(introduction=bytes(size))
        [first] = frames(ours.start(0.0))
        [second] = frames(theirs.receive(first, 0.0))
        [third] = frames(ours.receive(second, 0.0))
        assert len(first) == len(second) == 48
        [seen] = of(Greeted, theirs.receive(third, 0.0))
        assert seen.introduction == bytes(size)
        sizes.add(len(third))
    assert sizes <= set(BUCKETS)
    with pytest.raises(ValueError):
        client(introduction=bytes(INTRODUCTION_BYTES + 1))


@pytest.mark.parametrize("plain", [HELLO, '{"type":"hello","v":2}', '{"type":"ping"}', ""])
def test_t09_plain_text_ends_it_at_every_time(plain: str) -> None:
    waiting, greeting = daemon(), client()
    greeting.start(0.0)
    for one in (waiting, greeting, *asked(), *opened()):
        assert causes(one.receive(plain, 0.0)) == [Cause.PLAINTEXT]
        with pytest.raises(Ended):
            one.send("more")


def test_t08_a_second_handshake_ends_the_channel() -> None:
    theirs, _ = opened()
    [first] = frames(client(random=counting("again")).start(0.0))
    assert theirs.receive(first, 0.0) == [Close(Cause.BROKEN)]
    theirs, ours = asked()
    [first] = frames(client(random=counting("again")).start(0.0))
    assert theirs.receive(first, 0.0) == [Close(Cause.BROKEN)]
    with pytest.raises(RuntimeError):
        ours.start(0.0)


def test_the_tables_say_something_for_everything() -> None:
    assert set(FRAMES) == set(State)
    assert all(set(row) == {str, bytes} for row in FRAMES.values())
    for table in (DAEMON_TABLE, CLIENT_TABLE):
        assert set(table) == {State.ASKING, State.OPEN, State.SAID, State.HEARD}
        assert all(set(row) == set(Heard) for row in table.values())


def test_what_a_wrong_length_of_a_secret_is() -> None:
    for wrong in (b"", b"1" * 15, b"1" * 31, b"1" * 33):
        with pytest.raises(ValueError):
            OfferSecret(wrong)
        with pytest.raises(ValueError):
            DeviceSecret(wrong)
    with pytest.raises(ValueError):
        daemon(proof=BOUND)
    assert "pppp" not in repr(OfferSecret(b"p" * 16))


def test_a_client_is_told_its_secret_before_its_last_message_goes() -> None:
    theirs, ours = daemon(), client()
    [first] = frames(ours.start(0.0))
    [second] = frames(theirs.receive(first, 0.0))
    kept, last = ours.receive(second, 0.0)
    assert isinstance(kept, Greeted)
    assert isinstance(last, Send)


def _alone(**other: Any) -> Handshake:
    """A side of the handshake that may say what no channel of ours says."""
    given: dict[str, Any] = {
        "psk": OFFERED.mixed(),
        "prologue": prologue(SERVER_ID, ""),
        "ephemeral": b"e" * 32,
    }
    return Handshake(**(given | other))


def test_greetings_hold_nothing_but_what_they_should() -> None:
    other = _alone(static=DEVICE.secret, daemon_key=DAEMON.public)
    assert daemon().receive(other.write(b"more"), 0.0) == [Close(Cause.UNTIMELY)]
    ours, other = client(), _alone(static=DAEMON.secret)
    other.read(frames(ours.start(0.0))[0])
    assert ours.receive(other.write(b"more"), 0.0) == [Close(Cause.UNTIMELY)]
    for third, cause in ((padded(bytes(2_000), 64), Cause.FLOOD), (b"", Cause.WRONG_PROOF)):
        theirs, other = daemon(), _alone(static=DEVICE.secret, daemon_key=DAEMON.public)
        other.read(frames(theirs.receive(other.write(), 0.0))[0])
        assert theirs.receive(other.write(third), 0.0) == [Close(cause)]


def test_what_goes_on_the_wire_tells_a_relay_little() -> None:
    """Why somebody is not let in looks alike, whatever it is."""
    outside = (
        Cause.NOT_FOR_US,
        Cause.WRONG_PROOF,
        Cause.OTHER_DEVICE,
        Cause.REFUSED,
        Cause.WRONG_CODE,
    )
    assert {(Close(one).code, Close(one).reason) for one in outside} == {
        (4001, "E2EE handshake failed")
    }
    assert len({cause.words for cause in Cause}) == len(Cause)
