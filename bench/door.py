"""The TCP door: connections a second and memory for each, beside a bare `websockets` server; and
the ping of a client that works here while strangers try to come in.

The strangers of a flood are all one user of this machine. Those with wrong passwords are twenty, in
each run others, so that each has its tries before it is locked out and the daemon is never without
a password to compare; the hash is as costly as real ones. Only root can be twenty users: for
anybody else that scene is left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from websockets.frames import Frame, Opcode

from bench.harness import Row, Sandbox, cpu_of, row, rss_kib, sandbox, wait_until
from bench.knocking import hello, upgrade
from bench.stream import port_of
from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from sereno.core.security.passwords import hash_new
from tests import certificates

CONNECTIONS = 200
WARMING = 24
MEMORY_RUNS = 2
HELD = 1000
WATCHED_S = 3.0
STARTED_S = 60.0
PASSWORD = "a-long-password.of-ours"
BARE = "bare websockets server"


def knocking(*words: object) -> subprocess.Popen[str]:
    """The process of the others; see bench/knocking.py."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench.knocking", *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        # Systems share their time between sessions first: strangers take none of the daemon's.
        start_new_session=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextlib.contextmanager
def daemon(*, password: bool = False, tls: bool = False) -> Iterator[tuple[Sandbox, int, int]]:
    """A fresh one: its sandbox, pid and port. The certificate is in the sandbox's folder `tls`."""
    with sandbox() as box:
        text = f'[daemon.auth]\npassword = "{hash_new(PASSWORD)}"\n' if password else ""
        if tls:
            made = certificates.made(box.root / "tls", "IP:127.0.0.1")
            text += f'[daemon.tls]\ncert = "{made.cert}"\nkey = "{made.key}"\n'
        box.home.mkdir(mode=0o700)
        (box.home / "config.toml").write_text(text)
        (box.home / "config.toml").chmod(0o600)
        with box.daemon() as process:
            wait_until((box.home / "run" / "daemon.json").exists, STARTED_S)
            yield box, process.pid, port_of(box)


@contextlib.contextmanager
def bare(*words: str) -> Iterator[tuple[int, int]]:
    """Pid and port of a server that asks nobody who they are."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.greeter", *words],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    try:
        yield process.pid, int(line(process).removeprefix("listening "))
    finally:
        process.kill()
        process.communicate()


# Connections


def connections(pid: int, port: int, *trust: str) -> tuple[float, float]:
    """How many a second, and CPU milliseconds of the server for each."""
    knocking("rate", port, WARMING, *trust).communicate(timeout=60)
    before = cpu_of(pid)
    out, _ = knocking("rate", port, CONNECTIONS, *trust).communicate(timeout=300)
    used = cpu_of(pid) - before
    return CONNECTIONS / json.loads(out)["seconds"], used / CONNECTIONS * 1e3


def measure_connections(runs: int, *, tls: bool) -> list[Row]:
    name = "connect to server_info" + (" over TLS" if tls else "")
    mine, limit = [], []
    with daemon(tls=tls) as (box, pid, port):
        files = [str(box.root / "tls" / one) for one in ("cert.pem", "key.pem")] if tls else []
        with bare(*files) as (other, other_port):
            for _ in range(runs):
                mine.append(connections(pid, port, *files[:1]))
                limit.append(connections(other, other_port, *files[:1]))
    rates, costs = zip(*mine, strict=True)
    other_rates, other_costs = zip(*limit, strict=True)
    return [
        row(f"{name}, 8 at a time", "connections/s", rates, beside=BARE, limit=other_rates),
        row(f"{name}, server", "ms CPU each", costs, beside=BARE, limit=other_costs),
    ]


# Memory


def held(pid: int, port: int, *trust: str) -> float:
    """KiB for each client that is connected and greeted."""
    knocking("rate", port, WARMING, *trust).communicate(timeout=60)
    before = rss_kib(pid)
    clients = knocking("hold", port, HELD, *trust)
    assert line(clients) == "ready"
    grown = rss_kib(pid) - before
    clients.communicate("over\n", timeout=60)
    return grown / HELD


def measure_memory(runs: int, *, tls: bool) -> list[Row]:
    mine, limit = [], []
    for _ in range(min(runs, MEMORY_RUNS)):
        with daemon(tls=tls) as (box, pid, port):
            files = [str(box.root / "tls" / one) for one in ("cert.pem", "key.pem")] if tls else []
            mine.append(held(pid, port, *files[:1]))
            with bare(*files) as (other, other_port):
                limit.append(held(other, other_port, *files[:1]))
    name = f"memory of a client{' over TLS' if tls else ''}, at {HELD}"
    return [row(name, "KiB", mine, beside=BARE, limit=limit)]


# A working client


class Working:
    """Says hello and pings, on a plain socket; came in with the token."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 20)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(upgrade(port, SERENO_V1, bearer64(token)))
        self._until(b"\r\n\r\n")
        self._socket.sendall(hello("working"))
        self._until(b"server_info")
        text = b'{"type":"session","message":{"type":"ping","requestId":"p"}}'
        self._ping = Frame(Opcode.TEXT, text).serialize(mask=True)

    def _until(self, words: bytes) -> None:
        heard = b""
        while words not in heard:
            piece = self._socket.recv(65_536)
            assert piece, heard
            heard += piece

    def pings(self, seconds: float) -> list[float]:
        """Milliseconds of each, one every five, sorted."""
        taken = []
        end = time.perf_counter() + seconds
        while (begin := time.perf_counter()) < end:
            self._socket.sendall(self._ping)
            self._until(b'"pong"')
            taken.append((time.perf_counter() - begin) * 1e3)
            time.sleep(0.005)
        return sorted(taken)

    def close(self) -> None:
        self._socket.close()


SCENES = (
    ("alone", "", 0, ""),
    ("beside a flood of strangers without a credential", "refused", 32, "1000"),
    ("beside 200 sockets that send a byte now and then", "silent", 200, "1000"),
    ("beside twenty strangers with wrong passwords", "wrong", 20, ""),
)

COUNTED = {
    "tries": "tries of these",
    "compared": "passwords compared",
    "locked": "locked out unheard",
    "busy": "told to come back",
}


def scenes() -> tuple[tuple[str, str, int, str], ...]:
    if os.geteuid() == 0:
        return SCENES
    print("left out, as only root can be twenty users: wrong passwords", file=sys.stderr)
    return tuple(scene for scene in SCENES if scene[1] != "wrong")


def measure_pings(runs: int) -> list[Row]:
    chosen = scenes()
    taken: dict[str, list[list[float]]] = {scene[0]: [] for scene in chosen}
    told: dict[str, list[Counter[str]]] = {scene[0]: [] for scene in chosen}
    busy: dict[str, list[float]] = {scene[0]: [] for scene in chosen}
    with daemon(password=True) as (box, pid, port):
        working = Working(port, (box.home / "auth_token").read_text().strip())
        for run in range(runs):
            for name, what, number, _ in chosen:
                others = None
                if what:
                    others = knocking(what, port, number, WATCHED_S + 0.5, run + 1)
                    assert line(others) == "ready"
                    time.sleep(0.5)
                before = cpu_of(pid)
                taken[name].append(working.pings(WATCHED_S))
                busy[name].append((cpu_of(pid) - before) / WATCHED_S * 1e3)
                if others is not None:
                    out, _ = others.communicate(timeout=60)
                    told[name].append(Counter(json.loads(out)))
        working.close()
    rows: list[Row] = []
    for name, what, _, most in chosen:
        rows += ping_rows(name, taken[name], taken["alone"], most)
        for each in ("tries", "compared", "locked", "busy") if what == "wrong" else ("tries",):
            if what:
                rates = [one[each] / (WATCHED_S + 0.5) for one in told[name]]
                rows.append(row(f"{COUNTED[each]} ({name})", "1/s", rates))
        rows.append(row(f"daemon {name}", "ms CPU/s", busy[name]))
    return rows


def ping_rows(name: str, runs: list[list[float]], alone: list[list[float]], most: str) -> list[Row]:
    """Median, p99 and worst, and by how much p99 is later than alone."""
    rows = []
    for what, at, target in (("p50", 0.5, ""), ("p99", 0.99, ""), ("max", 1.0, most)):
        values = [part(one, at) for one in runs]
        limit = [part(one, at) for one in alone] if runs is not alone else ()
        beside = "alone" if limit else ""
        rows.append(
            row(f"ping {name}, {what}", "ms", values, target=target, beside=beside, limit=limit)
        )
    if runs is not alone:
        delay = [
            part(mine, 0.99) - part(idle, 0.99) for mine, idle in zip(runs, alone, strict=True)
        ]
        target = "20" if "wrong" in name else ""
        rows.append(row(f"ping {name}, delay of p99", "ms", delay, target=target))
    return rows


def part(values: list[float], at: float) -> float:
    return values[min(len(values) - 1, int(len(values) * at))]


def measure(runs: int) -> list[Row]:
    rows: list[Row] = []
    for tls in (False, True):
        rows += measure_connections(runs, tls=tls)
    rows += measure_pings(runs)
    for tls in (False, True):
        rows += measure_memory(runs, tls=tls)
    return rows
