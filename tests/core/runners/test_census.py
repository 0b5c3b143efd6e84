"""Whether nobody of a run lives is said only when it is certain."""

from __future__ import annotations

import builtins
import errno
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sereno.core.runners import dead
from sereno.core.runners.census import Census, Finding
from sereno.core.runners.dead import kill_run
from tests.core.runners import trees
from tests.core.runners.place import all_pids, lives, with_marker

pytestmark = pytest.mark.linux


@contextmanager
def marked(run: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command or ("/bin/sleep", "1000"), env={"SERENO_RUN": run}, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def settled(census: Census) -> Finding:
    """A look while no process of another program ends at this very moment."""
    end = time.monotonic() + 10
    while (found := census.look()).unclear and time.monotonic() < end:
        time.sleep(0.01)
    return found


def test_who_carries_the_marker_is_found_and_nobody_else() -> None:
    run = secrets.token_hex(16)
    census = Census(run, ())
    assert settled(census).nobody
    with marked(run) as ours, marked(run + "0"), marked(run[:-1]):
        assert [row.pid for row in settled(census).living] == [ours.pid]
    assert settled(census).nobody


def test_one_that_goes_before_it_is_looked_at_leaves_the_answer_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its child may be younger than the list of processes: a chain looks just like that."""
    run = secrets.token_hex(16)
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    with marked(run) as child:
        pids = [str(pid) for pid in all_pids() if pid != child.pid]
        monkeypatch.setattr(os, "listdir", lambda path: [*pids, str(gone.pid)])
        found = Census(run, ()).look()
    assert found.living == ()
    assert gone.pid in found.unclear
    assert not found.nobody


def test_a_zombie_is_unclear_once_only() -> None:
    """It may have forked before it died; what it left is in the next list."""
    zombie = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    try:
        census = Census(secrets.token_hex(16), ())
        assert zombie.pid in census.look().unclear
        assert zombie.pid not in census.look().unclear
    finally:
        zombie.wait()


def test_what_cannot_be_proved_is_reported_as_remaining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead, "SWEEP_LIMIT", 0.2)
    monkeypatch.setattr(Census, "look", lambda _self, _at_once=None: Finding((), (4711,)))
    assert kill_run(secrets.token_hex(16), ()).remaining == (4711,)


def test_one_quiet_look_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([Finding((), ()), Finding((), (4711,)), Finding((), ()), Finding((), ())])
    monkeypatch.setattr(Census, "look", lambda _self, _at_once=None: next(looks))
    assert kill_run(secrets.token_hex(16), ()).verified
    assert next(looks, None) is None


def test_chains_without_a_parent_are_caught_and_the_answer_is_true() -> None:
    caught = 0
    for _ in range(5):
        run = secrets.token_hex(16)
        command = [sys.executable, "-I", "-S", "-u", "-c", trees.CHAIN]
        with marked(run, *command) as first:
            assert first.stdout is not None
            first.stdout.readline()
            first.wait()
            if not kill_run(run, ()).verified:
                continue  # so busy a machine that it could not be proved, which was said
            caught += 1
            for _ in range(20):
                assert with_marker(run) == set()
    assert caught > 0


def test_a_sweep_survives_processes_that_come_and_go() -> None:
    code = "import os\nwhile True:\n if os.fork() == 0: os._exit(0)\n os.wait()"
    run = secrets.token_hex(16)
    with marked("other", sys.executable, "-I", "-S", "-c", code) as noise:
        for _ in range(10):
            with marked(run) as ours:
                found = kill_run(run, ())
                assert ours.wait() == -signal.SIGKILL
                # A machine so busy may leave it open; but never is the wrong one hit.
                assert ours.pid not in found.remaining
        assert lives(noise.pid)


def test_without_descriptors_nobody_passes_for_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a sweep would report that nothing is left, and the run would go on."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    run = secrets.token_hex(16)
    with marked(run, "sleep", "60"):
        monkeypatch.setattr(builtins, "open", refuse)
        with pytest.raises(OSError, match="Too many"):
            Census(run, ()).look()
