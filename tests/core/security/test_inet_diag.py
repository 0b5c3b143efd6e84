"""The bytes in which the kernel is asked about a socket, beside another writing of the same.

tests/core/security/test_sockets.py puts them to this machine's own kernel.
"""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.security.inet_diag import parse, request
from sereno.core.security.same_user import Owner, Sight

U8, U16, U32 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32
AF_INET, AF_INET6 = 2, 10


class Header(ctypes.Structure):
    """struct nlmsghdr of linux/netlink.h."""

    _fields_ = (("len", U32), ("type", U16), ("flags", U16), ("seq", U32), ("pid", U32))


class Name(ctypes.Structure):
    """struct inet_diag_sockid of linux/inet_diag.h; ports and addresses in the network's order."""

    _fields_ = (
        ("sport", U8 * 2),
        ("dport", U8 * 2),
        ("src", U8 * 16),
        ("dst", U8 * 16),
        ("interface", U32),
        ("cookie", U32 * 2),
    )


class Question(ctypes.Structure):
    """The header, and struct inet_diag_req_v2."""

    _fields_ = (
        ("header", Header),
        *((name, U8) for name in ("family", "protocol", "ext", "pad")),
        ("states", U32),
        ("name", Name),
    )


class Answer(ctypes.Structure):
    """The header, and struct inet_diag_msg."""

    _fields_ = (
        ("header", Header),
        *((name, U8) for name in ("family", "state", "timer", "retrans")),
        ("name", Name),
        *((name, U32) for name in ("expires", "rqueue", "wqueue", "uid", "inode")),
    )


PORTS = st.integers(0, 65_535)
NUMBERS = st.integers(0, 2**32 - 1)
V4 = st.ip_addresses(v=4).map(str)
V6 = (
    st.ip_addresses(v=6).map(str).filter(lambda one: ipaddress.IPv6Address(one).ipv4_mapped is None)
)
SOME4, SOME6 = ("127.0.0.1", 40_000), ("127.0.0.1", 6_767)


def packed(text: str) -> bytes:
    """By the system's own reading; an IPv4 address in IPv6's clothes as such."""
    if ":" not in text:
        return socket.inet_pton(socket.AF_INET, text)
    raw = socket.inet_pton(socket.AF_INET6, text)
    return raw[12:] if raw.startswith(b"\0" * 10 + b"\xff\xff") else raw


def answer(
    peer: tuple[str, int],
    local: tuple[str, int],
    number: int,
    *,
    state: int = 1,
    uid: int = 1000,
    inode: int = 77,
    mapped: bool = False,
) -> bytes:
    """As the kernel says it of the peer's end; `mapped`: of an IPv6 socket that speaks IPv4."""
    made = Answer(state=state, uid=uid, inode=inode)
    made.header = Header(ctypes.sizeof(Answer), 20, 0, number, 4711)
    here, there = packed(peer[0]), packed(local[0])
    made.family = AF_INET if len(here) == 4 and not mapped else AF_INET6
    if mapped:
        here, there = (b"\0" * 10 + b"\xff\xff" + one for one in (here, there))
    made.name.sport = (U8 * 2)(*peer[1].to_bytes(2, "big"))
    made.name.dport = (U8 * 2)(*local[1].to_bytes(2, "big"))
    made.name.src = (U8 * 16)(*here)
    made.name.dst = (U8 * 16)(*there)
    return bytes(made)


def clothed(text: str) -> str:
    return text if ":" in text else f"::ffff:{text}"


@given(st.tuples(V4, V4) | st.tuples(V6, V6), PORTS, PORTS, NUMBERS, NUMBERS, st.booleans())
def test_a_question_is_what_the_kernel_s_headers_say(
    hosts: tuple[str, str], port: int, other: int, number: int, interface: int, clothes: bool
) -> None:
    peer, local = (clothed(one) if clothes else one for one in hosts)
    raw = request((peer, port), (local, other), number, interface)
    assert raw is not None
    assert len(raw) == ctypes.sizeof(Question)
    said = Question.from_buffer_copy(raw)
    header = said.header
    assert (header.len, header.type, header.flags, header.seq) == (len(raw), 20, 1, number)
    assert said.family == (AF_INET6 if ":" in hosts[0] else AF_INET)
    assert (said.protocol, said.ext, said.pad, said.states) == (6, 0, 0, 2**32 - 1)
    assert struct.unpack("!H", bytes(said.name.sport)) == (port,)
    assert struct.unpack("!H", bytes(said.name.dport)) == (other,)
    assert bytes(said.name.src) == packed(hosts[0]).ljust(16, b"\0")
    assert bytes(said.name.dst) == packed(hosts[1]).ljust(16, b"\0")
    assert said.name.interface == interface
    assert list(said.name.cookie) == [2**32 - 1] * 2  # INET_DIAG_NOCOOKIE


@pytest.mark.parametrize(
    ("peer", "local"), [("127.0.0.1", "::1"), ("nonsense", "127.0.0.1"), ("::1", "")]
)
def test_there_is_no_question_about_what_cannot_be_connected(peer: str, local: str) -> None:
    assert request((peer, 1), (local, 2), 1) is None
    assert parse(answer(SOME4, SOME6, 1), (peer, 1), (local, 2), 1) is None


@given(
    st.tuples(V4, V4) | st.tuples(V6, V6), PORTS, PORTS, NUMBERS, NUMBERS, NUMBERS, st.booleans()
)
def test_an_answer_names_the_owner(
    hosts: tuple[str, str], port: int, other: int, number: int, uid: int, inode: int, clothes: bool
) -> None:
    peer, local = (hosts[0], port), (hosts[1], other)
    mapped = clothes and ":" not in hosts[0]
    raw = answer(peer, local, number, uid=uid, inode=inode, mapped=mapped)
    expected = Owner(uid, inode) if inode else Sight.UNCLEAR
    for here in {peer, (clothed(peer[0]), port)}:
        assert parse(raw, here, local, number) == expected
        assert parse(raw + b"\0" * 40, here, local, number) == expected


@pytest.mark.parametrize("state", [*range(2, 13), 0])
def test_c39_a_half_closed_end_is_nobody_s(state: int) -> None:
    for uid, inode in ((0, 0), (1000, 77)):
        raw = answer(SOME4, SOME6, 1, state=state, uid=uid, inode=inode)
        assert parse(raw, SOME4, SOME6, 1) is Sight.UNCLEAR


@given(
    st.tuples(V4, V4) | st.tuples(V6, V6),
    PORTS,
    PORTS,
    st.sampled_from(("peer", "local", "port", "other", "number", "listens")),
)
def test_an_answer_about_another_socket_is_none(
    hosts: tuple[str, str], port: int, other: int, changed: str
) -> None:
    peer, local, number = (hosts[0], port), (hosts[1], other), 7
    raw = answer(peer, local, number)

    def next_to(text: str) -> str:
        one = ipaddress.ip_address(text)
        return str(type(one)(int(one) ^ 1))

    match changed:
        case "peer":
            peer = (next_to(peer[0]), port)
        case "local":
            local = (next_to(local[0]), other)
        case "port":
            peer = (peer[0], port ^ 1)
        case "other":
            local = (local[0], other ^ 1)
        case "number":
            number = 8
        case _:
            nobody = "::" if ":" in hosts[0] else "0.0.0.0"
            raw = answer((hosts[0], port), (nobody, 0), number, state=10)
            if (local[0], other) == (nobody, 0):
                return
    assert parse(raw, peer, local, number) is None


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EPERM, errno.EINVAL, errno.EOPNOTSUPP])
def test_an_error_is_no_answer(code: int) -> None:
    """Even "there is none": the kernel says it of sockets that are bound to an interface."""
    question = request(SOME4, SOME6, 1)
    assert question is not None
    error = Header(16 + 4 + len(question), 2, 0, 1, 4711)
    raw = bytes(error) + struct.pack("=i", -code) + question
    assert parse(raw, SOME4, SOME6, 1) is None


@given(st.binary(max_size=200))
def test_any_bytes_have_an_answer(raw: bytes) -> None:
    assert parse(raw, SOME4, SOME6, 1) is None


@given(st.integers(0, ctypes.sizeof(Answer) - 1), st.integers(0, ctypes.sizeof(Answer) - 1))
def test_an_answer_that_was_cut_off_is_none(end: int, length: int) -> None:
    whole = answer(SOME4, SOME6, 1)
    assert parse(whole[:end], SOME4, SOME6, 1) is None
    assert parse(struct.pack("=I", length) + whole[4:], SOME4, SOME6, 1) is None
    assert parse(struct.pack("=I", len(whole) + 1) + whole[4:], SOME4, SOME6, 1) is None
