"""sd_notify: the words on a real datagram socket, and that no manager ever stops a daemon."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.daemon.notify import Notifier, socket_address, watchdog_interval


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        listening.bind(address)
        yield listening


def test_each_word_is_one_datagram(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with manager(path) as listening:
        words = Notifier(path, monotonic_us=lambda: 42)
        words.ready("answers on two\nsockets")
        words.reloading()
        words.status("one\nREADY=1")
        words.stopping()
        words.ready()  # The end of a reload that was still under way.
        words.status("last")
        heard = [listening.recv(4096).decode().split("\n") for _ in range(5)]
    assert heard == [
        ["READY=1", "STATUS=answers on two sockets"],
        ["RELOADING=1", "MONOTONIC_USEC=42"],
        ["STATUS=one READY=1"],
        ["STOPPING=1", "STATUS=stops; agents go on in their runners"],
        ["STATUS=last"],
    ]


def test_reloading_carries_the_clock_that_systemd_reads(tmp_path: Path) -> None:
    """CLOCK_MONOTONIC in microseconds, as sd_notify(3) asks."""
    path = str(tmp_path / "notify")
    with manager(path) as listening:
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        Notifier(path).reloading()
        said = int(listening.recv(4096).decode().partition("MONOTONIC_USEC=")[2])
        assert before <= said <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.linux
def test_a_socket_in_the_abstract_namespace(tmp_path: Path) -> None:
    name = f"sereno-test-{tmp_path}"
    with manager(f"\0{name}") as listening:
        Notifier.from_environment({"NOTIFY_SOCKET": f"@{name}"}, 1).ready()
        assert listening.recv(4096) == b"READY=1"


def test_without_a_manager_nothing_is_said_and_nothing_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    silent = Notifier.from_environment({}, 1)
    silent.ready()
    silent.stopping()
    assert silent.watchdog_s is None
    assert caplog.records == []


@pytest.mark.parametrize("named", ["vsock:2:1234", "relative/path", "@"])
def test_what_is_no_unix_socket_is_said(named: str, caplog: pytest.LogCaptureFixture) -> None:
    environment = {"NOTIFY_SOCKET": named, "WATCHDOG_USEC": "1000000"}
    words = Notifier.from_environment(environment, 1)
    words.ready()
    assert words.watchdog_s is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert named in caplog.text


def test_a_manager_that_is_gone_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "gone")
    words = Notifier(path)
    for _ in range(3):
        words.status("still here")
    assert len(caplog.records) == 1
    with manager(path) as listening:
        words.ready()
        assert listening.recv(4096) == b"READY=1"
    words.status("gone again")
    assert len(caplog.records) == 2


def test_a_path_that_no_socket_can_have_is_no_disaster(caplog: pytest.LogCaptureFixture) -> None:
    Notifier(f"/{'x' * 200}").ready()
    assert len(caplog.records) == 1


async def test_pings_come_by_themselves_and_never_wait_for_a_full_socket(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first tens of them fill the socket's queue; the loop runs on nevertheless."""
    path = str(tmp_path / "notify")
    with manager(path) as listening:
        async with anyio.create_task_group() as group:
            group.start_soon(Notifier(path, 0.001).keep_alive)
            with anyio.fail_after(10):
                while not caplog.records:
                    await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        assert "does not hear WATCHDOG=1" in caplog.text
        assert {listening.recv(4096) for _ in range(5)} == {b"WATCHDOG=1"}


async def test_without_a_watchdog_there_are_no_pings() -> None:
    with anyio.fail_after(5):
        await Notifier("/nowhere").keep_alive()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "77"}, 30.0),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_pings_at_half_of_the_time_when_the_watchdog_is_ours(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert watchdog_interval(environment, 77) == seconds


@given(st.text(), st.text(), st.text())
def test_no_environment_breaks_the_start(named: str, usec: str, pid: str) -> None:
    socket_address(named)
    found = watchdog_interval({"WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}, 77)
    assert found is None or found > 0
