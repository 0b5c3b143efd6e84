"""The checks of a request before anybody is judged, in their order (C.3.2): target, Host, Origin.

Pure: a request and the rules in, and out comes an answer, or what it asks of somebody who may come
in. What may be asked without a credential is decided here and nowhere else (C-41).
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Final, Literal, Protocol
from urllib.parse import parse_qs

import msgspec
from websockets.exceptions import InvalidHeader
from websockets.headers import parse_subprotocol
from websockets.http11 import Request, Response

from sereno.core.listeners.answers import HEALTH, as_json, as_text, empty
from sereno.core.security.hosts import host_allowed
from sereno.core.security.origins import cors_headers, cross_site, origin_allowed

__all__ = ["WS_PATH", "Asked", "Rules", "examine", "is_forwarded", "subprotocols_of", "token_of"]

WS_PATH: Final = "/ws"
_HEALTH: Final = ("/api/health", "/health")
What = Literal["websocket", "status", "upgrade", "file", "token", "mcp", "unknown", "method"]
_GUARDED: Final[dict[str, What]] = {
    "/api/status": "status",
    WS_PATH: "upgrade",
    "/api/files/download": "file",
    "/mcp/agents": "mcp",
}
_FORWARDED: Final = (
    *("forwarded", "x-forwarded-", "x-real-ip", "via", "client-ip", "true-client-ip"),
    *("x-client-ip", "x-cluster-client-ip", "x-original-", "x-proxyuser-ip", "x-envoy-"),
    *("cf-", "fastly-", "fly-", "ngrok-", "tailscale-", "x-amzn-", "x-appengine-", "x-azure-"),
)
"""How headers begin that proxies, tunnels and clouds put in and that no client of ours sends."""


class Rules(Protocol):
    """What of the gate's settings is needed here."""

    @property
    def hostnames(self) -> tuple[str, ...] | Literal[True]: ...

    @property
    def origins(self) -> Collection[str]: ...


class Asked(msgspec.Struct, frozen=True):
    """Something that needs a credential. `cors`: headers for the answer, where a page asks."""

    what: What
    cors: tuple[tuple[str, str], ...] = ()


def examine(request: Request, rules: Rules) -> Asked | Response:
    """An answer is final."""
    upgrade = _wants_websocket(request)
    if not request.path.startswith("/") and (request.method, request.path) != ("OPTIONS", "*"):
        return as_text(HTTPStatus.BAD_REQUEST, "Ask for a path, not for a whole address")
    refused = _host(request, rules, upgrade=upgrade) or _origin(request, rules, upgrade=upgrade)
    if refused is not None:
        return refused
    path = request.path.partition("?")[0]
    cors = _cors(request, rules)
    if upgrade:
        if path != WS_PATH:
            return as_text(HTTPStatus.BAD_REQUEST, f"Sereno listens on {WS_PATH}")
        return Asked("websocket", cors)
    if request.method == "OPTIONS":
        return empty(HTTPStatus.NO_CONTENT, cors)
    reads = request.method in ("GET", "HEAD")
    if reads and path in _HEALTH:
        return as_json(HTTPStatus.OK, HEALTH, cors)
    return Asked(_guarded(path, request, reads=reads), cors)


def _guarded(path: str, request: Request, *, reads: bool) -> What:
    """`token`: a file was asked for without one (wire 4.4)."""
    what = _GUARDED.get(path, "unknown")
    if not reads and what not in ("unknown", "mcp"):
        return "method"
    if what == "file" and not token_of(request.path):
        return "token"
    return what


def token_of(path: str) -> str:
    """The token of a file in a request's path; empty for none, and for more than one."""
    given = parse_qs(path.partition("?")[2]).get("token", [])
    return given[0] if len(given) == 1 else ""


def _wants_websocket(request: Request) -> bool:
    values = ",".join(request.headers.get_all("Upgrade"))
    return any(one.strip().lower() == "websocket" for one in values.split(","))


def _host(request: Request, rules: Rules, *, upgrade: bool) -> Response | None:
    """Once, and allowed (C-35, C-36, T21). Only an upgrade may come without (wire 4.5)."""
    hosts = request.headers.get_all("Host")
    if len(hosts) == 1 and host_allowed(hosts[0], rules.hostnames):
        return None
    if upgrade:
        return None if not hosts else as_text(HTTPStatus.FORBIDDEN, "Host not allowed")
    return as_json(HTTPStatus.FORBIDDEN, {"error": "Invalid Host header"})


def _origin(request: Request, rules: Rules, *, upgrade: bool) -> Response | None:
    """A page of another origin asks nothing here (C-37, C-38, T22); what a preflight is told lets
    it ask nothing either."""
    if request.method == "OPTIONS" and not upgrade:
        return None
    origins = request.headers.get_all("Origin")
    if not origins:
        sites = request.headers.get_all("Sec-Fetch-Site")
        modes = request.headers.get_all("Sec-Fetch-Mode")
        mode = modes[0] if len(modes) == 1 and not upgrade else None
        if not any(cross_site(site, mode) for site in sites):
            return None
    elif len(origins) == 1 and _is_allowed(origins[0], request, rules):
        return None
    if upgrade:
        return as_text(HTTPStatus.FORBIDDEN, "Origin not allowed")
    return as_json(HTTPStatus.FORBIDDEN, {"error": "Origin not allowed"})


def _is_allowed(origin: str, request: Request, rules: Rules) -> bool:
    hosts = request.headers.get_all("Host")
    return origin_allowed(origin, hosts[0] if len(hosts) == 1 else "", rules.origins)


def _cors(request: Request, rules: Rules) -> tuple[tuple[str, str], ...]:
    origins = request.headers.get_all("Origin")
    origin = origins[0] if len(origins) == 1 else None
    return tuple(cors_headers(origin, rules.origins))


def is_forwarded(request: Request) -> bool:
    """Whether a proxy says that it asks for somebody else: then the peer's own uid says nothing
    about who asks (T37)."""
    names = (name.lower() for name, _ in request.headers.raw_items())
    return any(name.startswith(_FORWARDED) for name in names)


def subprotocols_of(request: Request) -> list[str] | None:
    """What a client offers, in its order; None when the header cannot be read."""
    found: list[str] = []
    for value in request.headers.get_all("Sec-WebSocket-Protocol"):
        try:
            found += parse_subprotocol(value)
        except InvalidHeader:
            return None
    return found
