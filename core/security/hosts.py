"""Which Host headers are answered (wire reference 4.5, C-35, C-36, T21).

Pure. A web page of a stranger can make its own name point at this machine (DNS rebinding); the
browser then still says that name in Host. Names are read strictly: what a resolver might take for
an address (127.1, 0x7f.1) and what only looks like a name is nobody's name. The port is ignored,
so that `ssh -L 8000:localhost:6767` works.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

__all__ = ["host_allowed", "host_name"]

_PORT = r"(:[0-9]{1,5})?"
_NAME = r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*"
_NUMBER = r"[0-9]+|0x[0-9a-f]*"
_LONGEST = 253


def host_name(header: str) -> str | None:
    """The name or address in a Host header, in lower case, without port and brackets.

    One final dot is taken off a name: it says the same. None for what is no host: empty, userinfo,
    a zone, a port out of range, an IPv6 address without brackets, numbers that are no dotted IPv4
    address.
    """
    text = header.strip(" \t").lower()
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        return _six(inside) if closed and _port_is_fine(rest) else None
    name, colon, port = text.partition(":")
    if not _port_is_fine(colon + port):
        return None
    if _ends_in_a_number(name):
        return _four(name)
    name = name.removesuffix(".")
    return name if len(name) <= _LONGEST and re.fullmatch(_NAME, name) else None


def host_allowed(header: str, hostnames: tuple[str, ...] | Literal[True]) -> bool:
    """Whether a Host header may be answered.

    localhost, names below .localhost and addresses always may, True lets every valid host pass;
    "example.com" is that name, ".example.com" that and every name below it.
    """
    name = host_name(header)
    if name is None:
        return False
    if hostnames is True or name == "localhost" or name.endswith(".localhost"):
        return True
    if _four(name) is not None or _six(name) is not None:
        return True
    return any(_fits(name, pattern.strip().lower()) for pattern in hostnames)


def _fits(name: str, pattern: str) -> bool:
    if pattern.startswith("."):
        return len(pattern) > 1 and (name == pattern[1:] or name.endswith(pattern))
    return bool(pattern) and name == pattern


def _port_is_fine(text: str) -> bool:
    """`text` is empty or begins with the colon."""
    return re.fullmatch(_PORT, text) is not None and (not text or 0 < int(text[1:]) <= 65535)


def _ends_in_a_number(name: str) -> bool:
    """Then browsers take it for an IPv4 address, however short or odd (URL standard, 3.5)."""
    return re.fullmatch(_NUMBER, name.removesuffix(".").rpartition(".")[2]) is not None


def _four(text: str) -> str | None:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None


def _six(text: str) -> str | None:
    if "%" in text:
        return None
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return None
