"""Sockets for addresses: what is bound, what is refused and in which words."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sereno.core.config import TcpAddress, UnixAddress, parse_listen
from sereno.core.daemon.sockets import (
    DoorError,
    adopt,
    bound_to,
    is_loopback,
    is_private_network,
    open_sockets,
)


@contextmanager
def opened(text: str, *, password: bool = False) -> Iterator[list[socket.socket]]:
    found = open_sockets(parse_listen(text), password=password)
    try:
        yield found
    finally:
        for one in found:
            one.close()


def refused(text: str, *, password: bool = False) -> DoorError:
    with pytest.raises(DoorError) as caught:
        open_sockets(parse_listen(text), password=password)
    assert text.split(":", maxsplit=1)[0] in caught.value.message
    assert "listen" in caught.value.next_step
    return caught.value


def test_port_0_is_any_free_one() -> None:
    with opened("127.0.0.1:0") as [one]:
        host, port = bound_to(one)
        assert (host, port > 0) == ("127.0.0.1", True)
        assert not one.getblocking()
        assert not one.get_inheritable()
        with socket.create_connection((host, port), 5):
            pass


def test_ipv6_and_both_wildcards_side_by_side() -> None:
    with opened("[::1]:0") as [six]:
        host, port = bound_to(six)
        assert host == "::1"
        with opened(f"127.0.0.1:{port}") as [four]:
            assert bound_to(four) == ("127.0.0.1", port)
    with opened("[::]:0", password=True) as [every]:
        port = bound_to(every)[1]
        with opened(f"0.0.0.0:{port}", password=True):
            pass


def test_a_name_is_opened_for_each_of_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def both(host: bytes, *rest: Any, **more: Any) -> object:
        if host != b"box":
            return resolve(host, *rest, **more)
        kind = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, kind, 6, "", ("::1", 0, 0, 0)),
            (socket.AF_INET, kind, 6, "", ("127.0.0.1", 0)),
            (socket.AF_INET, kind, 6, "", ("127.0.0.1", 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with opened("box:0") as found:
        assert [bound_to(one)[0] for one in found] == ["::1", "127.0.0.1"]


@pytest.mark.parametrize("text", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_c34_t24_nothing_but_loopback_without_a_password(text: str) -> None:
    error = refused(text)
    assert error.code == "needs_password"
    assert "sereno daemon set-password" in error.next_step


def test_t24_a_name_that_means_the_network_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where only one of its addresses can be reached from elsewhere."""
    found = [("127.0.0.1", 0), ("192.0.2.1", 0)]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in found],
    )
    assert refused("box:0").code == "needs_password"


def test_a_port_that_is_taken_is_told_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = refused(f"127.0.0.1:{port}")
    assert error.code == "port_in_use"
    assert f"process {os.getpid()}" in error.message
    assert "config.toml" in error.next_step


def test_an_address_that_is_not_of_this_machine() -> None:
    assert refused("192.0.2.1:0", password=True).code == "not_this_machine"


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert refused("nowhere.invalid:1").code == "unknown_name"


def test_adopted_is_the_same_socket_and_the_rules_hold_for_it_too() -> None:
    address = TcpAddress("127.0.0.1", 0)
    with opened("127.0.0.1:0") as [one]:
        port = bound_to(one)[1]
        with adopt(address, os.dup(one.fileno()), password=False) as again:
            assert bound_to(again)[1] == port
        with pytest.raises(DoorError):
            adopt(TcpAddress("127.0.0.1", port + 1), os.dup(one.fileno()), password=False)
        with pytest.raises(DoorError):
            adopt(UnixAddress("/x"), os.dup(one.fileno()), password=False)
    with opened("0.0.0.0:0", password=True) as [one]:
        with pytest.raises(DoorError) as caught:
            adopt(TcpAddress("0.0.0.0", 0), os.dup(one.fileno()), password=False)
        assert caught.value.code == "needs_password"
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(DoorError):
        adopt(address, reading, password=False)
    os.close(reading)


def test_t35_a_unix_socket_never_takes_the_place_of_anything(tmp_path: Path) -> None:
    path = tmp_path / "more.sock"
    with opened(str(path)) as [one]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert refused(str(path)).code == "path_in_use"
        with adopt(UnixAddress(str(path)), os.dup(one.fileno()), password=False):
            pass
    with opened(str(path)):  # What nobody serves any more is replaced.
        pass
    path.unlink()
    path.write_text("precious")
    assert refused(str(path)).code == "path_in_use"
    assert path.read_text() == "precious"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert refused(str(path)).code == "path_in_use"
    assert refused(str(tmp_path / "no" / "x.sock")).code == "not_openable"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("fe80::1%lo", False),
    ],
)
def test_c31_which_addresses_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("100.64.0.1", True),
        ("100.127.255.255", True),
        ("100.128.0.1", False),
        ("192.168.1.1", False),
        ("fd7a:115c:a1e0::1", True),
        ("fd00::1", False),
    ],
)
def test_c43_which_networks_encrypt_by_themselves(host: str, private: bool) -> None:
    assert is_private_network(host) is private
