"""The addresses that `daemon.listen` may name (wire reference 4.1).

Reading only: nothing is opened and no name is looked up here. What an address means on this
machine is core/daemon/sockets.py.
"""

from __future__ import annotations

import re
import socket

import msgspec

_FORMS = 'an address such as "127.0.0.1:6767", "[::1]:6767", "6767" or "unix:///path"'
_TCP = (
    r"(?a)(?:\[(?P<six>[0-9a-fA-F:.]+)(?P<zone>%[A-Za-z0-9_.-]+)?\]|(?P<name>[A-Za-z0-9_.-]+))"
    r":(?P<port>\d{1,5})"
)
_DIGITS = r"[0-9.]+|0[xX].*"


class TcpAddress(msgspec.Struct, frozen=True):
    """A TCP address; `host` without brackets, port 0 for any free one."""

    host: str
    port: int

    @property
    def text(self) -> str:
        """The one way to write it, by which an address is known from start to start."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UnixAddress(msgspec.Struct, frozen=True):
    """The path of a unix socket, absolute or beginning with `~/`."""

    path: str

    @property
    def text(self) -> str:
        return self.path


Address = TcpAddress | UnixAddress


def parse_listen(text: str) -> Address:
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
    match = re.fullmatch(_TCP, text)
    if match is None:
        raise ValueError(_FORMS)
    port = _port(match["port"])
    if match["six"] is not None:
        return TcpAddress(_six(match["six"]) + (match["zone"] or ""), port)
    return TcpAddress(_name(match["name"]), port)


def _six(host: str) -> str:
    """In its shortest form, so that one address has one text."""
    try:
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host))
    except OSError:
        raise ValueError(_FORMS) from None


def _name(name: str) -> str:
    """A name or four numbers. What only looks like numbers (127.1, 0x7f.1) is refused: resolvers
    differ about it."""
    if re.fullmatch(_DIGITS, name):
        try:
            socket.inet_pton(socket.AF_INET, name)
        except OSError:
            raise ValueError(_FORMS) from None
    return name.lower()


def _port(text: str) -> int:
    if len(text) > 5 or int(text) > 65535:
        raise ValueError(f"{_FORMS}, with a port up to 65535")
    return int(text)
