"""How another device reaches this daemon: the address of an offer, as a URL (wire section 4.7)."""

from __future__ import annotations

import ipaddress
import socket

from sereno.core.protocol.additions import MakeOfferResult
from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError


def url_of(offer: MakeOfferResult, at: str | None) -> str:
    """`at`: host and perhaps port, as the person says it. Raises CliError where there is no way."""
    place = _said(at, offer.addresses) if at is not None else _found(offer.addresses)
    ssl = "ssl=true&" if offer.tls else ""
    return f"tcp://{place}?{ssl}password={offer.secret}"


def _said(at: str, addresses: list[str]) -> str:
    host, _, port = at.rpartition(":")
    if at.count(":") > 1 and not at.startswith("["):  # IPv6 without brackets: all of it is host
        host, port = f"[{at}]", ""
    elif not port.isdigit():
        host, port = at, ""
    if not port and not addresses:
        raise _unreachable("it listens on no TCP address")
    if not host.strip("[]") or set(host) & set(" /?#@&"):
        raise CliError(
            "usage", f"{at} is no host", "Write it like box.example.com:6767", exits.USAGE
        )
    return f"{host}:{port or addresses[0].rpartition(':')[2]}"


def _found(addresses: list[str]) -> str:
    """The first address that others may reach; for all addresses, the one that is used outwards."""
    for address in addresses:
        host, _, port = address.rpartition(":")
        where = ipaddress.ip_address(host.strip("[]").partition("%")[0])
        if where.is_loopback or where.is_link_local:
            continue
        if not where.is_unspecified:
            return address
        mine = _outward(socket.AF_INET, "192.0.2.1")
        mine = mine or (_outward(socket.AF_INET6, "2001:db8::1") if where.version == 6 else None)
        if mine is not None:
            return f"[{mine}]:{port}" if ":" in mine else f"{mine}:{port}"
    raise _unreachable(
        f"it listens on {', '.join(addresses)}" if addresses else "it listens on no TCP address"
    )


def _outward(family: socket.AddressFamily, somewhere: str) -> str | None:
    """Our address towards the outside, as the system's routes say it. Nothing is sent."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _unreachable(why: str) -> CliError:
    return CliError(
        "not_reachable",
        f"no other device can reach this daemon by itself: {why}",
        "Set a password and add an address to daemon.listen, or say with --at how it is reached "
        "(SSH, VPN, proxy)",
    )
