"""Addresses that `daemon.listen` may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sereno.core.config import (
    TcpAddress,
    UnixAddress,
    parse_listen,
)

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:6767", TcpAddress("127.0.0.1", 6767)),
        ("6767", TcpAddress("127.0.0.1", 6767)),
        ("[::1]:80", TcpAddress("::1", 80)),
        ("[0:0::0001]:80", TcpAddress("::1", 80)),
        ("[fe80::1%eth0]:80", TcpAddress("fe80::1%eth0", 80)),
        ("0.0.0.0:80", TcpAddress("0.0.0.0", 80)),
        ("[::]:80", TcpAddress("::", 80)),
        ("Box.local:0", TcpAddress("box.local", 0)),
        ("/run/x.sock", UnixAddress("/run/x.sock")),
        ("~/x.sock", UnixAddress("~/x.sock")),
        ("unix:///run/x.sock", UnixAddress("/run/x.sock")),
    ],
)
def test_addresses(text: str, address: object) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "::1:80", "unix://x", "/", "x", "host:", "99999", "²", "host:٣"),
        *("[::1]", "[:::]:80", "[1.2.3.4]:80", "[::1%]:80", "[::1%a b]:80"),
        *("127.1:80", "2130706433:80", "0x7f.1:80", "1.2.3.4.5:80", "256.0.0.1:80"),
    ],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="an address such as"):
        parse_listen(text)


@pytest.mark.parametrize("text", ["[::1]:80", "box.local:0", "127.0.0.1:6767", "/run/x.sock"])
def test_an_address_has_one_text(text: str) -> None:
    address = parse_listen(text)
    assert address.text == text
    assert parse_listen(address.text) == address
