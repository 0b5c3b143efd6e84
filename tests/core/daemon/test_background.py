"""`daemon start`: a daemon that comes back by itself, until somebody stops it for good."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.daemon import control
from sereno.core.home import Home
from tests.core.daemon.daemon_house import (
    PATIENCE,
    daemon,
    knocking,
    pid_of,
    python,
    standby_of,
    tidy,
    until,
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with tidy(Home(tmp_path / "home")) as made:
        yield made


def next_daemon(home: Home, old: int) -> int:
    """The pid of the one that took over, when it has written itself down."""
    until(lambda: pid_of(home) not in (0, old), "the next daemon")
    return pid_of(home)


def standby_beside(pid: int) -> int:
    return until(lambda: standby_of(pid), "its standby")


def test_a_background_daemon_has_a_standby_when_start_returns(home: Home) -> None:
    """kill -9 is not stop: it comes back, again and again, and no client is refused."""
    state = control.start(home)
    for _ in range(3):
        before = state.pid
        assert standby_of(before), "there when the daemon answers"
        with knocking(home) as knocker:
            os.kill(before, signal.SIGKILL)
            next_daemon(home, before)
            until(lambda: control.status(home).answers, "its answer")
            seen = knocker.greeted
            until(lambda: knocker.greeted > seen, "a client")  # noqa: B023
        assert knocker.refused == []
        state = control.status(home)
        standby_beside(state.pid)
    assert control.stop(home) is True
    assert not control.status(home).running
    assert _ours(home) == [], "stopped for good: neither daemon nor standby"


def test_the_standby_keeps_no_pipe_of_whoever_started_the_daemon_open(home: Home) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom sereno.core.daemon import control\n"
        "from sereno.core.home import Home\nprint(control.start(Home(Path(sys.argv[1]))).pid)\n"
    )
    before = time.monotonic()
    pid = int(python(code, str(home.root)))  # until the last one that holds its output has ended
    assert time.monotonic() - before < PATIENCE / 2
    standby = until(lambda: standby_of(pid), "the standby")
    for one in (pid, standby):
        for fd in (0, 1, 2):
            assert os.readlink(f"/proc/{one}/fd/{fd}") == "/dev/null"


def test_a_foreground_daemon_has_no_standby(home: Home) -> None:
    """Its service manager does that work, and must not meet a second daemon."""
    with daemon(home) as process:
        assert standby_of(process.pid) == 0
        process.kill()
        process.wait()
    assert not control.status(home).running


def test_a_restart_of_a_background_daemon_has_a_standby_again(home: Home) -> None:
    control.start(home)
    after = control.restart(home)
    until(lambda: standby_of(after.pid), "the standby")
    assert control.stop(home)
    assert _ours(home) == []


def test_stop_and_start_just_after_a_kill_meet_the_standby(home: Home) -> None:
    """Between two daemons nobody answers; stop is for good nevertheless, and start starts none."""
    state = control.start(home)
    os.kill(state.pid, signal.SIGKILL)
    assert control.stop(home) is True
    assert _ours(home) == []
    state = control.start(home)
    standby = standby_of(state.pid)
    os.kill(state.pid, signal.SIGKILL)
    assert control.start(home).pid == standby


def test_many_kills_in_a_row_are_survived(home: Home) -> None:
    pid = control.start(home).pid
    for _ in range(11):
        os.kill(pid, signal.SIGKILL)
        pid = next_daemon(home, pid)
        standby_beside(pid)
    assert control.stop(home) is True


def _ours(home: Home) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if f"home={home.root}".encode() in words:
            found.append(int(entry.name))
    return found
