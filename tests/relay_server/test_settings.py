"""Addresses, proxies and whose request it is: read or refused in words."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from sereno.relay_server.answers import peer_address
from sereno.relay_server.settings import Address, RelayError, Settings, read_address, read_networks


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8787", Address("127.0.0.1", 8787)),
        ("[::1]:0", Address("::1", 0)),
        ("relay.example:443", Address("relay.example", 443)),
    ],
)
def test_an_address_is_read_and_said(text: str, address: Address) -> None:
    assert read_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "8787", ":8787", "host", "host:", "host:x", "host:65536", "::1:80", "h:²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(RelayError) as refused:
        read_address(text)
    assert refused.value.code == "bad_address"


def test_proxies_are_addresses_or_networks() -> None:
    assert len(read_networks(["127.0.0.1", "10.0.0.0/8", "::1"])) == 3
    with pytest.raises(RelayError, match="no address or network"):
        read_networks(["localhost"])


def test_a_relay_needs_an_address_and_tls_all_of_it() -> None:
    address = read_address("127.0.0.1:0")
    for settings in (Settings(), Settings(tls=(address,))):
        with pytest.raises(RelayError):
            settings.check()


@pytest.mark.parametrize(
    ("direct", "forwarded", "address"),
    [
        ("192.0.2.9", ["198.51.100.1"], "192.0.2.9"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["forged, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["forged", "198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1, nonsense"], "127.0.0.1"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(
    direct: str, forwarded: list[str], address: str
) -> None:
    headers = Headers([("X-Forwarded-For", value) for value in forwarded])
    proxies = read_networks(["127.0.0.1", "10.0.0.0/8"])
    assert peer_address(direct, Request("/ws", headers), proxies) == address
