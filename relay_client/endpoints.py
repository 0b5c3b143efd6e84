"""Where a relay is: host, port, and whether TLS is spoken there.

Pure. Section 1.3 of the wire reference: official programs know `host:port` only and speak TLS to
one relay, by the letter of its name. What we dial ourselves may also be written `wss://…` or
`ws://…` (design.md section 7, relay endpoint).
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from urllib.parse import quote, urlencode

__all__ = ["DEFAULT", "BadEndpoint", "Endpoint", "parse_endpoint", "parse_public_endpoint"]

_TLS_BY_NAME = "relay.paseo.sh:443"
_LONGEST = 255 + len(":65535")
_SCHEMES = {"ws": (False, 80), "wss": (True, 443)}
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?", re.ASCII)


class BadEndpoint(ValueError):
    """Says in words what is wrong with an endpoint."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """`host`: a name or an address, IPv6 without brackets. `tls`: dial `wss`, else `ws`."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets: what an official offer holds."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def official(self) -> bool:
        """Whether official programs that are told the `authority` would dial the same way."""
        return self.tls == (self.authority == _TLS_BY_NAME)

    def url(self, server_id: str, role: str, connection_id: str | None = None) -> str:
        """The WebSocket address for version 2 of the relay protocol (sections 2.3, 2.6).

        `role`: "server" or "client"; a `connection_id` makes a server's socket one for data.
        """
        query = {"serverId": server_id, "role": role, "v": "2"}
        if connection_id is not None:
            query["connectionId"] = connection_id
        scheme = "wss" if self.tls else "ws"
        return f"{scheme}://{self.authority}/ws?{urlencode(query, quote_via=quote)}"


def parse_endpoint(text: str) -> Endpoint:
    """`host:port` (TLS by the official rule), `ws://host[:port]` or `wss://host[:port]`.

    Raises BadEndpoint.
    """
    scheme, mark, rest = text.strip().partition("://")
    if not mark:
        return parse_public_endpoint(text.strip())
    try:
        tls, usual = _SCHEMES[scheme.lower()]
    except KeyError:
        raise BadEndpoint(f"A relay is dialled by ws:// or wss://, not by {scheme}://.") from None
    host, port = _split(rest.removesuffix("/"), usual)
    return Endpoint(host, port, tls)


def parse_public_endpoint(text: str) -> Endpoint:
    """`host:port` and nothing else: the form of an offer. Raises BadEndpoint."""
    if "://" in text:
        raise BadEndpoint(
            "In an offer a relay is written host:port, because official apps know nothing else."
        )
    host, port = _split(text, None)
    return Endpoint(host, port, text == _TLS_BY_NAME)


def _split(text: str, usual: int | None) -> tuple[str, int]:
    if len(text) > _LONGEST:
        raise BadEndpoint("The name of a relay is too long.")
    if text.startswith("["):
        host, mark, rest = text[1:].partition("]")
        if not mark:
            raise BadEndpoint("An IPv6 address ends with a bracket: [::1]:6767.")
        return _ipv6(host), _port(rest, usual)
    host, mark, digits = text.partition(":")
    if ":" in digits:
        raise BadEndpoint("An IPv6 address stands in brackets: [::1]:6767.")
    if not _HOST.fullmatch(host):
        raise BadEndpoint("A relay is named by a host and a port only: relay.example.com:443.")
    return host, _port(mark + digits, usual)


def _ipv6(host: str) -> str:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise BadEndpoint("What stands in brackets is no IPv6 address.") from None
    if "%" in host:
        raise BadEndpoint("An address with the name of an interface holds on one machine only.")
    return host


def _port(text: str, usual: int | None) -> int:
    """`text` with its colon; empty for none."""
    digits = text.removeprefix(":")
    if not text and usual is not None:
        return usual
    if text.startswith(":") and digits.isascii() and digits.isdigit() and len(digits) <= 5:
        port = int(digits)
        if 1 <= port <= 65_535:
            return port
    raise BadEndpoint("A relay has a port from 1 to 65535 behind a colon: relay.example.com:443.")


DEFAULT = parse_public_endpoint(_TLS_BY_NAME)
"""Paseo's relay."""
