"""What a request gets: an HTTP answer, or a place at the switchboard (wire reference 2.1).

Bodies are constant words; nothing of a request is repeated in them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from email.utils import formatdate
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from sereno.relay_server.place import BadPlace, Place, read_place, split_target

__all__ = [
    "Network",
    "answer",
    "decide",
    "is_forwarded",
    "is_loopback",
    "is_within",
    "peer_address",
    "wants_metrics",
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def answer(status: HTTPStatus, text: str, kind: str = "text/plain; charset=utf-8") -> Response:
    body = text.encode()
    headers = Headers()
    headers["Date"] = formatdate(usegmt=True)
    headers["Connection"] = "close"
    headers["Content-Length"] = str(len(body))
    headers["Content-Type"] = kind
    headers["Cache-Control"] = "no-store"
    return Response(status.value, status.phrase, headers, body)


def decide(request: Request) -> Place | Response:
    """Everything but the metrics. A Place is given to a request that asks for an upgrade only."""
    path, query = split_target(request.path)
    if path == "/health":
        return answer(HTTPStatus.OK, '{"status":"ok"}', "application/json")
    if path != "/ws":
        return answer(HTTPStatus.NOT_FOUND, "Not found")
    try:
        place = read_place(query)
    except BadPlace as error:
        return answer(HTTPStatus.BAD_REQUEST, str(error))
    if not any(word.strip().lower() == "websocket" for word in _words(request, "Upgrade")):
        refused = answer(HTTPStatus.UPGRADE_REQUIRED, "Expected WebSocket upgrade")
        refused.headers["Upgrade"] = "websocket"
        return refused
    return place


def wants_metrics(request: Request) -> bool:
    return split_target(request.path)[0] == "/metrics"


def is_forwarded(request: Request) -> bool:
    """Whether somebody in between says that the request is another's."""
    names = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
    return any(request.headers.get_all(name) for name in names)


def is_loopback(address: str) -> bool:
    ip = _parsed(address)
    return ip is not None and ip.is_loopback


def peer_address(direct: str, request: Request, proxies: Sequence[Network]) -> str:
    """Whose request it is: behind trusted proxies the last entry that none of them wrote.

    What stands further left in X-Forwarded-For was written by the client and proves nothing.
    """
    address = direct
    entries = [word.strip() for word in _words(request, "X-Forwarded-For")]
    while entries and is_within(address, proxies):
        entry = entries.pop()
        if _parsed(entry) is None:
            break
        address = entry
    return address


def _words(request: Request, name: str) -> list[str]:
    return [word for value in request.headers.get_all(name) for word in value.split(",")]


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def is_within(address: str, networks: Sequence[Network]) -> bool:
    ip = _parsed(address)
    return ip is not None and any(ip in network for network in networks)
