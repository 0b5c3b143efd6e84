"""Which web pages may connect (wire reference 4.6, C-37, C-38, T22, T23).

Pure. Browsers send Origin with every WebSocket and every request that a script makes; other
programs send none. The Host must have passed core/security/hosts.py before anything here is asked:
a page that equals its own Host proves nothing if the Host is a stranger's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

__all__ = ["PASEO_APP", "cors_headers", "cross_site", "origin_allowed", "origin_of", "own_origins"]

PASEO_APP = "paseo://app"
"""What the official desktop app says."""
_STANDARD_PORTS = {"http": 80, "https": 443}


def origin_allowed(origin: str, host: str, allowed: Collection[str]) -> bool:
    """Whether a page of `origin` may connect to us as `host` (the Host header; "" for none).

    Compared as exact text: browsers write origins in one form only. `allowed` may hold `*`.
    """
    if "*" in allowed or origin in allowed:
        return True
    host = host.strip(" \t")
    return bool(host) and origin in (f"http://{host}", f"https://{host}")


def cross_site(fetch_site: str | None, fetch_mode: str | None) -> bool:
    """Whether a browser says, by Sec-Fetch-Site, that a page of another site sends this request.

    For requests without Origin: a picture or a form can be sent without one (T22). Following a
    link is no such thing: that is how downloads are opened.
    """
    return fetch_site in ("cross-site", "same-site") and fetch_mode != "navigate"


def own_origins(addresses: Sequence[tuple[str, int]], *, tls: bool = False) -> frozenset[str]:
    """Origins of pages that stand at our own addresses, and of the official desktop app.

    `addresses`: host without brackets and port of each TCP listener. `tls`: https as well.
    """
    found = {PASEO_APP}
    schemes = ("http", "https") if tls else ("http",)
    for host, port in addresses:
        bare = f"[{host}]" if ":" in host else host
        for scheme in schemes:
            for name in (bare, "localhost", "127.0.0.1"):
                found.add(f"{scheme}://{name}:{port}")
                if _STANDARD_PORTS[scheme] == port:  # browsers leave it out
                    found.add(f"{scheme}://{name}")
    return frozenset(found)


def origin_of(url: str) -> str | None:
    """The origin of a page, as browsers write it; None for what is no web address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _STANDARD_PORTS or not host:
        return None
    bare = f"[{host}]" if ":" in host else host
    usual = port is None or port == _STANDARD_PORTS[parts.scheme]
    return f"{parts.scheme}://{bare}" + ("" if usual else f":{port}")


def cors_headers(origin: str | None, allowed: Collection[str]) -> list[tuple[str, str]]:
    """Headers of an HTTP answer that let a page of `origin` read it; none for other pages.

    `Vary` always, as the answer depends on it. Who is only allowed by `*` gets no credentials
    (C-37). Private network access is never offered (T23).
    """
    headers = [("Vary", "Origin")]
    if origin is None or not ("*" in allowed or origin in allowed):
        return headers
    headers += [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"),
        ("Access-Control-Allow-Headers", "Content-Type, Authorization"),
    ]
    if origin in allowed:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers
