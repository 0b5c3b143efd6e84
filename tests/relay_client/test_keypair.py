"""daemon-keypair.json: Paseo's format to the byte, and damage that is refused (C-14)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.keypair import KeyPair, KeyPairDamaged
from tests.relay_client.vectors import CLIENT, DAEMON, KEYPAIR_FILE


def test_c14_the_file_is_paseos_to_the_byte() -> None:
    assert KeyPair.of(DAEMON.secret) == DAEMON
    assert DAEMON.encode() == KEYPAIR_FILE
    assert KeyPair.decode(KEYPAIR_FILE) == DAEMON


@given(st.binary(min_size=32, max_size=32))
def test_a_pair_comes_back(secret: bytes) -> None:
    pair = KeyPair.of(secret)
    assert KeyPair.decode(pair.encode()) == pair


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(KEYPAIR_FILE) | fields).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"\xff",
        b"[" * 3_000,
        KEYPAIR_FILE[:-4],
        KEYPAIR_FILE + b" " * 5_000,
        changed(v=1),
        changed(v="2"),
        changed(publicKeyB64=None),
        changed(publicKeyB64="AAAA"),
        changed(secretKeyB64="AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"),
        changed(publicKeyB64=json.loads(CLIENT.encode())["publicKeyB64"]),
    ],
)
def test_c14_a_damaged_file_is_refused_with_the_way_out(data: bytes) -> None:
    with pytest.raises(KeyPairDamaged) as caught:
        KeyPair.decode(data)
    assert caught.value.code == "keypair_damaged"
    assert "copy" in caught.value.next_step
    assert "AQIDBAUG" not in str(caught.value)


def test_the_secret_is_not_shown() -> None:
    assert repr(DAEMON) == f"KeyPair(public={DAEMON.public!r})"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    with pytest.raises(KeyPairDamaged):
        KeyPair.decode(data)
