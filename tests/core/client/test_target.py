"""What people write as a host, and what is told them when it is none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.client.target import BadTarget, Target, parse_target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("devbox:6767", Target(host="devbox", port=6767)),
        (" tcp://devbox:6767 ", Target(host="devbox", port=6767)),
        ("TCP://devbox:6767/", Target(host="devbox", port=6767)),
        ("tcp://devbox:443?ssl=true", Target(host="devbox", port=443, tls=True)),
        ("devbox:443?ssl=true", Target(host="devbox", port=443, tls=True)),
        ("tcp://devbox:443/ws?ssl=1", Target(host="devbox", port=443, tls=True)),
        ("tcp://devbox:443?ssl=false", Target(host="devbox", port=443)),
        ("[::1]:6767", Target(host="::1", port=6767)),
        ("tcp://[FD7A:0::12]:6767?ssl=true", Target(host="fd7a::12", port=6767, tls=True)),
        ("[fe80::1%25eth0]:6767", Target(host="fe80::1%eth0", port=6767)),
        ("[fe80::1%eth0]:6767", Target(host="fe80::1%eth0", port=6767)),
        ("büro.example:6767", Target(host="xn--bro-hoa.example", port=6767)),
        ("127.0.0.1:1", Target(host="127.0.0.1", port=1)),
        ("unix:///run/my%20box/a.sock", Target(path="/run/my box/a.sock")),
    ],
)
def test_hosts(text: str, expected: Target) -> None:
    assert parse_target(text) == expected


@pytest.mark.parametrize(
    "text", ["48291-copper-tulip-anchor", " 48291 Copper  tulip anch ", "48291-copper"]
)
def test_a_code_is_known_by_its_form(text: str) -> None:
    target = parse_target(text)
    assert target == Target(code=text.strip())
    assert target.relayed
    assert not target.local
    assert "copper" not in f"{target!r} {target.name}"


def test_the_official_password_form_is_percent_decoded() -> None:
    target = parse_target("tcp://box:6767?ssl=true&password=a%26b+c%25")
    assert (target.secret, target.secret_in_url, target.tls) == ("a&b+c%", True, True)
    assert "a&b" not in repr(target)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no host"),
        ("devbox", "devbox:6767"),
        ("[::1]", "[::1]:6767"),
        ("::1:6767", "in brackets"),
        ("[devbox]:6767", "no IPv6 address"),
        ("48291", "48291:6767"),
        ("devbox:0", "1 to 65535"),
        ("devbox:65536", "1 to 65535"),
        ("devbox:٣", "1 to 65535"),
        ("devbox:6767/other", "nothing but the port"),
        ("tcp://devbox:6767?tls=true", "ssl=true and nothing else"),
        ("tcp://devbox:6767?ssl=maybe", "ssl=true and nothing else"),
        ("http://devbox:6767/", "tcp://devbox:6767"),
        ("wss://devbox:443/ws", "tcp://devbox:443?ssl=true"),
        ("ftp://devbox:6767", "tcp://, unix:// or sereno://"),
        ("https://app.example/#offer=abc", "pairing offer"),
        ("/run/a.sock", "unix:///run/a.sock"),
        ("unix://relative", "whole path"),
        ("dev box:6767", "no blanks"),
        ("devbox:6767\r\nX-Evil: 1", "no blanks"),
        ("dev_box!:6767", "no name"),
        ("tcp://[::1:6767", "port is missing"),
    ],
)
def test_what_is_no_host(text: str, says: str) -> None:
    with pytest.raises(BadTarget) as caught:
        parse_target(text)
    assert says in f"{caught.value.message}. {caught.value.next_step}"
    assert caught.value.code == "bad_target"


@pytest.mark.parametrize(
    "text",
    [
        "tcp://user:s3cret@devbox:6767",
        "tcp://devbox?password=s3cret",
        "tcp://devbox:6767?password=s3cret&password=s3cret",
        "http://me:s3cret@devbox:6767",
        "https://devbox:99999?password=s3cret",
        "devbox:" + "9" * 5_000 + "?password=s3cret",
        "/s3cret?password=s3cret",
    ],
)
def test_no_error_repeats_a_secret(text: str) -> None:
    with pytest.raises(BadTarget) as caught:
        parse_target(text)
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=80) | st.from_regex(r"(tcp|unix|http)://[!-~]{0,40}", fullmatch=True))
def test_any_text_is_a_target_or_an_error_in_words(text: str) -> None:
    with contextlib.suppress(BadTarget):
        target = parse_target(text)
        assert target.local or 0 < target.port < 65_536
        header = target.host_header
        assert header.isascii()
        assert header.isprintable()
        assert " " not in header


def test_names_for_headers_certificates_and_people() -> None:
    zoned = parse_target("[fe80::1%eth0]:6767")
    assert zoned.name == "[fe80::1%eth0]:6767"
    assert zoned.host_header == "[fe80::1]:6767"
    assert zoned.server_name == "fe80::1"
    assert parse_target("box.example.:443").server_name == "box.example"


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("localhost:1", True),
        ("web.localhost:1", True),
        ("127.8.0.1:1", True),
        ("[::1]:1", True),
        ("unix:///a", True),
        ("192.168.0.1:1", False),
        ("localhost.example:1", False),
    ],
)
def test_what_stays_on_this_machine(text: str, loopback: bool) -> None:
    assert parse_target(text).loopback is loopback
