"""`sereno relay` between a daemon's end and a client's end that encrypt (NaCl), beside a plain
WebSocket forwarder between the same two ends that do not; and what an idle connection costs.

Relay, daemon's end and client's end are three processes, and there are two cores: the rows `CPU`
are the relay's alone.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.harness import Row, cpu_of, row, rss_kib
from bench.relayed import WARMING

SIZES = ((300, 10_000), (1_024, 10_000), (65_536, 500))
HELD = 5_000
MEMORY_RUNS = 2
PLAIN = "plain forwarder"
_WIDE = ("--max-ids", "4096", "--max-address-sockets", "16000")


def program(*words: object, errors: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        cwd=Path(__file__).parent.parent,
        env={"PYTHONPATH": "."},
    )


@contextlib.contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def relay(*options: str) -> Iterator[tuple[int, int]]:
    """Pid and port of a `sereno relay`."""
    words = ("-m", "sereno", "relay", "--listen", "127.0.0.1:0", *options)
    with ending(program(*words, errors=subprocess.PIPE)) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "listening on ws://" in said, said
        yield process.pid, int(said.strip().rpartition(":")[2])


@contextlib.contextmanager
def forwarder() -> Iterator[tuple[int, int]]:
    with ending(program("-m", "bench.forwarder")) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline().removeprefix("listening "))


@contextlib.contextmanager
def daemon(port: int, kind: str) -> Iterator[None]:
    with ending(program("-m", "bench.relayed", "daemon", port, kind)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield


def talked(pid: int, port: int, kind: str, size: int, number: int) -> tuple[float, ...]:
    """Messages a second, CPU microseconds of what is between for each, and milliseconds there and
    back: the median, and what one in a hundred exceeds."""
    before = cpu_of(pid)
    client = program("-m", "bench.relayed", "client", port, kind, size, number)
    out, _ = client.communicate(timeout=300)
    used = cpu_of(pid) - before
    heard = json.loads(out)
    echoes = heard["echoes"]
    passed = WARMING + number + 2 * len(echoes)
    worst = echoes[len(echoes) * 99 // 100]
    return number / heard["seconds"], used / passed * 1e6, median(echoes), worst


def measure_talk(runs: int) -> list[Row]:
    rows: list[Row] = []
    with (
        relay() as (pid, port),
        forwarder() as (other, other_port),
        daemon(port, "sealed"),
        daemon(other_port, "plain"),
    ):
        for size, number in SIZES:
            mine, limit = [], []
            for _ in range(runs):
                mine.append(talked(pid, port, "sealed", size, number))
                limit.append(talked(other, other_port, "plain", size, number))
            name = f"{size} B" if size < 1024 else f"{size // 1024} KiB"
            titles = (
                (f"{name}, daemon to client, encrypted", "messages/s"),
                (f"{name}, CPU of the relay", "µs each"),
                (f"{name}, there and back, p50", "ms"),
                (f"{name}, there and back, p99", "ms"),
            )
            columns = zip(titles, zip(*mine, strict=True), zip(*limit, strict=True), strict=True)
            rows += [
                row(*title, ours, beside=PLAIN, limit=theirs) for title, ours, theirs in columns
            ]
    return rows


def held(pid: int, port: int) -> float:
    """Idle connections, both sockets of each, in one MiB of what is between."""
    before = rss_kib(pid)
    with ending(program("-m", "bench.relayed", "hold", port, HELD)) as clients:
        assert clients.stdout is not None
        assert clients.stdout.readline() == "ready\n"
        return HELD / ((rss_kib(pid) - before) / 1024)


def measure_idle(runs: int) -> list[Row]:
    mine = []
    for _ in range(min(runs, MEMORY_RUNS)):
        with relay(*_WIDE) as (pid, port):
            mine.append(held(pid, port))
    return [row(f"idle connections, at {HELD}", "per MiB", mine)]


def measure(runs: int) -> list[Row]:
    return measure_talk(runs) + measure_idle(runs)
