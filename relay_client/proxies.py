"""Through which proxy a relay is dialled: what the environment, or the system, says.

`wss_proxy`, `ws_proxy`, `socks_proxy`, `https_proxy`, `http_proxy` and `all_proxy` in this order,
`no_proxy` against them all; the values are those of `websockets` (http, https, socks4, socks5,
socks5h). A relay on this very machine is dialled directly.
"""

from __future__ import annotations

import ipaddress
import urllib.request

from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from sereno.relay_client.endpoints import Endpoint

__all__ = ["proxy_for"]


def proxy_for(endpoint: Endpoint) -> str | None:
    """Its address, which may hold a password: for dialling, never for words. None: directly."""
    if _is_here(endpoint.host):
        return None
    # The library asks no_proxy, and chooses; it knows all_proxy only by its narrower names.
    target = parse_uri(f"{'wss' if endpoint.tls else 'ws'}://{endpoint.authority}/")
    chosen = get_proxy(target)
    if chosen is None and not urllib.request.proxy_bypass(f"{endpoint.host}:{endpoint.port}"):
        chosen = urllib.request.getproxies().get("all")
    return chosen


def _is_here(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
