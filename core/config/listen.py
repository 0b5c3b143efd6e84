"""The addresses that `daemon.listen` may name (wire reference 4.1).

Reading only: nothing is opened here. In this release the daemon opens the home's unix socket and
no address of this list; they are checked so that a mistake is found on the day it is made.
"""

from __future__ import annotations

import re

import msgspec

_FORMS = 'an address such as "127.0.0.1:6767", "[::1]:6767", "6767" or "unix:///path"'
_TCP = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%]+)\]|(?P<name>[A-Za-z0-9_.-]+)):(?P<port>\d{1,5})")


class TcpAddress(msgspec.Struct, frozen=True):
    """A TCP address; `host` without brackets, port 0 for any free one."""

    host: str
    port: int


class UnixAddress(msgspec.Struct, frozen=True):
    """The path of a unix socket, absolute or beginning with `~/`."""

    path: str


def parse_listen(text: str) -> TcpAddress | UnixAddress:
    """Read one address. Raises ValueError with what it must be."""
    text = text.strip()
    if text.startswith("unix://"):
        text = text.removeprefix("unix://")
        if not text.startswith("/"):
            raise ValueError(_FORMS)
    if text.startswith(("/", "~/")) and len(text) > 2:
        return UnixAddress(text)
    if text.isascii() and text.isdigit():
        return TcpAddress("127.0.0.1", _port(text))
    match = _TCP.fullmatch(text)
    if match is None:
        raise ValueError(_FORMS)
    return TcpAddress(match["six"] or match["name"], _port(match["port"]))


def _port(text: str) -> int:
    if len(text) > 5 or int(text) > 65535:
        raise ValueError(f"{_FORMS}, with a port up to 65535")
    return int(text)
