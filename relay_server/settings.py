"""What somebody wants of a relay, checked before anything is opened.

Texts of the command line in, typed values out. Whatever is wrong is a RelayError with words.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sereno.relay_server.answers import Network
from sereno.relay_server.limits import Limits, Timing

__all__ = ["Address", "RelayError", "Settings", "read_address", "read_networks"]


class RelayError(Exception):
    """`code`, `message` and `next_step` as every error of ours.

    Codes: bad_address, bad_broker, bad_proxy, nothing_to_do, tls_refused, port_in_use.
    """

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = code
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """`plain` and `tls`: where to listen; `metrics`: where only counts are shown, to anybody;
    `nats`: brokers that join this node to others, `node` its name for people."""

    plain: tuple[Address, ...] = ()
    tls: tuple[Address, ...] = ()
    metrics: tuple[Address, ...] = ()
    cert: Path | None = None
    key: Path | None = None
    proxies: tuple[Network, ...] = ()
    nats: tuple[str, ...] = ()
    node: str = ""
    limits: Limits = field(default_factory=Limits)
    timing: Timing = field(default_factory=Timing)

    def check(self) -> None:
        """Raises RelayError."""
        if not (self.plain or self.tls):
            raise RelayError(
                "nothing_to_do", "The relay has no address.", "Name one with --listen."
            )
        if bool(self.tls) != (self.cert is not None and self.key is not None):
            raise RelayError(
                "tls_refused",
                "TLS needs an address, a certificate and its key.",
                "Give --listen-tls, --cert and --key together.",
            )
        for broker in self.nats:
            _check_broker(broker)


def _check_broker(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("nats", "tls") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:  # Not repeated: it may hold a password.
        raise RelayError(
            "bad_broker",
            "The address of the NATS server cannot be read.",
            "Write nats://HOST:PORT or tls://HOST:PORT, with USER:PASSWORD@ before HOST if needed.",
        )


def read_address(text: str) -> Address:
    """`HOST:PORT` or `[IPV6]:PORT`; port 0 takes a free one. Raises RelayError."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    is_number = port.isascii() and port.isdigit()
    if not (colon and bare and is_number) or int(port) > 65535 or ((":" in bare) != bracketed):
        raise RelayError(
            "bad_address",
            f"{text} is no address to listen on.",
            "Write HOST:PORT, or [IPV6]:PORT.",
        )
    return Address(bare, int(port))


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses or networks of proxies. Raises RelayError."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise RelayError(
                "bad_proxy",
                f"{text} is no address or network of a proxy.",
                "Write it like 127.0.0.1, or 10.0.0.0/8.",
            ) from error
    return tuple(found)
