"""Keys as texts, and the points of low order that nobody may use (T10)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client import keys
from tests.relay_client.vectors import CLIENT, DAEMON, LOW_ORDER, SHARED


def test_c17_the_vectors_of_the_reference_agree() -> None:
    assert keys.public_of(DAEMON.secret) == DAEMON.public
    assert keys.public_of(CLIENT.secret) == CLIENT.public
    assert keys.shared_key(DAEMON.public, CLIENT.secret) == SHARED
    assert keys.shared_key(CLIENT.public, DAEMON.secret) == SHARED


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex()[:12])
@pytest.mark.parametrize("top_bit", [0, 0x80])
def test_t10_points_of_low_order_are_refused(point: bytes, top_bit: int) -> None:
    theirs = point[:-1] + bytes([point[-1] | top_bit])
    with pytest.raises(keys.BadKey):
        keys.shared_key(theirs, DAEMON.secret)
    with pytest.raises(keys.BadKey):
        keys.check_public(theirs)


@given(st.binary(min_size=32, max_size=32))
def test_a_key_comes_back(key: bytes) -> None:
    text = keys.encode_key(key)
    assert keys.decode_key(text) == key
    assert keys.decode_key(text.replace("+", "-").replace("/", "_")) == key


GOOD = keys.encode_key(CLIENT.public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.rstrip("="),
        f" {GOOD}",
        f"{GOOD[:-1]}\n",
        GOOD[:20] + " " + GOOD[21:],
        "é" * 44,
        "=" * 44,
        GOOD[:40] + "====",
        keys.encode_key(bytes(31)),
        keys.encode_key(bytes(33)),
        keys.encode_key(bytes(64)),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(keys.BadKey):
        keys.decode_key(text)


@given(st.text(max_size=60) | st.text("ABCDxyz0189+/-_=", min_size=43, max_size=45))
def test_no_text_breaks_the_decoder(text: str) -> None:
    with contextlib.suppress(keys.BadKey):
        assert len(keys.decode_key(text)) == keys.KEY_BYTES
