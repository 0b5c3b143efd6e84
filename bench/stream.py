"""One agent streaming to 1, 10 and 50 clients, beside a bare `websockets` broadcaster.

Over the unix socket, and over TCP as clients on a network have it (without TLS). Events are tool
calls, which are never merged: each is a row, a message, and a frame for each client.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import anyio

from bench.harness import Row, Sandbox, cpu_of, row, sandbox
from sereno.core.client.aio import Client
from sereno.core.protocol.requests import AgentConfig, CreateAgent, SendMessage

EVENTS = 4000
SIZE = 300
NEEDLE = "tool_call"


@dataclass(frozen=True)
class Stream:
    """What `clients` saw: messages a second in all, and CPU microseconds of the sender for each."""

    rate: float
    microseconds: float
    delivered: float
    """Share of the messages that arrived (a slow client may lose rows, never order)."""


def watch(place: str, clients: int, count: int, *, bare: bool = False) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.listeners", place, str(clients), NEEDLE, str(count)]
    if bare:
        command.append("bare")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def result(process: subprocess.Popen[str], cpu: float, expected: int) -> Stream:
    out, _ = process.communicate(timeout=150)
    figures = json.loads(out)
    seconds = max(figures["seconds"], 1e-9)
    return Stream(
        figures["seen"] / seconds, cpu / figures["seen"] * 1e6, figures["seen"] / expected
    )


async def prepare(path: Path, folder: Path) -> str:
    client = await Client.connect_unix(path)
    config = AgentConfig(provider="demo", cwd=str(folder))
    created = await client.request(CreateAgent(request_id="", config=config, initial_prompt="help"))
    agent_id: str = created.agent_id  # type: ignore[attr-defined]
    await client.aclose()
    return agent_id


async def go(path: Path, agent_id: str, text: str) -> None:
    client = await Client.connect_unix(path)
    await client.request(SendMessage(request_id="", agent_id=agent_id, text=text))
    await client.aclose()


def port_of(box: Sandbox) -> int:
    """On which the daemon of the sandbox listens."""
    listen = json.loads((box.home / "run" / "daemon.json").read_bytes())["listen"]
    return next(int(one.rpartition(":")[2]) for one in listen if one.startswith("127.0.0.1:"))


def sereno_stream(box: Sandbox, pid: int, agent_id: str, clients: int, place: str) -> Stream:
    watchers = watch(place, clients, EVENTS)
    before = cpu_of(pid)
    path = box.home / "run" / "daemon.sock"
    anyio.run(go, path, agent_id, f"stream {EVENTS} tools of {SIZE} bytes")
    watchers.wait(150)
    return result(watchers, cpu_of(pid) - before, EVENTS * clients)


def bare_stream(box: Sandbox, clients: int, *, tcp: bool) -> Stream:
    path = box.root / "bare.sock"
    path.unlink(missing_ok=True)
    where = "tcp:0" if tcp else str(path)
    sender = subprocess.Popen(
        [sys.executable, "-m", "bench.broadcaster", where, str(EVENTS), str(SIZE + 300)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert sender.stdin is not None
    assert sender.stdout is not None
    word, _, place = sender.stdout.readline().strip().partition(" ")
    assert word == "listening"
    watchers = watch(place, clients, EVENTS, bare=True)
    before = cpu_of(sender.pid)
    sender.stdin.write("go\n")
    sender.stdin.flush()
    watchers.wait(150)
    used = cpu_of(sender.pid) - before
    sender.kill()
    sender.wait()
    return result(watchers, used, EVENTS * clients)


def measure(runs: int) -> list[Row]:
    rows: list[Row] = []
    with sandbox() as box, box.daemon() as process:
        agent_id = anyio.run(prepare, box.home / "run" / "daemon.sock", box.repository)
        for tcp in (False, True):
            place = f"tcp:{port_of(box)}" if tcp else str(box.home / "run" / "daemon.sock")
            for clients in (1, 10, 50):
                mine, bare = [], []
                for _ in range(runs):
                    mine.append(sereno_stream(box, process.pid, agent_id, clients, place))
                    bare.append(bare_stream(box, clients, tcp=tcp))
                rows += _rows(clients, mine, bare, tcp=tcp)
    return rows


def _rows(clients: int, mine: list[Stream], bare: list[Stream], *, tcp: bool) -> list[Row]:
    name = f"stream to {clients}{' over TCP' if tcp else ''}"
    return [
        row(
            name,
            "messages/s",
            [one.rate for one in mine],
            target=">= 0.7 of bare" if clients == 50 else "",
            beside="bare websockets broadcaster",
            limit=[one.rate for one in bare],
        ),
        row(
            f"{name}, daemon",
            "us CPU/message",
            [one.microseconds for one in mine],
            target="3" if clients == 50 else "",
            beside="bare websockets broadcaster",
            limit=[one.microseconds for one in bare],
        ),
    ]
