"""What the kernel is asked about one TCP socket, and what it answers: NETLINK_SOCK_DIAG in bytes.

Pure; core/security/sockets.py sends and receives. One question costs some microseconds where the
tables in /proc cost milliseconds (see sock_diag(7), linux/inet_diag.h). What is not a plain answer
about the very socket that was asked for is none: then the tables have to say it.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Final

from sereno.core.security.addresses import IPAddress, plain
from sereno.core.security.same_user import Address, Owner, Sight

__all__ = ["LARGEST", "PROTOCOL", "parse", "request"]

PROTOCOL: Final = 4
"""NETLINK_SOCK_DIAG."""
LARGEST: Final = 8_192
"""Bytes of an answer, at most; one is some 120."""

_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_QUESTION: Final = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_PORTS: Final = struct.Struct("!HH")
_INTERFACE: Final = struct.Struct("=I")
_ANSWER: Final = struct.Struct("=BBBB48s5I")  # …, the socket's id, timer, queues, uid, inode
_BY_FAMILY: Final = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST: Final = 1  # NLM_F_REQUEST
_ANY_STATE: Final = 0xFFFF_FFFF
_NO_COOKIE: Final = b"\xff" * 8
_ESTABLISHED: Final = 1
# Linux's numbers: socket.AF_INET6 of another system is another one.
_AF_INET, _AF_INET6 = 2, 10


def request(peer: Address, local: Address, sequence: int, interface: int = 0) -> bytes | None:
    """Asks for the peer's end: its own address is `peer`, and it is connected to `local`.

    An IPv4 question finds sockets of either kind. `interface`: the zone of a link-local address.
    None where the two are no addresses of one kind.
    """
    here, there = plain(peer[0]), plain(local[0])
    if here is None or there is None or here.version != there.version:
        return None
    family = _AF_INET if here.version == 4 else _AF_INET6
    body = (
        _QUESTION.pack(family, socket.IPPROTO_TCP, 0, _ANY_STATE)
        + _PORTS.pack(peer[1], local[1])
        + here.packed.ljust(16, b"\0")
        + there.packed.ljust(16, b"\0")
        + _INTERFACE.pack(interface)
        + _NO_COOKIE
    )
    length = _HEADER.size + len(body)
    return _HEADER.pack(length, _BY_FAMILY, _REQUEST, sequence, 0) + body


def parse(answer: bytes, peer: Address, local: Address, sequence: int) -> Owner | Sight | None:
    """Who owns the peer's end; Sight.UNCLEAR for one that is not whole.

    None: this does not tell. An error is none, "no such socket" too: the kernel says it of
    sockets that are bound to an interface, and where it was built without inet_diag. So is an
    answer about another socket: where none is connected, the kernel shows one that listens.
    """
    if len(answer) < _HEADER.size + _ANSWER.size:
        return None
    length, kind, _, number, _ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY or number != sequence or length > len(answer):
        return None
    if length < _HEADER.size + _ANSWER.size:
        return None
    family, state, _, _, name, _, _, _, uid, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    asked = (plain(peer[0]), peer[1], plain(local[0]), local[1])
    if None in asked or _ends(family, name) != asked:
        return None
    return Owner(uid, inode) if state == _ESTABLISHED and inode else Sight.UNCLEAR


def _ends(family: int, name: bytes) -> tuple[IPAddress, int, IPAddress, int] | None:
    """Address and port of a socket's own end and of the other one, IPv4 as such."""
    here, there = _PORTS.unpack_from(name)
    size = {_AF_INET: 4, _AF_INET6: 16}.get(family)
    if size is None:
        return None
    return _address(name[4 : 4 + size]), here, _address(name[20 : 20 + size]), there


def _address(packed: bytes) -> IPAddress:
    if len(packed) == 4:
        return ipaddress.IPv4Address(packed)
    found = ipaddress.IPv6Address(packed)
    return found if found.ipv4_mapped is None else found.ipv4_mapped
