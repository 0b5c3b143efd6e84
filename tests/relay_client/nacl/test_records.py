"""Sealing and opening, to the vectors; each nonce once, in either direction (T02, T05 to T07)."""

from __future__ import annotations

import base64
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.nacl.effects import Cause
from sereno.relay_client.nacl.records import Broken, Records, fingerprint
from tests.relay_client.nacl.links import counting, vector_nonce
from tests.relay_client.vectors import FORGED, SEALED, SHARED


@pytest.mark.parametrize(("message", "first", "wire"), SEALED, ids=["1", "2", "3", "4", "5", "6"])
def test_c19_the_vectors_of_the_reference(message: bytes, first: int, wire: str) -> None:
    bundle = base64.b64decode(wire)
    assert Records(SHARED, vector_nonce(first)).seal(message) == bundle
    assert Records(SHARED, counting()).open(bundle) == message


def broken(records: Records, bundle: bytes) -> Cause:
    with pytest.raises(Broken) as caught:
        records.open(bundle)
    return caught.value.cause


def test_the_negative_vectors() -> None:
    assert broken(Records(SHARED, counting()), base64.b64decode(FORGED)) is Cause.FORGED
    assert broken(Records(SHARED, counting()), bytes(3)) is Cause.SHORT
    assert broken(Records(SHARED, counting()), b"") is Cause.SHORT
    assert broken(Records(SHARED, counting()), bytes(24)) is Cause.FORGED
    assert broken(Records(SHARED, counting()), bytes(39)) is Cause.FORGED


def test_t02_c12_each_flipped_bit_is_noticed() -> None:
    bundle = base64.b64decode(SEALED[0][2])
    for bit in range(len(bundle) * 8):
        changed = bytearray(bundle)
        changed[bit // 8] ^= 1 << bit % 8
        assert broken(Records(SHARED, counting()), bytes(changed)) is Cause.FORGED


@given(st.data())
def test_t02_truncated_and_extended_bundles_are_noticed(data: st.DataObject) -> None:
    bundle = base64.b64decode(SEALED[2][2])
    cut = data.draw(st.integers(0, len(bundle) - 1))
    assert broken(Records(SHARED, counting()), bundle[:cut]) in {Cause.FORGED, Cause.SHORT}
    more = data.draw(st.binary(min_size=1, max_size=40))
    assert broken(Records(SHARED, counting()), bundle + more) is Cause.FORGED


def test_t06_a_bundle_opens_once() -> None:
    ours, theirs = Records(SHARED, counting()), Records(SHARED, counting(1_000))
    first, second = ours.seal(b"1"), ours.seal(b"2")
    assert theirs.open(second) == b"2"
    assert theirs.open(first) == b"1"  # out of order: this wire cannot tell
    assert broken(theirs, first) is Cause.REPLAYED
    assert broken(theirs, second) is Cause.REPLAYED


def test_t07_what_we_sealed_we_do_not_open() -> None:
    ours = Records(SHARED, counting())
    assert broken(ours, ours.seal(b"mine")) is Cause.REFLECTED


def test_t18_a_nonce_is_drawn_anew_when_it_was_there_and_not_for_ever() -> None:
    drawn = iter([b"a" * 24, b"a" * 24, b"b" * 24])
    ours = Records(SHARED, lambda _: next(drawn))
    assert ours.seal(b"")[:24] == b"a" * 24
    assert ours.seal(b"")[:24] == b"b" * 24
    stuck = Records(SHARED, lambda _: b"a" * 24)
    stuck.seal(b"")
    with pytest.raises(Broken) as caught:
        stuck.seal(b"")
    assert caught.value.cause is Cause.NONCES


def test_t18_the_peers_nonces_are_not_used_either() -> None:
    theirs = Records(SHARED, lambda _: b"a" * 24).seal(b"")
    drawn = iter([b"a" * 24, b"b" * 24])
    ours = Records(SHARED, lambda _: next(drawn))
    ours.open(theirs)
    assert ours.seal(b"")[:24] == b"b" * 24


def test_the_channel_is_worn_out_after_its_frames_in_both_directions_together() -> None:
    ours, theirs = Records(SHARED, counting(), 3), Records(SHARED, counting(1_000))
    ours.seal(b"")
    assert ours.open(theirs.seal(b"")) == b""
    ours.seal(b"")
    assert broken(ours, theirs.seal(b"")) is Cause.WORN_OUT
    with pytest.raises(Broken):
        ours.seal(b"")


def test_t18_keys_are_never_written() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Records(SHARED, counting()))


def test_a_fingerprint_tells_nothing_of_the_key_and_has_16_bytes() -> None:
    mark = fingerprint(SHARED)
    assert len(mark) == 16
    assert mark not in SHARED
    assert mark != fingerprint(bytes(32))
