"""Which pages may connect, and which answers they may read (C-37, C-38, T22, T23)."""

from __future__ import annotations

import pytest

from sereno.core.security.origins import (
    cors_headers,
    cross_site,
    origin_allowed,
    origin_of,
    own_origins,
)

OURS = own_origins([("127.0.0.1", 6767)])
LISTED = OURS | {"https://app.example.com"}


@pytest.mark.parametrize(
    "origin",
    [
        "paseo://app",
        "http://127.0.0.1:6767",
        "http://localhost:6767",
        "https://app.example.com",
        "http://box.example.com:6767",
        "https://box.example.com:6767",
    ],
)
def test_c37_our_own_pages_and_listed_ones_pass(origin: str) -> None:
    assert origin_allowed(origin, "box.example.com:6767", LISTED)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost",
        "http://localhost:3000",
        "http://localhost:67670",
        "https://localhost:6767",
        "HTTP://LOCALHOST:6767",
        "http://localhost:6767/",
        "http://localhost:6767 ",
        "http://box.example.com",
        "http://box.example.com:6768",
        "ws://box.example.com:6767",
        "http://a@box.example.com:6767",
        "https://app.example.com.evil.example",
        "https://app.example.com, https://evil.example",
        "chrome-extension://abcdefghijklmnop",
        "file://",
    ],
)
def test_t22_foreign_pages_do_not(origin: str) -> None:
    assert not origin_allowed(origin, "box.example.com:6767", LISTED)


def test_without_a_host_nothing_equals_it() -> None:
    assert not origin_allowed("http://", "", LISTED)
    assert not origin_allowed("https:// ", " ", LISTED)


def test_a_star_lets_all_pages_pass() -> None:
    assert origin_allowed("https://any.example", "localhost", {"*"})
    assert origin_allowed("null", "", {"*"})


@pytest.mark.parametrize(
    ("site", "mode", "is_cross"),
    [
        (None, None, False),
        ("same-origin", "cors", False),
        ("none", "navigate", False),
        ("cross-site", "no-cors", True),
        ("same-site", "no-cors", True),
        ("cross-site", "websocket", True),
        ("cross-site", None, True),
        ("cross-site", "navigate", False),
    ],
)
def test_t22_what_a_browser_says_of_a_request_without_origin(
    site: str | None, mode: str | None, is_cross: bool
) -> None:
    assert cross_site(site, mode) is is_cross


def test_our_own_origins() -> None:
    assert own_origins([("::1", 6767)]) == {
        "paseo://app",
        "http://[::1]:6767",
        "http://localhost:6767",
        "http://127.0.0.1:6767",
    }
    assert "https://box:443" in own_origins([("box", 443)], tls=True)
    assert "https://box" in own_origins([("box", 443)], tls=True)
    assert "http://box" not in own_origins([("box", 443)], tls=True)
    assert "http://box" in own_origins([("box", 80)])
    assert own_origins([]) == {"paseo://app"}


def test_c37_cors_headers_of_a_listed_page() -> None:
    assert cors_headers("https://app.example.com", LISTED) == [
        ("Vary", "Origin"),
        ("Access-Control-Allow-Origin", "https://app.example.com"),
        ("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"),
        ("Access-Control-Allow-Headers", "Content-Type, Authorization"),
        ("Access-Control-Allow-Credentials", "true"),
    ]


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", ""])
def test_c37_other_pages_get_none(origin: str | None) -> None:
    assert cors_headers(origin, LISTED) == [("Vary", "Origin")]


def test_c37_a_star_gives_no_credentials() -> None:
    headers = dict(cors_headers("https://any.example", {"*"}))
    assert headers["Access-Control-Allow-Origin"] == "https://any.example"
    assert "Access-Control-Allow-Credentials" not in headers


def test_t23_private_network_access_is_never_offered() -> None:
    for allowed in (LISTED, {"*"}):
        names = {name.lower() for name, _ in cors_headers("https://app.example.com", allowed)}
        assert "access-control-allow-private-network" not in names


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.paseo.sh", "https://app.paseo.sh"),
        ("https://app.paseo.sh/x/y", "https://app.paseo.sh"),
        ("https://APP.example:443/", "https://app.example"),
        ("http://box:8080/app", "http://box:8080"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://user@host:444", "https://host:444"),
        ("ftp://host", None),
        ("nonsense", None),
        ("https://", None),
        ("https://host:99999", None),
        ("https://[::1", None),
    ],
)
def test_c38_the_origin_of_a_page_is_read_as_browsers_write_it(
    url: str, origin: str | None
) -> None:
    assert origin_of(url) == origin
