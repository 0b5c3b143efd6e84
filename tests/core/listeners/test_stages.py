"""The checks before anybody is judged: Host, Origin, what needs no credential. Pure."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from sereno.core.listeners.stages import Asked, examine, is_forwarded, subprotocols_of
from sereno.core.security.gate import GateSettings

OWN = frozenset({"http://localhost:6767", "paseo://app"})
RULES = GateSettings(uid=1, hostnames=(".example.com",), origins=OWN)


def request(
    path: str = "/ws", method: str = "GET", headers: list[tuple[str, str]] | None = None
) -> Request:
    return Request(path, Headers(headers or []), method)


def upgrade(*headers: tuple[str, str], path: str = "/ws") -> Request:
    return request(path, headers=[("Upgrade", "websocket"), *headers])


def verdict(found: Asked | Response) -> str | int:
    return found.what if isinstance(found, Asked) else found.status_code


HOSTS = [
    ("localhost", True),
    ("LOCALHOST:6767", True),
    ("localhost.", True),
    ("a.localhost", True),
    ("127.0.0.1:1", True),
    ("[::1]:6767", True),
    ("example.com", True),
    ("a.b.example.com:9", True),
    ("evil-localhost", False),
    ("a.localhost.evil.com", False),
    ("evilexample.com", False),
    ("", False),
    ("::1", False),
    ("[::1%25eth0]", False),
    ("127.1", False),
    ("0x7f.1", False),
    ("2130706433", False),
    ("a@localhost", False),
    ("localhost:0x50", False),
    ("localhost, localhost", False),
    ("localhost/", False),
]


@pytest.mark.parametrize(("host", "passes"), HOSTS)
def test_c36_t21_the_host_matrix_on_all_ways_in(host: str, passes: bool) -> None:
    pair = ("Host", host)
    assert verdict(examine(upgrade(pair), RULES)) == ("websocket" if passes else 403)
    for path, method, fine in (
        ("/api/health", "GET", 200),
        ("/api/status", "GET", "status"),
        ("/anything", "POST", "unknown"),
        ("/ws", "OPTIONS", 204),
    ):
        found = verdict(examine(request(path, method, [pair]), RULES))
        assert found == (fine if passes else 403), path


def test_c36_two_hosts_are_none_and_a_missing_one_passes_for_upgrades_only() -> None:
    two = [("Host", "localhost"), ("Host", "localhost")]
    assert verdict(examine(upgrade(*two), RULES)) == 403
    assert verdict(examine(request("/api/health", headers=two), RULES)) == 403
    assert verdict(examine(upgrade(), RULES)) == "websocket"
    assert verdict(examine(request("/api/health"), RULES)) == 403


def test_c36_true_lets_every_valid_name_pass() -> None:
    rules = GateSettings(uid=1, hostnames=True, origins=OWN)
    assert verdict(examine(upgrade(("Host", "any.name")), rules)) == "websocket"
    assert verdict(examine(upgrade(("Host", "no name")), rules)) == 403


ORIGINS = [
    ("http://localhost:6767", True),
    ("paseo://app", True),
    ("http://127.0.0.1:99", True),  # what the Host itself says
    ("https://127.0.0.1:99", True),
    ("http://127.0.0.1:98", False),
    ("https://evil.example", False),
    ("null", False),
    ("", False),
    ("chrome-extension://abc", False),
    ("http://localhost.evil", False),
    ("http://localhost:6767.evil", False),
    ("HTTP://LOCALHOST:6767", False),
    ("http://localhost:6767/", False),
]


@pytest.mark.parametrize(("origin", "passes"), ORIGINS)
def test_t22_c37_a_page_of_another_origin_asks_nothing(origin: str, passes: bool) -> None:
    headers = [("Host", "127.0.0.1:99"), ("Origin", origin)]
    assert verdict(examine(upgrade(*headers), RULES)) == ("websocket" if passes else 403)
    for path, method in (("/api/status", "GET"), ("/api/health", "GET"), ("/x", "POST")):
        found = examine(request(path, method, headers), RULES)
        assert (verdict(found) == 403) is not passes


def test_t22_two_origins_are_none() -> None:
    two = [("Origin", "paseo://app"), ("Origin", "paseo://app")]
    assert verdict(examine(upgrade(("Host", "localhost"), *two), RULES)) == 403


def test_c38_a_rebound_page_whose_origin_equals_its_host_is_refused_by_its_host() -> None:
    page = [("Host", "evil.example:6767"), ("Origin", "http://evil.example:6767")]
    found = examine(upgrade(*page), RULES)
    assert isinstance(found, Response)
    assert (found.status_code, found.body) == (403, b"Host not allowed\n")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_t22_a_page_that_asks_without_origin_is_known_by_its_site(site: str) -> None:
    headers = [("Host", "localhost"), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors")]
    assert verdict(examine(request("/api/status", headers=headers), RULES)) == 403
    assert verdict(examine(upgrade(*headers), RULES)) == 403


def headers_of(found: Asked | Response) -> dict[str, str]:
    pairs = found.cors if isinstance(found, Asked) else found.headers.raw_items()
    return {name.lower(): value for name, value in pairs}


def test_t23_a_preflight_is_answered_and_allows_nothing_to_strangers() -> None:
    ask = ("Access-Control-Request-Private-Network", "true")
    stranger = [("Host", "localhost"), ("Origin", "https://evil.example"), ask]
    found = examine(request("/api/status", "OPTIONS", stranger), RULES)
    assert verdict(found) == 204
    assert not [name for name in headers_of(found) if name.startswith("access-control")]
    ours = [("Host", "localhost"), ("Origin", "paseo://app"), ask]
    found = examine(request("/api/status", "OPTIONS", ours), RULES)
    allowed = headers_of(found)
    assert allowed["access-control-allow-origin"] == "paseo://app"
    assert "access-control-allow-private-network" not in allowed
    assert isinstance(found, Response)
    assert found.body == b""


def test_c37_a_star_gives_no_credentials() -> None:
    rules = GateSettings(uid=1, origins=frozenset({"*"}))
    headers = [("Host", "localhost"), ("Origin", "https://any.example")]
    found = headers_of(examine(request("/api/status", headers=headers), rules))
    assert found["access-control-allow-origin"] == "https://any.example"
    assert "access-control-allow-credentials" not in found


@pytest.mark.parametrize("target", ["http://localhost/ws", "http://evil/ws", "ws", "*", ""])
def test_t21_a_target_that_names_a_host_itself_is_refused(target: str) -> None:
    found = examine(upgrade(("Host", "localhost"), path=target), RULES)
    assert verdict(found) == 400


def test_an_upgrade_elsewhere_is_refused_before_anybody_is_judged() -> None:
    for path in ("/", "/ws/", "/WS", "/api/status"):
        assert verdict(examine(upgrade(("Host", "localhost"), path=path), RULES)) == 400
    assert verdict(examine(upgrade(("Host", "localhost"), path="/ws?a=b"), RULES)) == "websocket"


def test_t37_headers_of_proxies_are_noticed_in_any_case() -> None:
    for name in ("Forwarded", "x-forwarded-for", "X-FORWARDED-PROTO", "X-Real-Ip", "via"):
        assert is_forwarded(request(headers=[(name, "")]))
    for name in ("CF-Connecting-IP", "True-Client-IP", "Tailscale-User-Login", "X-Client-IP"):
        assert is_forwarded(request(headers=[(name, "")]))
    assert not is_forwarded(request(headers=[("Host", "x"), ("User-Agent", "forwarded")]))
    assert not is_forwarded(upgrade(("Host", "x"), ("Cache-Control", "no-cache")))


def test_subprotocols_are_read_in_order_or_not_at_all() -> None:
    pairs = [("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Protocol", "c")]
    assert subprotocols_of(request(headers=pairs)) == ["a", "b", "c"]
    assert subprotocols_of(request(headers=[("Sec-WebSocket-Protocol", "a b@")])) is None


# The Host matrix against an oracle that knows nothing of ours


def oracle(header: str) -> bool:
    """By cutting the text, not by patterns."""
    text = header.lower()
    if text.startswith("["):
        inside, closed, port = text[1:].partition("]")
        try:
            ipaddress.IPv6Address(inside)
        except ValueError:
            return False
        name_is_fine = bool(closed) and "%" not in inside
    else:
        name, colon, port = text.partition(":")
        port = colon + port
        if name.count(".") == 3 and all(part.isdigit() for part in name.split(".")):
            try:
                ipaddress.IPv4Address(name)
            except ValueError:
                return False
            name_is_fine = True
        else:
            labels = name.removesuffix(".").split(".")
            name_is_fine = (
                "" not in labels
                and labels[-1] in ("localhost", "com")
                and (labels[-1] == "localhost" or labels[-2:] == ["example", "com"])
            )
    if port and not (port[0] == ":" and port[1:].isdigit() and 0 < int(port[1:]) < 65536):
        return False
    return name_is_fine


PARTS = st.sampled_from(
    ["localhost", "example", "com", "evil", "127", "0", "1", "256", ".", ":", "[", "]", "::1", "80"]
)


@given(st.lists(PARTS, max_size=7).map("".join))
def test_c36_the_matrix_against_an_oracle(host: str) -> None:
    passes = verdict(examine(upgrade(("Host", host)), RULES)) == "websocket"
    assert passes == oracle(host)


@given(
    st.text(alphabet="/apiwsheltu.?#%\\ ;:@*", max_size=20),
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "get", "X"]),
    st.lists(
        st.tuples(
            st.sampled_from(["Host", "Origin", "Upgrade", "Sec-Fetch-Site", "Authorization", "X"]),
            st.sampled_from(["localhost", "null", "websocket", "cross-site", "", "x"]),
        ),
        max_size=6,
    ),
)
def test_c41_whatever_is_asked_only_health_is_answered_without_a_judgement(
    path: str, method: str, headers: list[tuple[str, str]]
) -> None:
    found: Any = examine(request(path, method, headers), RULES)
    if isinstance(found, Response) and found.status_code == HTTPStatus.OK:
        assert path.partition("?")[0] in ("/api/health", "/health")
        assert found.body == b'{"status":"ok"}'
