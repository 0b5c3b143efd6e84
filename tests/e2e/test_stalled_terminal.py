"""A terminal that stops reading: the screen stands still, and nobody else notices."""

from __future__ import annotations

import contextlib
import os
import pty
import selectors
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from sereno.core.protocol.messages import Pong
from sereno.core.protocol.requests import Ping
from tests.e2e.harness import SERENO, World, until

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

STALL_S = 8.0
WORST_S = 0.1
SPANS = 3


class Pty:
    """The near end of a terminal, read only while `reading` is set."""

    def __init__(self, world: World) -> None:
        self.near, far = pty.openpty()
        termios.tcsetwinsize(far, (30, 100))
        self.reading = threading.Event()
        self.reading.set()
        self.seen = bytearray()
        self._stop = threading.Event()
        # setsid and a first open make it the controlling terminal, as a login does.
        self.program = subprocess.Popen(
            SERENO,
            stdin=far,
            stdout=far,
            stderr=far,
            cwd=world.work,
            env={**world.env, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(far)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.near, selectors.EVENT_READ)
            while not self._stop.is_set():
                if not self.reading.is_set():
                    self.reading.wait(0.05)
                elif selector.select(0.05):
                    try:
                        data = os.read(self.near, 65_536)
                    except OSError:
                        return
                    self.seen += data

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self.near)
        self.program.kill()
        self.program.wait(20)


@contextlib.contextmanager
def unread_terminal(world: World) -> Iterator[Pty]:
    terminal = Pty(world)
    try:
        yield terminal
    finally:
        terminal.close()


ECHO = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
connection, _ = listener.accept()
while data := connection.recv(4096):
    connection.sendall(data)
"""


@contextlib.contextmanager
def echo(world: World) -> Iterator[socket.socket]:
    """A program that does nothing but answer: what it is late, this machine is late."""
    path = str(world.root / f"echo-{time.monotonic_ns()}")
    program = subprocess.Popen([sys.executable, "-I", "-S", "-c", ECHO, path])
    with socket.socket(socket.AF_UNIX) as connection:

        def connected() -> bool:
            with contextlib.suppress(OSError):
                connection.connect(path)
                return True
            return False

        until(connected, "the echo listens")
        yield connection
    program.wait(20)


def assert_nobody_is_late(world: World) -> None:
    """A stall that lasts delays somebody in each of its spans; a busy machine does not."""
    late: list[float] = []
    while not late or late[-1] >= WORST_S:
        assert len(late) < SPANS, f"late by {late} s"
        late.append(delay(world, STALL_S))


def delay(world: World, seconds: float) -> float:
    """How much longer than the echo's the longest round trip of a second client was."""
    worst = slowest_echo = 0.0
    with echo(world) as control, world.client() as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.monotonic()
            assert isinstance(client.request(Ping(request_id="")), Pong)
            between = time.monotonic()
            control.sendall(b"x")
            assert control.recv(1) == b"x"
            worst = max(worst, between - started)
            slowest_echo = max(slowest_echo, time.monotonic() - between)
            time.sleep(0.01)
    return worst - slowest_echo


@pytest.mark.timeout(240)
def test_a_stalled_terminal_delays_no_second_client(world: World) -> None:
    """The daemon is embedded in the very process whose terminal is not read."""
    with unread_terminal(world) as terminal:
        until(lambda: b"First task" in terminal.seen, "the screen is drawn")
        until(world.home.status.exists, "the embedded daemon answers")
        assert world.daemon_pid() == terminal.program.pid
        os.write(terminal.near, b"\x1b")
        before = len(terminal.seen)
        agents = [world.run("stream 6000 events of 60 bytes every 5ms") for _ in range(3)]
        until(lambda: len(terminal.seen) > before + 20_000, "the screen shows the streams")
        terminal.reading.clear()
        drawn = len(terminal.seen)
        assert_nobody_is_late(world)
        assert len(terminal.seen) <= drawn + 65_536
        drawn = len(terminal.seen)
        assert all(one["needs"] == "busy" for one in world.json("ls") if one["id"] in agents)
        terminal.reading.set()
        until(lambda: len(terminal.seen) > drawn + 1000, "the screen goes on")
        for agent in agents:
            assert world.json("stop", agent)["interrupted"] is True


@pytest.mark.timeout(240)
def test_a_follower_that_stops_reading_delays_no_second_client(world: World) -> None:
    """`logs -f` into a pipe that nobody reads, beside a fast stream; later it misses nothing."""
    daemon = world.serve()
    agent = world.run("stream 12000 tools every 1ms")
    following = world.popen("logs", "-f", "--json", "--entries", agent)
    assert following.stdout is not None
    following.stdout.readline()
    assert_nobody_is_late(world)
    world.sereno("wait", agent, limit_s=100)
    count = 1
    while count < 12_001:
        assert following.stdout.readline().startswith('{"provider"')
        count += 1
    following.terminate()
    following.communicate(timeout=20)
    daemon.terminate()
    assert daemon.wait(20) == 0
