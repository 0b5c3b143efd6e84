"""The lock of a home: one daemon, handed down without a gap."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sereno.core.home import (
    DaemonLock,
    Home,
    HomeError,
    prepare,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def ready(home: Home) -> Home:
    prepare(home)
    return home


def test_the_second_daemon_is_told_who_holds_the_lock(ready: Home) -> None:
    with DaemonLock(ready) as first:
        assert first.held
        assert first.holder() == os.getpid()
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).acquire()
    assert caught.value.code == "locked"
    assert f"process {os.getpid()}" in caught.value.message
    assert str(ready.root) in caught.value.message
    with DaemonLock(ready):
        pass


def test_taking_the_lock_twice_is_one_lock(ready: Home) -> None:
    with DaemonLock(ready) as lock:
        fd = lock.fd
        lock.acquire()
        assert lock.fd == fd
    assert not lock.held
    with pytest.raises(ValueError, match="not held"):
        _ = lock.fd


def test_the_lock_file_is_private_and_stays(ready: Home) -> None:
    before = os.umask(0)
    try:
        with DaemonLock(ready):
            assert mode(ready.lock) == 0o600
    finally:
        os.umask(before)
    assert ready.lock.exists()


def test_t78_a_link_in_the_place_of_the_lock_is_refused(ready: Home, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    ready.lock.symlink_to(victim)
    with pytest.raises(HomeError):
        DaemonLock(ready).acquire()
    assert victim.read_text() == "keep"


def test_the_lock_dies_with_its_process(ready: Home) -> None:
    program = (
        "import sys, time; from pathlib import Path; from sereno.core.home import *\n"
        "lock = DaemonLock(Home(Path(sys.argv[1]))); lock.acquire(); print('held', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(ready.root)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(HomeError, match=f"process {child.pid}"):
            DaemonLock(ready).acquire()
        child.kill()
    assert DaemonLock(ready).holder() is None
    with DaemonLock(ready):
        pass


def test_a_handed_down_lock_has_no_gap(ready: Home) -> None:
    """The old daemon lets go after the new one adopted; a third never gets in (processes.md 26)."""
    lock = DaemonLock(ready)
    lock.acquire()
    program = (
        "import sys; from pathlib import Path; from sereno.core.home import *\n"
        "lock = DaemonLock(Home(Path(sys.argv[1]))); sys.stdin.readline()\n"
        "lock.adopt(int(sys.argv[2])); print('adopted', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(ready.root), str(lock.fd)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[lock.fd],
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        lock.release()
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).acquire()
        assert caught.value.code == "locked"
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"adopted\n"
        with pytest.raises(HomeError, match=f"process {child.pid}"):
            DaemonLock(ready).acquire()
    with DaemonLock(ready):
        pass


def test_adopting_something_else_is_refused_and_closed(ready: Home, tmp_path: Path) -> None:
    with DaemonLock(ready):
        pass
    fd = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    with pytest.raises(HomeError) as caught:
        DaemonLock(ready).adopt(fd)
    assert caught.value.code == "unusable"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    with pytest.raises(HomeError):
        DaemonLock(ready).adopt(fd)


def test_adopting_a_descriptor_that_holds_nothing_while_another_does(ready: Home) -> None:
    with DaemonLock(ready):
        fd = os.open(ready.lock, os.O_RDWR)
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).adopt(fd)
    assert caught.value.code == "locked"


@pytest.mark.parametrize("text", ["", "not a pid", "9" * 20, "0", "-1"])
def test_a_strange_text_in_the_lock_file_harms_nothing(ready: Home, text: str) -> None:
    ready.lock.write_text(text)
    with ready.lock.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).acquire()
    assert "changing hands" in caught.value.message
    with DaemonLock(ready) as lock:
        assert lock.holder() == os.getpid()
