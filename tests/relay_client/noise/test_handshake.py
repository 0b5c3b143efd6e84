"""XKpsk3 to the published vector; every altered, foreign or untimely message is refused (C-17,
C-18, C-21, C-24; T02 to T07, T09, T10).
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.noise.handshake import MESSAGE_BYTES, NAME, Handshake, NoiseFailed
from tests.relay_client.vectors import LOW_ORDER

VECTOR: dict[str, Any] = json.loads((Path(__file__).parent / "xkpsk3.json").read_text())
DAEMON = KeyPair.of(b"d" * 32)
CLIENT = KeyPair.of(b"c" * 32)


def client(**other: bytes) -> Handshake:
    given = {
        "static": CLIENT.secret,
        "psk": b"p" * 32,
        "prologue": b"place",
        "ephemeral": b"e" * 32,
        "daemon_key": DAEMON.public,
    }
    return Handshake(**(given | other))


def daemon(**other: bytes) -> Handshake:
    given = {
        "static": DAEMON.secret,
        "psk": b"p" * 32,
        "prologue": b"place",
        "ephemeral": b"f" * 32,
    }
    return Handshake(**(given | other))


def _shake(ours: Handshake, theirs: Handshake, altered: int = -1, bit: int = 0) -> None:
    """The whole handshake, with one bit of one message changed where that is wanted."""
    ends = ours, theirs
    for number in range(3):
        data = bytearray(ends[number % 2].write())
        if number == altered:
            data[bit // 8] ^= 1 << bit % 8
        ends[1 - number % 2].read(bytes(data))


def opened() -> tuple[Handshake, Handshake]:
    ours, theirs = client(), daemon()
    _shake(ours, theirs)
    assert ours.finished
    assert theirs.finished
    return ours, theirs


def test_c18_the_published_vector() -> None:
    assert VECTOR["protocol_name"].encode() == NAME
    value = {
        name: bytes.fromhex(text)
        for name, text in VECTOR.items()
        if isinstance(text, str) and name.startswith(("init", "resp", "handshake"))
    }
    [psk] = [bytes.fromhex(text) for text in VECTOR["init_psks"]]
    ours = Handshake(
        static=value["init_static"],
        psk=psk,
        prologue=value["init_prologue"],
        ephemeral=value["init_ephemeral"],
        daemon_key=value["init_remote_static"],
    )
    theirs = Handshake(
        static=value["resp_static"],
        psk=psk,
        prologue=value["resp_prologue"],
        ephemeral=value["resp_ephemeral"],
    )
    sender, receiver = ours, theirs
    for number, message in enumerate(VECTOR["messages"]):
        payload, expected = bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"])
        if number < 3:
            assert sender.write(payload) == expected
            assert receiver.read(expected) == payload
        else:
            assert sender.encrypt(payload) == expected
            assert receiver.decrypt(expected) == payload
        sender, receiver = receiver, sender
    assert ours.transcript == theirs.transcript == value["handshake_hash"]
    assert theirs.peer == KeyPair.of(value["init_static"]).public
    assert ours.peer == value["init_remote_static"]


@pytest.mark.parametrize("message", [0, 1, 2])
def test_t02_t03_each_flipped_bit_of_the_handshake_is_noticed(message: int) -> None:
    """At the latest by whoever reads the next message; nothing is finished on both sides."""
    for bit in range(0, 48 * 8, 7):
        ends = client(), daemon()
        with pytest.raises(NoiseFailed):
            _shake(*ends, message, bit)
        assert not (ends[0].finished and ends[1].finished)
        assert not ends[1].finished


@pytest.mark.parametrize(
    "other",
    [
        {"psk": b"q" * 32},
        {"prologue": b"another place"},
        {"static": b"x" * 32},
    ],
)
def test_c21_t04_who_lacks_a_secret_gets_nowhere(other: dict[str, bytes]) -> None:
    ours, theirs = client(), daemon(**other)
    with pytest.raises(NoiseFailed):
        _shake(ours, theirs)
    assert not theirs.finished
    with pytest.raises(NoiseFailed):
        theirs.encrypt(b"too early")


@pytest.mark.parametrize("point", LOW_ORDER)
def test_t10_points_of_low_order_are_refused(point: bytes) -> None:
    with pytest.raises(NoiseFailed):
        daemon().read(point + client().write()[32:])
    with pytest.raises(NoiseFailed):
        client(daemon_key=point).write()


@pytest.mark.parametrize("size", [0, 1, 31, 32, 47])
def test_truncated_first_messages_are_refused(size: int) -> None:
    with pytest.raises(NoiseFailed):
        daemon().read(client().write()[:size])


def test_c24_t05_a_recorded_session_is_worth_nothing_to_another_daemon_connection() -> None:
    ours, theirs = client(), daemon()
    first = ours.write()
    theirs.read(first)
    ours.read(theirs.write())
    third = ours.write()
    again = daemon(ephemeral=b"g" * 32)
    again.read(first)
    again.write()
    with pytest.raises(NoiseFailed):
        again.read(third)


def test_t06_t07_order_repetition_and_reflection_end_the_channel() -> None:
    for wrong in ("skip", "again", "back"):
        ours, theirs = opened()
        first, second = ours.encrypt(b"1"), ours.encrypt(b"2")
        if wrong == "again":
            assert theirs.decrypt(first) == b"1"
        untimely = {"skip": second, "again": first, "back": theirs.encrypt(b"")}[wrong]
        with pytest.raises(NoiseFailed):
            theirs.decrypt(untimely)
        with pytest.raises(NoiseFailed, match="failed before"):
            theirs.encrypt(b"")
        assert not theirs.finished


def test_messages_have_a_largest_size() -> None:
    ours, theirs = opened()
    largest = bytes(MESSAGE_BYTES - 16)
    assert theirs.decrypt(ours.encrypt(largest)) == largest
    with pytest.raises(NoiseFailed):
        ours.encrypt(largest + b"1")


def test_what_is_asked_too_early_or_twice() -> None:
    ours = client()
    with pytest.raises(NoiseFailed):
        ours.transcript  # noqa: B018
    with pytest.raises(NoiseFailed):
        ours.peer  # noqa: B018
    ours.write()
    with pytest.raises(NoiseFailed):
        ours.write()
    with pytest.raises(ValueError):
        client(psk=b"short")
    with pytest.raises(TypeError):
        pickle.dumps(client())


@given(st.integers(0, 2), st.binary(max_size=200))
def test_no_bytes_break_either_side(step: int, data: bytes) -> None:
    ends = client(), daemon()
    for number in range(step):
        ends[1 - number % 2].read(ends[number % 2].write())
    with pytest.raises(NoiseFailed):
        # A first message of 48 bytes and more may begin with any key; its tag may not be any.
        ends[1 - step % 2].read(data)


def test_c25_t17_what_is_derived_is_alike_at_both_ends_and_nothing_old_is_kept() -> None:
    ours, theirs = opened()
    assert ours.derive(b"one") == theirs.derive(b"one") != ours.derive(b"two")
    assert ours.derive(b"one") != opened()[0].transcript
    ours.forget()
    with pytest.raises(NoiseFailed, match="let go"):
        ours.derive(b"one")
    assert ours._state is None
    assert not ours._noise.noise_protocol.keypairs
    assert not ours._noise.noise_protocol.psks
    assert theirs.decrypt(ours.encrypt(b"goes on")) == b"goes on"
    with pytest.raises(NoiseFailed, match="not finished"):
        client().derive(b"one")


def test_c12_each_bit_of_a_frame_is_noticed() -> None:
    ours, theirs = opened()
    frame = ours.encrypt(b"delete everything")
    for bit in range(len(frame) * 8):
        altered = bytearray(frame)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoiseFailed):
            theirs.decrypt(bytes(altered))
        assert theirs._failed
        theirs._failed = False  # for the next bit; nothing else of it has changed, as the end shows
    assert theirs.decrypt(frame) == b"delete everything"
