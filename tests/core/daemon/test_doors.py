"""Doors: opened at the start, and kept while the configuration changes around them."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Container, Iterator
from pathlib import Path

import msgspec
import pytest

from sereno.core.config import Config, DaemonConfig
from sereno.core.config.model import AuthConfig, TlsConfig
from sereno.core.daemon.doors import Address, Doors
from sereno.core.daemon.sockets import DoorError
from sereno.core.home import HomeError

HASH = "$2b$12$" + "a" * 21 + "e" + "a" * 31


class Standing:
    """A listener that only remembers what it was told."""

    def __init__(self, listener: socket.socket, address: Address) -> None:
        self.fd = listener.fileno()
        self.address = address
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    def stop(self) -> None:
        self.told.append("stop")

    async def wait_closed(self, timeout_s: float) -> None:
        self.told.append("wait")

    def drop(self, credentials: Container[str], code: int = 4401, reason: str = "") -> None:
        self.told.append(f"drop {code}" if "password:owner" in credentials else "drop")


class House:
    def __init__(self, tmp_path: Path) -> None:
        self.doors = Doors(tmp_path / "own.sock")
        self.standing: list[Standing] = []

    def make(self, listener: socket.socket, address: Address) -> Standing:
        self.standing.append(Standing(listener, address))
        return self.standing[-1]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.doors.close(remove_names=True)


def settings(*listen: str, password: bool = False, **more: object) -> DaemonConfig:
    auth = AuthConfig(password=HASH if password else None)
    return msgspec.structs.replace(DaemonConfig(listen=listen, auth=auth), **more)


def test_c56_nothing_listed_is_nothing_open(house: House) -> None:
    house.doors.open(settings())
    assert house.doors.states() == []
    assert house.doors.descriptors == ()


def test_c31_c56_the_default_is_loopback_and_the_port_of_the_official_clients() -> None:
    assert Config().daemon.listen == ("127.0.0.1:6767",)


def test_each_address_once_and_never_the_home_s_own(house: House, tmp_path: Path) -> None:
    own, more = str(tmp_path / "own.sock"), str(tmp_path / "more.sock")
    house.doors.open(settings("127.0.0.1:0", "0", f"unix://{own}", more, f"unix://{more}"))
    assert [name for name, _ in house.doors.descriptors] == ["127.0.0.1:0", more]
    [tcp, unix] = house.doors.states()
    assert tcp.open == [f"127.0.0.1:{house.doors.addresses[0][1]}"]
    assert unix.open == [more]
    assert house.doors.open_texts == [*tcp.open, more]


def test_one_that_cannot_be_opened_is_told_and_the_others_are_open(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        house.doors.open(settings(taken, "127.0.0.1:0", "0.0.0.0:0"))
    first, second, third = house.doors.states()
    assert first.open == []
    assert first.error is not None
    assert f"process {os.getpid()}" in first.error
    assert second.error is None
    assert len(second.open) == 1
    assert third.error is not None
    assert "password" in third.error


def test_strict_refuses_and_leaves_nothing_open(house: House, tmp_path: Path) -> None:
    more = tmp_path / "more.sock"
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(DoorError) as caught:
            house.doors.open(settings(str(more), "127.0.0.1:0", taken), strict=True)
    assert caught.value.code == "port_in_use"
    assert not more.exists()
    assert house.doors.descriptors == ()


def test_t25_without_the_encryption_that_was_asked_for_no_tcp_is_open(
    house: House, tmp_path: Path
) -> None:
    plain = HomeError("tls_refused", "The key cannot be read.", "Correct it.")
    house.doors.open(settings("127.0.0.1:0", str(tmp_path / "more.sock")), plain=plain)
    tcp, unix = house.doors.states()
    assert (tcp.open, tcp.error, tcp.next_step) == ([], plain.message, plain.next_step)
    assert len(unix.open) == 1


async def test_t25_a_certificate_that_cannot_be_used_opens_nothing_without_encryption(
    house: House, tmp_path: Path
) -> None:
    refused = HomeError("tls_refused", "The key cannot be read.", "Correct it.")
    listed = settings("127.0.0.1:0", "[::1]:0", str(tmp_path / "more.sock"))
    house.doors.open(settings("127.0.0.1:0"))
    assert await house.doors.change(listed, tls=refused) is True
    four, six, unix = house.doors.states()
    assert (len(four.open), four.error) == (1, None)  # as it was, and said so
    assert "The key cannot be read. Correct it." in str(four.warning)
    assert (six.open, six.error, six.next_step) == ([], refused.message, refused.next_step)
    assert (len(unix.open), unix.error, unix.warning) == (1, None, None)
    # With the certificate of before it is opened, and corrected it is as if nothing had been.
    assert await house.doors.change(listed, tls=refused, encrypted=True) is True
    assert await house.doors.change(listed, encrypted=True) is False
    assert [(len(one.open), one.error, one.warning) for one in house.doors.states()] == [
        (1, None, None)
    ] * 3


def test_the_next_daemon_takes_over_what_is_still_listed(house: House, tmp_path: Path) -> None:
    before = Doors(tmp_path / "own.sock")
    before.open(settings("127.0.0.1:0", "[::1]:0"))
    ports = [port for _, port in before.addresses]
    taken = [(name, os.dup(fd)) for name, fd in before.descriptors]
    before.close(remove_names=False)
    house.doors.open(settings("127.0.0.1:0"), taken)
    assert house.doors.addresses == [("127.0.0.1", ports[0])]
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(taken[1][1])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("::1", ports[1]), 5)


def test_a_descriptor_that_is_nothing_is_replaced(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.doors.open(settings("127.0.0.1:0"), [("127.0.0.1:0", 999_999)])
    assert len(house.doors.addresses) == 1
    assert "999999" in caplog.text


async def test_a_change_leaves_alone_what_is_still_listed(house: House, tmp_path: Path) -> None:
    more = tmp_path / "more.sock"
    house.doors.open(settings("127.0.0.1:0", str(more)))
    house.doors.serve(house.make)
    tcp, unix = house.standing
    kept = house.doors.addresses
    assert await house.doors.change(settings("127.0.0.1:0", "[::1]:0")) is True
    assert house.doors.addresses[0] == kept[0]
    assert [one.address.text for one in house.standing] == ["127.0.0.1:0", str(more), "[::1]:0"]
    assert tcp.told == ["start"]
    assert unix.told == ["start", "stop", "drop 1001"]
    assert not more.exists()
    assert await house.doors.change(settings("[::1]:0", "127.0.0.1:0")) is True
    assert [door.address for door in house.doors.states()] == ["[::1]:0", "127.0.0.1:0"]
    assert await house.doors.change(settings("[::1]:0", "127.0.0.1:0")) is False
    assert [one.told for one in house.standing[::2]] == [["start"], ["start"]]


async def test_what_was_taken_is_opened_when_it_is_free(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        text = f"127.0.0.1:{other.getsockname()[1]}"
        house.doors.open(settings(text))
        house.doors.serve(house.make)
        assert await house.doors.change(settings(text)) is False
    assert await house.doors.change(settings(text)) is True
    assert house.doors.open_texts == [text]
    assert house.standing[0].told == ["start"]


async def test_t24_a_password_that_goes_closes_what_the_network_reaches(house: House) -> None:
    house.doors.open(settings("0.0.0.0:0", "127.0.0.1:0", password=True))
    house.doors.serve(house.make)
    assert await house.doors.change(settings("0.0.0.0:0", "127.0.0.1:0")) is True
    every, local = house.doors.states()
    assert every.open == []
    assert "no password is set" in str(every.error)
    assert len(local.open) == 1
    assert house.standing[0].told == ["start", "stop", "drop 1001"]
    assert house.standing[1].told == ["start"]


async def test_another_encryption_is_another_listener_on_the_same_socket(
    house: House, tmp_path: Path
) -> None:
    house.doors.open(settings("127.0.0.1:0", str(tmp_path / "more.sock")))
    house.doors.serve(house.make)
    house.doors.serve_anew()
    assert [one.told for one in house.standing] == [
        ["start", "stop", "drop 1012"],
        ["start"],
        ["start"],
    ]
    assert house.standing[0].fd == house.standing[2].fd


async def test_credentials_that_ended_are_dropped_everywhere(house: House) -> None:
    house.doors.open(settings("127.0.0.1:0", "[::1]:0"))
    house.doors.serve(house.make)
    house.doors.drop(frozenset({"password:owner"}))
    house.doors.stop()
    await house.doors.wait_closed(1)
    assert [one.told for one in house.standing] == [["start", "drop 4401", "stop", "wait"]] * 2


@pytest.mark.parametrize(
    ("listen", "tls", "words"),
    [
        ("127.0.0.1:0", False, []),
        ("0.0.0.0:0", False, ["every network", "not encrypted"]),
        ("0.0.0.0:0", True, ["every network"]),
        ("[::]:0", False, ["every network", "not encrypted"]),
    ],
)
async def test_c34_c43_t25_warnings_are_told_and_logged_once(
    house: House, caplog: pytest.LogCaptureFixture, listen: str, tls: bool, words: list[str]
) -> None:
    files = TlsConfig("cert.pem", "key.pem") if tls else TlsConfig()
    config = settings(listen, password=True, tls=files)
    with caplog.at_level(logging.WARNING, "sereno.doors"):
        house.doors.open(config)
        await house.doors.change(config, encrypted=tls)
    [door] = house.doors.states()
    assert (door.warning is None) == (not words)
    for word in ("every network", "not encrypted"):
        assert (word in (door.warning or "")) is (word in words)
    assert len(caplog.records) == bool(words)
