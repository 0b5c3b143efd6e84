"""From `kill -9` of a daemon to the first answer of the next one, which its standby starts.

A client that connects at once is not refused: the standby holds the socket, so the connection waits
until the next daemon takes it. What is measured is how long.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import anyio

from bench.harness import Row, Sandbox, row, sandbox, wait_until
from bench.start import first_answer, start_once

PATIENCE_S = 20


def daemon_pid(box: Sandbox) -> int:
    """Who serves this home now; 0 where nobody does."""
    try:
        return int(json.loads((box.home / "run" / "daemon.json").read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return 0


async def answered(path: Path) -> None:
    with anyio.fail_after(PATIENCE_S):
        await first_answer(path)


def killed(box: Sandbox) -> float:
    """Seconds from `kill -9` of the daemon to `server_info` of another one."""
    before = daemon_pid(box)
    begin = time.perf_counter()
    os.kill(before, signal.SIGKILL)
    anyio.run(answered, box.home / "run" / "daemon.sock")
    taken = time.perf_counter() - begin
    wait_until(lambda: daemon_pid(box) not in (0, before), PATIENCE_S)
    return taken


@contextlib.contextmanager
def screen(box: Sandbox) -> Iterator[int]:
    """The terminal UI with its embedded daemon, in a terminal that somebody reads; its pid."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(box.repository)
        os.execve(box.sereno()[0], box.sereno(), {**box.env, "COLUMNS": "100", "LINES": "30"})
    gone = threading.Event()
    reader = threading.Thread(target=_read, args=(terminal, gone))
    reader.start()
    try:
        wait_until(lambda: daemon_pid(box) == child, PATIENCE_S)
        anyio.run(answered, box.home / "run" / "daemon.sock")
        yield child
    finally:
        gone.set()
        reader.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def _read(terminal: int, gone: threading.Event) -> None:
    while not gone.is_set():
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:  # nobody writes any more
                return


def standby_stands(box: Sandbox) -> None:
    """The standby is started right after the daemon: give it the time that a person would."""
    time.sleep(1)


def measure(runs: int) -> list[Row]:
    alone, embedded, fresh = [], [], []
    with sandbox() as box:
        for _ in range(runs):
            box.run("daemon", "stop", check=False)
            fresh.append(start_once(box))
            box.run("daemon", "start")
            standby_stands(box)
            alone.append(killed(box))
            box.run("daemon", "stop")
            with screen(box):
                standby_stands(box)
                embedded.append(killed(box))
            box.run("daemon", "stop")
    what, beside = "killed: the next one answers", "starting `sereno --no-ui`"
    return [
        row(f"{who} {what}", "s", taken, target="2", beside=beside, limit=fresh)
        for who, taken in (("daemon", alone), ("screen", embedded))
    ]
