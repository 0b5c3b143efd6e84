"""What must not grow: streaming beside idle agents, after past clients, on a long timeline.

Also: what a client that stops reading costs. Each is measured in the same daemon, before and after.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import anyio

from bench.harness import Row, Sandbox, row, rss_kib, sandbox
from bench.listeners import Listener
from bench.stream import prepare, sereno_stream
from sereno.core.client.aio import Client
from sereno.core.protocol.requests import AgentConfig, CreateAgent

IDLE_AGENTS = 100
PAST_CLIENTS = 200
CLIENTS = 10
STREAMS = 4
"""More than twice what an outbox holds."""


async def add_idle(path: Path, folder: Path, count: int) -> None:
    client = await Client.connect_unix(path)
    for _ in range(count):
        config = AgentConfig(provider="demo", cwd=str(folder))
        await client.request(CreateAgent(request_id="", config=config))
    await client.aclose()


async def come_and_go(path: Path, count: int) -> None:
    for number in range(count):
        client = await Client.connect_unix(path, client_id=f"past-{number}")
        await client.aclose()


def stalled(path: Path) -> socket.socket:
    """A client that said hello and then never reads again; one that can fetch what it misses, so
    that it is kept and its outbox fills (one on a command line would be let go)."""
    hello = b'{"type":"hello","clientId":"stalled","clientType":"browser","protocolVersion":1}'
    return Listener(str(path), b"never", hello).socket


def measure(runs: int) -> list[Row]:
    with sandbox() as box, box.daemon() as process:
        path = box.home / "run" / "daemon.sock"
        agent_id = anyio.run(prepare, path, box.repository)

        def rates() -> list[float]:
            seen = [
                sereno_stream(box, process.pid, agent_id, CLIENTS, str(path)) for _ in range(runs)
            ]
            return [one.microseconds for one in seen]

        unit, beside = "us CPU/message", "the same daemon at first"
        first = rates()
        rows = [row(f"stream to {CLIENTS}, at first", unit, first)]
        rows.append(row("  again: a longer timeline", unit, rates(), beside=beside, limit=first))
        anyio.run(come_and_go, path, PAST_CLIENTS)
        rows.append(
            row(f"  after {PAST_CLIENTS} clients left", unit, rates(), beside=beside, limit=first)
        )
        anyio.run(add_idle, path, box.repository, IDLE_AGENTS)
        rows.append(
            row(f"  beside {IDLE_AGENTS} idle agents", unit, rates(), beside=beside, limit=first)
        )
        rows += measure_stalled(box, process.pid, agent_id)
        box.run("delete", "--all", check=False)
    return rows


def measure_stalled(box: Sandbox, pid: int, agent_id: str) -> list[Row]:
    """What the daemon grows by while others stream: first as it is, then with one that stalls."""
    without = grown(box, pid, agent_id)
    silent = stalled(box.home / "run" / "daemon.sock")
    beside = grown(box, pid, agent_id)
    silent.close()
    target = "its outbox: 4 MiB of messages"
    return [
        row(f"{STREAMS} streams, everybody reads: daemon grows by", "MiB", without),
        row("  the same, and a client stops reading", "MiB", beside, target=target),
    ]


def grown(box: Sandbox, pid: int, agent_id: str) -> list[float]:
    before = rss_kib(pid)
    for _ in range(STREAMS):
        sereno_stream(box, pid, agent_id, CLIENTS, str(box.home / "run" / "daemon.sock"))
    time.sleep(0.2)
    return [max(0.0, (rss_kib(pid) - before) / 1024)]
