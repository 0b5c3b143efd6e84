"""Where a relay is, and by which scheme it is dialled (section 1.3 of the wire reference)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.endpoints import (
    DEFAULT,
    BadEndpoint,
    Endpoint,
    parse_endpoint,
    parse_public_endpoint,
)


@pytest.mark.parametrize(
    ("text", "expected", "official"),
    [
        ("relay.paseo.sh:443", Endpoint("relay.paseo.sh", 443, True), True),
        ("Relay.paseo.sh:443", Endpoint("Relay.paseo.sh", 443, False), True),
        ("relay.paseo.sh:8443", Endpoint("relay.paseo.sh", 8443, False), True),
        ("example.com:443", Endpoint("example.com", 443, False), True),
        ("wss://example.com", Endpoint("example.com", 443, True), False),
        ("WSS://example.com:9/", Endpoint("example.com", 9, True), False),
        ("ws://example.com", Endpoint("example.com", 80, False), True),
        ("ws://relay.paseo.sh:443", Endpoint("relay.paseo.sh", 443, False), False),
        (" 10.0.0.1:1 ", Endpoint("10.0.0.1", 1, False), True),
        ("[::1]:65535", Endpoint("::1", 65535, False), True),
        ("wss://[2001:db8::1]", Endpoint("2001:db8::1", 443, True), False),
    ],
)
def test_endpoints_and_who_else_would_dial_them_so(
    text: str, expected: Endpoint, official: bool
) -> None:
    assert parse_endpoint(text) == expected
    assert expected.official is official


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:+80",
        "example.com:٨٠",
        ":80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[fe80::1%eth0]:80",
        "[example]:80",
        "http://example.com",
        "wss://user@example.com",
        "wss://example.com/path",
        "wss://example.com:1?x",
        "exa mple.com:80",
        "example.com:80#x",
        f"{'a' * 300}:80",
    ],
)
def test_what_names_no_relay_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadEndpoint, match=r"\w{3,} .*\.$"):
        parse_endpoint(text)


def test_an_offer_holds_no_scheme() -> None:
    with pytest.raises(BadEndpoint, match="host:port"):
        parse_public_endpoint("wss://example.com:443")


def test_the_addresses_of_the_sockets() -> None:
    assert DEFAULT.url("srv_a", "server") == (
        "wss://relay.paseo.sh:443/ws?serverId=srv_a&role=server&v=2"
    )
    assert parse_endpoint("[::1]:80").url("a&b c", "server", "conn_/") == (
        "ws://[::1]:80/ws?serverId=a%26b%20c&role=server&v=2&connectionId=conn_%2F"
    )


@given(
    st.sampled_from(["", "ws://", "wss://"]),
    st.text(max_size=20)
    | st.text("[]:.af01", max_size=20)
    | st.ip_addresses(v=6).map(lambda a: f"[{a}]"),
    st.sampled_from(["", ":80", ":x", "/"]),
)
def test_no_text_breaks_the_parser_and_what_it_takes_comes_back(
    scheme: str, host: str, port: str
) -> None:
    try:
        found = parse_endpoint(scheme + host + port)
    except BadEndpoint:
        return
    assert parse_endpoint(f"{'wss' if found.tls else 'ws'}://{found.authority}") == found
