"""`sereno --no-ui` below a service manager: what it tells, and that agents outlive its restarts.

The manager is a real datagram socket and the signals that systemd sends with KillMode=process.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import PlainTextDetail
from tests.e2e.harness import LIMIT_S, World, until

pytestmark = pytest.mark.timeout(120)


class Manager:
    """Listens where NOTIFY_SOCKET points and starts the daemon as a service."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(world.root / "notify"))
        self._socket.settimeout(LIMIT_S)
        world.env["NOTIFY_SOCKET"] = str(world.root / "notify")

    def close(self) -> None:
        self._socket.close()

    def hears(self) -> dict[str, str]:
        """The next word but for pings."""
        while True:
            words = self._socket.recv(4096).decode().splitlines()
            said = {name: value for name, _, value in (word.partition("=") for word in words)}
            if "WATCHDOG" not in said:
                return said

    def pings(self, count: int) -> None:
        for _ in range(count):
            while self._socket.recv(4096) != b"WATCHDOG=1":
                pass

    def forgets(self) -> None:
        """What was said until now."""
        while self.hears_within(0):
            self._socket.recv(4096)

    def hears_within(self, seconds: float) -> bool:
        return bool(select.select([self._socket], [], [], seconds)[0])

    def start(self) -> subprocess.Popen[str]:
        """Gives the daemon as soon as it said that it is ready."""
        output = (self.world.root / "daemon.out").open("a")
        daemon = self.world.popen("--no-ui", stdout=output, stderr=output)
        output.close()
        said = self.hears()
        assert said["READY"] == "1", self.world.log()
        return daemon

    def stop(self, daemon: subprocess.Popen[str], number: int = signal.SIGTERM) -> None:
        """What `systemctl --user stop` does with KillMode=process."""
        daemon.send_signal(number)
        assert daemon.wait(LIMIT_S) == (0 if number == signal.SIGTERM else -number)


@pytest.fixture
def manager(world: World) -> Iterator[Manager]:
    made = Manager(world)
    yield made
    made.close()


def numbers(world: World, agent: str) -> list[str]:
    """The events of a stream as they are stored."""
    items = [entry.item for entry in world.timeline(agent)]
    details = [item.detail for item in items if isinstance(item, ToolCall)]
    return [str(each.label) for each in details if isinstance(each, PlainTextDetail)]


def test_c04_a_service_says_when_it_is_ready_reloads_and_stops(
    manager: Manager, world: World
) -> None:
    daemon = manager.start()
    world.client().close()  # Ready means that it answers; there is nothing to wait for.
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.send_signal(signal.SIGHUP)
    said = manager.hears()
    assert said["RELOADING"] == "1"
    assert int(said["MONOTONIC_USEC"]) >= before
    assert manager.hears()["READY"] == "1"
    world.configure("nonsense = 1\n")
    daemon.send_signal(signal.SIGHUP)
    assert manager.hears()["RELOADING"] == "1"
    assert manager.hears()["READY"] == "1", "it serves with the settings that it had"
    until(lambda: "nonsense" in world.log(), "the log says why")
    world.client().close()
    manager.stop(daemon)
    assert manager.hears()["STOPPING"] == "1"


def test_c04_without_a_terminal_and_under_a_wide_umask_everything_is_private(
    manager: Manager, world: World
) -> None:
    """What a container or a careless unit file gives it: no terminal, umask 000."""
    shutil.rmtree(world.home.root)
    output = (world.root / "daemon.out").open("a")
    daemon = world.popen("--no-ui", stdout=output, stderr=output, umask=0, start_new_session=True)
    output.close()
    assert manager.hears()["READY"] == "1", world.log()
    agent = world.json("run", "-d", "--provider", "demo", "wait 60s")["id"]
    until(lambda: "busy" in world.sereno("ls").stdout, "the agent works")
    wide = {
        str(path): oct(path.lstat().st_mode)
        for path in (world.home.root, *world.home.root.rglob("*"))
        if path.lstat().st_mode & 0o077
    }
    assert wide == {}
    assert json.loads((world.root / "daemon.out").read_text().splitlines()[-1])["text"]
    world.sereno("stop", "--end", agent)
    manager.stop(daemon)


def test_a_restart_from_inside_is_a_reload_for_the_manager(manager: Manager, world: World) -> None:
    """The process stays; told of a stop, systemd would wait for its end and then kill it."""
    daemon = manager.start()
    world.sereno("daemon", "restart")
    assert manager.hears()["RELOADING"] == "1"
    assert manager.hears()["READY"] == "1"
    assert world.daemon_pid() == daemon.pid
    world.sereno("daemon", "stop")
    assert manager.hears()["STOPPING"] == "1"
    assert daemon.wait(LIMIT_S) == 0


def test_the_watchdog_hears_a_daemon_that_lives_and_none_that_hangs(
    manager: Manager, world: World
) -> None:
    world.env["WATCHDOG_USEC"] = "100000"
    daemon = manager.start()
    manager.pings(5)
    os.kill(daemon.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, daemon.pid, os.WSTOPPED | os.WNOWAIT)
    manager.forgets()
    assert not manager.hears_within(1.0)
    daemon.kill()


def test_what_agents_start_hears_nothing_of_the_manager(manager: Manager, world: World) -> None:
    """An agent must not say READY or STOPPING in the daemon's name."""
    world.env["WATCHDOG_USEC"] = "60000000"
    manager.start()
    world.run("wait 60s")
    until(lambda: world.told("prompt"), "the agent works")
    environments = []
    for pid, command in world.processes().items():
        if "--no-ui" not in command:
            with open(f"/proc/{pid}/environ", "rb") as file:
                environments.append(file.read())
    assert any(b"SERENO_RUN" in each for each in environments)
    assert not [each for each in environments if b"NOTIFY_SOCKET" in each or b"WATCHDOG" in each]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGABRT])
def test_agents_outlive_a_restart_of_the_service_in_the_middle_of_a_turn(
    manager: Manager, world: World, number: int
) -> None:
    """TERM: systemctl restart. ABRT: the watchdog. Each event is stored once, in order."""
    count = 500
    first = manager.start()
    agent = world.run(f"stream {count} tools every 5ms")
    until(lambda: numbers(world, agent), "the turn is on its way")
    working = {pid for pid, command in world.processes().items() if "providers.demo" in command}
    assert len(numbers(world, agent)) < count, "the turn must outlast the daemon"
    manager.stop(first, number)
    if number == signal.SIGTERM:
        assert manager.hears()["STOPPING"] == "1"
    second = manager.start()
    now = {pid for pid, command in world.processes().items() if "providers.demo" in command}
    assert working
    assert working == now, "the very same agent program"
    world.sereno("wait", agent, limit_s=60)
    assert numbers(world, agent) == [f"event {number:06d}" for number in range(1, count + 1)]
    assert len(world.told("prompt")) == 1
    manager.stop(second)
