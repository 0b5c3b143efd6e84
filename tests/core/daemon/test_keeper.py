"""One standby at a time, whatever is said to it and whenever: with a stand-in that only writes down
its last word."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.standby_spawn import Keeper
from sereno.core.home import Home
from tests.core.daemon.daemon_house import until
from tests.e2e.harness import alive

STAND_IN = """
import posix, sys
open(f"{sys.argv[1]}/{posix.getpid()}.begun", "w").write(sys.argv[2])
word = posix.read(3, 64).decode()
open(f"{sys.argv[1]}/{posix.getpid()}.told", "w").write(word)
"""


class Stand(Keeper):
    def __init__(self, folder: Path, held: Descriptors, again_s: float = 0.05) -> None:
        super().__init__(Home(folder), held, again_s=again_s)
        self._folder = folder

    def _command(self, seen: Descriptors) -> list[str]:
        return [sys.executable, "-I", "-S", "-c", STAND_IN, str(self._folder), seen.text]

    def told(self) -> list[str]:
        return sorted(one.read_text() for one in self._folder.glob("*.told"))

    def begun(self) -> list[str]:
        return [one.read_text() for one in self._folder.glob("*.begun")]


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    made = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
    yield made
    for one in made:
        one.close()


def held(sockets: list[socket.socket], *names: str) -> Descriptors:
    fds = [os.dup(one.fileno()) for one in sockets]
    return Descriptors(fds[0], fds[1], tuple(zip(names, fds[2:], strict=False)))


def test_a_standby_holds_what_there_is_and_hears_the_last_word(
    tmp_path: Path, sockets: list[socket.socket]
) -> None:
    keeper = Stand(tmp_path, held(sockets, "127.0.0.1:1", "/a,b%"))
    keeper.start()
    until(keeper.begun, "the standby")
    assert keeper.begun() == ["lock:4,unix:5,door:7:127.0.0.1:1,door:8:/a%2Cb%25"]
    keeper.quit()
    keeper.release()
    assert keeper.told() == ["Q"]


def test_other_sockets_are_another_standby_and_the_old_one_leaves(
    tmp_path: Path, sockets: list[socket.socket]
) -> None:
    keeper = Stand(tmp_path, held(sockets), again_s=60)
    keeper.start()
    until(keeper.begun, "the standby")
    first = keeper.pid
    keeper.renew(held(sockets, "a"))
    until(lambda: keeper.pid != first and len(keeper.begun()) == 2, "another one, at once")
    assert sorted(keeper.begun()) == ["lock:4,unix:5", "lock:4,unix:5,door:7:a"]
    assert keeper.told() == ["Q"]
    keeper.release()
    until(lambda: keeper.told() == ["G", "Q"], "the last word")
    late = held(sockets)
    keeper.renew(late)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(late.lock)


@pytest.mark.parametrize("times", range(5))
def test_quit_just_after_a_change_leaves_nobody(
    tmp_path: Path, sockets: list[socket.socket], times: int
) -> None:
    keeper = Stand(tmp_path, held(sockets))
    keeper.start()
    keeper.renew(held(sockets, "a"))
    time.sleep(times * 0.002)  # The change is under way, or over.
    keeper.quit(10)
    assert keeper._gone.is_set()
    with pytest.raises(ChildProcessError):
        os.waitpid(keeper.pid, os.WNOHANG)
    assert "G" not in keeper.told()


@pytest.mark.parametrize("before", ["changed", "killed"])
def test_release_reaches_exactly_one_also_where_none_is_there_now(
    tmp_path: Path, sockets: list[socket.socket], before: str
) -> None:
    keeper = Stand(tmp_path, held(sockets))
    keeper.start()
    until(keeper.begun, "the standby")
    if before == "changed":
        keeper.renew(held(sockets, "a"))
    else:
        os.kill(keeper.pid, signal.SIGKILL)
        until(lambda pid=keeper.pid: not alive(pid), "its end")  # type: ignore[misc]
    keeper.release(10)
    until(lambda: "G" in keeper.told(), "the last word")
    assert keeper._gone.wait(10)
    assert keeper.told().count("G") == 1
