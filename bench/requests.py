"""Round trip of a request, and listing 100 agents in 20 repositories."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from pathlib import Path

import anyio
from websockets.asyncio.client import unix_connect
from websockets.asyncio.server import ServerConnection, unix_serve

from bench.harness import Row, Sandbox, row, sandbox
from sereno.core.client.aio import Client
from sereno.core.protocol.messages import FetchAgentsResult
from sereno.core.protocol.requests import AgentConfig, CreateAgent, FetchAgents, Ping

CALLS = 500
AGENTS = 100
REPOSITORIES = 20


async def pings(path: Path) -> list[float]:
    client = await Client.connect_unix(path)
    taken = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        await client.request(Ping(request_id=""))
        taken.append(time.perf_counter() - begin)
    await client.aclose()
    return taken


async def bare_echo(path: str) -> list[float]:
    """The limit: the same library on both ends, which only sends back what came."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    taken = []
    text = '{"type":"session","message":{"type":"ping","requestId":"00000000"}}'
    async with (
        unix_serve(echo, path, compression=None),
        unix_connect(path, "ws://localhost/ws", compression=None) as connection,
    ):
        for _ in range(CALLS):
            begin = time.perf_counter()
            await connection.send(text)
            await connection.recv()
            taken.append(time.perf_counter() - begin)
    return taken


def measure_ping(runs: int) -> list[Row]:
    mine, limit, worst = [], [], []
    with sandbox() as box, box.daemon():
        for _ in range(runs):
            taken = anyio.run(pings, box.home / "run" / "daemon.sock")
            mine.append(statistics.median(taken) * 1e3)
            worst.append(sorted(taken)[int(len(taken) * 0.99)] * 1e3)
            bare = asyncio.run(bare_echo(str(box.root / "echo.sock")))
            limit.append(statistics.median(bare) * 1e3)
    return [
        row("ping, p50", "ms", mine, beside="bare websockets echo, one process", limit=limit),
        row("ping, p99", "ms", worst),
    ]


def repositories(box: Sandbox) -> list[Path]:
    """Real git repositories, each with a commit."""
    made = []
    for number in range(REPOSITORIES):
        folder = box.root / f"repository-{number}"
        folder.mkdir()
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        for command in (
            ["git", "init", "-q", "."],
            ["git", *identity, "commit", "-q", "--allow-empty", "-m", "first"],
        ):
            subprocess.run(command, cwd=folder, check=True, env=dict(box.env))
        made.append(folder)
    return made


async def all_idle(client: Client) -> None:
    """Waits until each agent's program stands, so that only the listing is measured."""
    with anyio.fail_after(120):
        while True:
            listed = await client.request(FetchAgents(request_id=""))
            assert isinstance(listed, FetchAgentsResult)
            if all(one.agent.status in ("idle", "closed") for one in listed.entries):
                return
            await anyio.sleep(0.2)


async def list_agents(path: Path, folders: list[Path]) -> list[float]:
    client = await Client.connect_unix(path)
    for number in range(AGENTS):
        config = AgentConfig(provider="demo", cwd=str(folders[number % len(folders)]))
        await client.request(CreateAgent(request_id="", config=config))
    await all_idle(client)
    taken = []
    for _ in range(50):
        begin = time.perf_counter()
        await client.request(FetchAgents(request_id=""))
        taken.append(time.perf_counter() - begin)
    await client.aclose()
    return taken


def measure_list(runs: int) -> list[Row]:
    with sandbox() as box:
        folders = repositories(box)
        with box.daemon():
            taken = anyio.run(list_agents, box.home / "run" / "daemon.sock", folders)
            box.run("delete", "--all", check=False)
    milliseconds = [one * 1e3 for one in sorted(taken)]
    return [row("fetch_agents, 100 agents in 20 repositories", "ms", milliseconds, target="3")]


def measure(runs: int) -> list[Row]:
    return [*measure_ping(runs), *measure_list(runs)]
