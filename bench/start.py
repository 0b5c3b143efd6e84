"""Start to the first answered request, `sereno ls` as a process, first paint, idle memory."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import anyio

from bench.harness import (
    Row,
    Sandbox,
    cpu_of,
    row,
    rss_kib,
    sandbox,
    timed_process,
    wait_until,
)
from sereno.core.client.aio import Client

FIRST_FRAME = (b"starting the daemon", b"detach")
"""In header and footer of the first frame: all of it is drawn, the daemon is not there yet."""
HELP = b"keys: fleet"
"""In the header of the help, which `?` opens."""
FIRST_WORDS = b"Nothing is running yet"
"""On the first screen of a new home: the daemon has told that there is no agent."""
MINIMAL_UI = """
from textual.app import App
from textual.widgets import Static
class Minimal(App[None]):
    def compose(self):
        yield Static("PAINTED")
Minimal().run()
"""


async def first_answer(path: Path) -> None:
    client = await Client.connect_unix(path)
    await client.aclose()


def start_once(box: Sandbox) -> float:
    """Seconds from starting the process to `server_info` at a client."""
    return start_measured(box)[0]


def start_measured(box: Sandbox) -> tuple[float, float]:
    """The same, and the CPU seconds that the process used until then."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        box.sereno("--no-ui"),
        env=dict(box.env),
        cwd=box.repository,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until((box.home / "run" / "daemon.sock").exists, 20)
        anyio.run(first_answer, box.home / "run" / "daemon.sock")
        return time.perf_counter() - begin, cpu_of(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def start_bare(box: Sandbox) -> tuple[float, float]:
    """Wall and CPU seconds in which the interpreter imports what any such daemon needs: the limit.
    `anyio` loads its backend late, so that is named."""
    names = "asyncio, sqlite3, msgspec, anyio._backends._asyncio, websockets.server"
    return timed_process([sys.executable, "-P", "-c", f"import {names}"], box.env, box.root)


def paint(
    command: list[str], box: Sandbox, needles: tuple[bytes, ...], press: bytes = b""
) -> tuple[tuple[float, ...], float]:
    """Seconds until each needle was written to the terminal, and CPU seconds until the last.

    `press`: a key, typed when all needles but the last have been seen.
    """
    child, terminal = pty.fork()
    begin = time.perf_counter()
    if child == 0:
        os.chdir(box.repository)
        os.execve(command[0], command, {**box.env, "COLUMNS": "100", "LINES": "30"})
    seen = bytearray()
    found: dict[bytes, float] = {}
    try:
        while needles[-1] not in seen:
            if not select.select([terminal], [], [], 20)[0]:
                raise TimeoutError(f"no {needles[-1]!r} was painted: {bytes(seen[-300:])!r}")
            seen += os.read(terminal, 65536)
            now = time.perf_counter() - begin
            for needle in needles:
                if needle in seen:
                    found.setdefault(needle, now)
            if press and len(found) == len(needles) - 1:
                os.write(terminal, press)
                press = b""
        return tuple(found[needle] for needle in needles), cpu_of(child)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def measure_start(runs: int) -> list[Row]:
    with sandbox() as box:
        start_once(box)
        pairs = [(start_measured(box), start_bare(box)) for _ in range(runs)]
    what, beside = "sereno --no-ui: start to the first answer", "importing its libraries"
    return [
        row(
            what,
            unit,
            [mine[at] for mine, _ in pairs],
            target=target,
            beside=beside,
            limit=[bare[at] for _, bare in pairs],
        )
        for at, unit, target in ((0, "s", "0.4"), (1, "s CPU", ""))
    ]


def measure_ls(runs: int) -> list[Row]:
    with sandbox() as box, box.daemon():
        box.run("run", "--detach", "--provider", "demo", "hello")
        command, mine, walls, limit = box.sereno("ls"), [], [], []
        timed_process(command, box.env, box.repository)
        for _ in range(runs):
            wall, cpu = timed_process(command, box.env, box.repository)
            walls.append(wall)
            mine.append(cpu)
            limit.append(timed_process([sys.executable, "-c", "pass"], box.env, box.root)[1])
    return [
        row("sereno ls, whole process", "s CPU", mine, target="0.15", beside="pass", limit=limit),
        row("sereno ls, whole process", "s wall", walls),
    ]


def measure_paint(runs: int) -> list[Row]:
    with sandbox() as box:
        python = [sys.executable, "-P", "-c", MINIMAL_UI]
        mine, bare, keys = [], [], []
        paint(box.sereno(), box, (FIRST_WORDS,))
        for _ in range(runs):
            box.run("daemon", "stop", check=False)
            mine.append(paint(box.sereno(), box, (*FIRST_FRAME, FIRST_WORDS)))
            box.run("daemon", "stop", check=False)
            keys.append(paint(box.sereno(), box, (*FIRST_FRAME, HELP), press=b"?")[0][-1])
            bare.append(paint(python, box, (b"PAINTED",)))
        box.run("daemon", "stop", check=False)
    beside = "a minimal Textual app"
    limit = [taken[0] for taken, _ in bare]
    frames = [max(taken[:-1]) for taken, _ in mine]
    words = [taken[-1] for taken, _ in mine]
    cpu, least = [one for _, one in mine], [one for _, one in bare]
    return [
        row("first paint of the UI", "s", frames, target="0.6", beside=beside, limit=limit),
        row("  help, by a key pressed then", "s", keys, beside=beside, limit=limit),
        row("  what runs, by its own daemon", "s", words, beside=beside, limit=limit),
        row("  CPU of both until then", "s CPU", cpu, beside=beside, limit=least),
    ]


def measure_memory(runs: int) -> list[Row]:
    daemons, runners = [], []
    for _ in range(min(runs, 3)):
        with sandbox() as box, box.daemon() as process:
            box.run("run", "--provider", "demo", "hello")
            time.sleep(1)
            daemons.append(rss_kib(process.pid) / 1024)
            found = box.run("inspect", "--json", box.run("ls", "-a", "-g", "-q").stdout.split()[0])
            runners.append(rss_kib(runner_pid(found.stdout)) / 1024)
            box.run("delete", "--all", check=False)
    return [
        row("idle daemon, one idle agent", "MiB RSS", daemons, target="60"),
        row("idle runner", "MiB RSS", runners, target="12"),
    ]


def runner_pid(inspection: str) -> int:
    return int(json.loads(inspection)["runnerPid"])


def measure(runs: int) -> list[Row]:
    return [
        *measure_start(runs),
        *measure_ls(runs),
        *measure_paint(runs),
        *measure_memory(runs),
    ]
