"""The client's side: its greeting, what waits for ready, and what ends it (section 3.4)."""

from __future__ import annotations

import pytest

from sereno.relay_client.nacl.client import HELLO_S, TABLE, ClientChannel, State
from sereno.relay_client.nacl.effects import Cause, Deliver, Opened, Send
from sereno.relay_client.nacl.frames import READY, Kind
from sereno.relay_client.nacl.held import HELD_FRAMES
from sereno.relay_client.nacl.open_state import Ended, NotOpen
from tests.relay_client.nacl.links import client, closes, counting, opened, texts, vector_nonce
from tests.relay_client.vectors import CLIENT, FORGED, HELLO, LOW_ORDER, SEALED


def test_the_table_has_every_state_and_frame() -> None:
    assert {state: set(row) for state, row in TABLE.items()} == {
        state: set(Kind) for state in State
    }


def test_the_same_greeting_each_second_until_ready() -> None:
    channel = client()
    assert channel.wakes_at is None
    assert channel.start(5.0) == [Send(HELLO)]
    assert channel.wakes_at == 5.0 + HELLO_S
    assert channel.tick(5.9) == []
    assert channel.tick(6.0) == [Send(HELLO)]
    assert channel.tick(6.5) == []
    assert channel.tick(7.0) == [Send(HELLO)]
    assert channel.receive(READY) == [Opened()]
    assert channel.wakes_at is None
    assert channel.tick(99.0) == []
    with pytest.raises(RuntimeError):
        channel.start(1.0)


def test_what_was_sent_early_goes_in_order_after_ready() -> None:
    channel = client(vector_nonce(0))
    assert channel.send(SEALED[0][0]) == []
    channel.start(0)
    effects = channel.receive(READY)
    assert effects == [Opened(), Send(SEALED[0][2])]
    waiting = client()
    waiting.start(0)
    for number in range(HELD_FRAMES):
        assert waiting.send(str(number)) == []
    with pytest.raises(NotOpen):
        waiting.send("one too many")
    assert len(texts(waiting.receive(READY))) == HELD_FRAMES


@pytest.mark.parametrize(("message", "first", "wire"), SEALED, ids=["1", "2", "3", "4", "5", "6"])
def test_c19_the_vectors_both_ways(message: bytes, first: int, wire: str) -> None:
    channel = client(vector_nonce(first))
    channel.start(0)
    channel.receive(READY)
    assert channel.send(message) == [Send(wire)]
    other = client()
    other.start(0)
    other.receive(READY)
    assert other.receive(wire) == [Deliver(message if first == 0x60 else message.decode())]


@pytest.mark.parametrize("frame", [HELLO, "{", "AAAA", SEALED[0][2], FORGED, b"\xff", ""])
def test_before_ready_everything_else_is_passed_over(frame: str | bytes) -> None:
    channel = client()
    channel.start(0)
    assert channel.receive(frame) == []
    assert channel.receive(READY) == [Opened()]


@pytest.mark.parametrize("point", LOW_ORDER)
def test_t10_an_offer_with_a_bad_key(point: bytes) -> None:
    channel = ClientChannel(point, CLIENT.secret, counting())
    assert closes(channel.start(0)) == [(4001, "E2EE handshake failed")]
    assert channel.state is State.CLOSED


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (READY, []),
        (HELLO, [(1011, "Received plaintext frame on encrypted channel")]),
        ('{"type":"pong"}', [(1011, "Received plaintext frame on encrypted channel")]),
        ("AAAA", [(1011, "Ciphertext bundle too short")]),
        (b"\xff", [(1011, "Ciphertext bundle too short")]),
        (FORGED, [(1011, "Decryption failed")]),
    ],
)
def test_what_ends_an_open_channel(frame: str | bytes, expected: list[tuple[int, str]]) -> None:
    _, channel = opened()
    assert closes(channel.receive(frame)) == expected
    assert channel.ended is bool(expected)


def test_t06_t07_what_came_before_and_what_we_sent() -> None:
    for cause in (Cause.REPLAYED, Cause.REFLECTED):
        daemon, channel = opened()
        [answer] = texts(daemon.send("answer"))
        assert channel.receive(answer) == [Deliver("answer")]
        back = answer if cause is Cause.REPLAYED else texts(channel.send("mine"))[0]
        assert closes(channel.receive(back)) == [(1011, "Decryption failed")]
        assert channel.cause is cause
        with pytest.raises(Ended):
            channel.send("more")
