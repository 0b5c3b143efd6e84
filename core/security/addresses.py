"""IP addresses as policies need them: without their disguises, and gathered for counting.

Pure. An IPv4 peer of an IPv6 socket looks like ::ffff:1.2.3.4, and a link-local one carries the
name of an interface; both are the same machine as without.
"""

from __future__ import annotations

import ipaddress

__all__ = ["is_loopback", "neighbourhood", "plain"]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def plain(text: str) -> IPAddress | None:
    """The address without its zone, an IPv4 one as such; None for what is no address."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def is_loopback(text: str) -> bool:
    """Whether only this machine can have the address; False for what is no address."""
    found = plain(text)
    return found is not None and found.is_loopback


def neighbourhood(text: str) -> str:
    """Who counts as one in limits: an IPv4 address, or the /64 that an IPv6 host may roam in.

    This machine is one: whoever is on it may call from any of the millions of addresses that begin
    with 127. What is no address counts as itself.
    """
    found = plain(text)
    if found is None:
        return text
    if found.is_loopback:
        return "loopback"
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)
