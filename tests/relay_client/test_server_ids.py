"""Ids at a relay (section 1.4 of the wire reference)."""

from __future__ import annotations

import pytest

from sereno.relay_client.server_ids import is_server_id, make_server_id


def test_nine_bytes_make_an_id() -> None:
    assert make_server_id(bytes(range(9))) == "srv_AAECAwQFBgcI"
    assert is_server_id(make_server_id(b"\xff" * 9))
    with pytest.raises(ValueError):
        make_server_id(bytes(8))


@pytest.mark.parametrize("text", ["", " ", "a ", "a\n", "\x00", "a" * 201])
def test_what_cannot_be_one(text: str) -> None:
    assert not is_server_id(text)
