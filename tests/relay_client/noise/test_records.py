"""Messages of any size over Noise: as they were, in order, with an end that is said (T06, T12)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.relay_client.noise.handshake import NoiseFailed
from sereno.relay_client.noise.padding import BUCKETS, padded, unpadded
from sereno.relay_client.noise.records import PIECE_BYTES, Message, Records, Sign
from tests.relay_client.noise.test_handshake import opened


def pair(largest: int = 1 << 20, rekey_each: int = 1 << 16) -> tuple[Records, Records]:
    ours, theirs = opened()
    return Records(ours, largest, rekey_each), Records(theirs, largest, rekey_each)


def passed(sender: Records, receiver: Records, message: str | bytes) -> list[str | bytes]:
    came = [receiver.open(frame) for frame in sender.seal(message)]
    assert all(one is None for one in came[:-1])
    return [one.data for one in came if isinstance(one, Message)]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.text(max_size=30) | st.binary(max_size=30))))
def test_c18_messages_arrive_as_they_were_also_over_new_keys(
    messages: list[tuple[bool, str | bytes]],
) -> None:
    ours, theirs = pair(rekey_each=3)
    for forth, message in messages:
        ends = (ours, theirs) if forth else (theirs, ours)
        assert passed(*ends, message) == [message]


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 200_000])
def test_sizes_around_the_cut(size: int) -> None:
    ours, theirs = pair()
    message = bytes(size)
    assert len(ours.seal(message)) == max(1, -(-size // PIECE_BYTES))
    ours, theirs = pair()
    assert passed(ours, theirs, message) == [message]
    assert passed(ours, theirs, "after") == ["after"]


def test_new_keys_are_others_than_the_old() -> None:
    (ours, _), (again, without) = pair(rekey_each=1), pair()
    assert ours.seal("a") == again.seal("a")
    with pytest.raises(NoiseFailed):
        without.open(ours.seal("b")[0])


def test_t12_an_end_is_said_and_nothing_comes_after_it() -> None:
    ours, theirs = pair()
    last, end = ours.seal("last")[0], ours.sign(Sign.END)
    assert theirs.open(last) == Message("last")
    assert theirs.open(end) is Sign.END
    with pytest.raises(NoiseFailed, match="said already"):
        ours.seal("more")
    assert passed(theirs, ours, "the other way is open") == ["the other way is open"]
    with pytest.raises(NoiseFailed, match="after the end"):
        theirs.open(end)


def test_t06_a_piece_that_is_missing_ends_the_channel() -> None:
    ours, theirs = pair()
    first, _, third, *_ = ours.seal(bytes(PIECE_BYTES * 3))
    assert theirs.open(first) is None
    with pytest.raises(NoiseFailed):
        theirs.open(third)


def test_an_end_cannot_be_put_into_a_message() -> None:
    sender, receiver = opened()
    records = Records(receiver)
    assert records.open(sender.encrypt(b"\x00" + padded(bytes(PIECE_BYTES), 17))) is None
    with pytest.raises(NoiseFailed, match="within a message"):
        records.open(sender.encrypt(b"\x03" + padded(b"", 17)))


def test_memory_is_bounded_at_both_ends() -> None:
    ours, _ = pair(largest=100)
    with pytest.raises(ValueError):
        ours.seal(bytes(101))
    sender, receiver = opened()
    larger, smaller = Records(sender), Records(receiver, largest=PIECE_BYTES)
    first, second = larger.seal(bytes(PIECE_BYTES + 1))
    assert smaller.open(first) is None
    with pytest.raises(NoiseFailed, match="too long"):
        smaller.open(second)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\x01",
        b"\x01\x00",
        b"\x01\x00\x03ab",
        b"\x01\x00\x01ab",
        b"\x07\x00\x00",
        b"\x00\x00\x05short",
        b"\x01\x00\x01\xff",
        b"\x03\x00\x01x",
    ],
)
def test_pieces_of_no_meaning_end_the_channel(plain: bytes) -> None:
    sender, receiver = opened()
    records = Records(receiver)
    with pytest.raises(NoiseFailed):
        records.open(sender.encrypt(plain))
    with pytest.raises(NoiseFailed, match="before"):
        records.open(sender.encrypt(b"\x01\x00\x05sound"))
    with pytest.raises(NoiseFailed, match="before"):
        records.seal("answer")


def test_new_keys_whenever_the_sender_wishes() -> None:
    ours, theirs = pair()
    again, without = pair()
    assert ours.rekey() == again.rekey()
    frame = ours.seal("a")[0]
    with pytest.raises(NoiseFailed):
        without.open(frame)
    ours, theirs = pair(rekey_each=2)
    for turn in range(5):
        assert theirs.open(ours.rekey()) is None
        assert passed(ours, theirs, f"{turn}") == [f"{turn}"]
        assert passed(theirs, ours, b"back") == [b"back"]


@given(st.integers(0, 70_000) | st.sampled_from([0, 1, 40_000, PIECE_BYTES, PIECE_BYTES + 1]))
@settings(max_examples=40)
def test_t13_what_is_seen_has_one_of_few_sizes(size: int) -> None:
    ours, _ = pair()
    assert {len(frame) for frame in ours.seal(bytes(size))} <= set(BUCKETS)
    assert {len(ours.rekey()), len(ours.sign(Sign.END))} == {BUCKETS[0]}


@given(st.binary(max_size=300), st.integers(0, 100))
def test_padding_comes_off_again(data: bytes, around: int) -> None:
    filled = padded(data, around)
    assert len(filled) + around in BUCKETS
    assert unpadded(filled) == data
    with pytest.raises(ValueError):
        padded(bytes(BUCKETS[-1]), 0)
