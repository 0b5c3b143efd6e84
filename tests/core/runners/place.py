"""What the tests of the runners share: starting agents, reading them, waiting for conditions."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sereno.core.runners.attach import attach
from sereno.core.runners.dead import sweep
from sereno.core.runners.folder import LOG, read_record
from sereno.core.runners.link import RunnerLink
from sereno.core.runners.model import Frame, RunnerInfo, RunnerSpec, Stream
from sereno.core.runners.process import tree
from sereno.core.runners.start import start_runner

PATIENCE = 20.0
ENV = {"PATH": os.environ["PATH"]}


def python(code: str) -> tuple[str, ...]:
    """The command that runs these lines of Python."""
    return (sys.executable, "-I", "-S", "-u", "-c", code)


def shell(code: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", code)


async def until(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition, at most PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.005)


class Reader:
    """Takes the frames of a link in the background; acknowledges them if told to."""

    def __init__(self, link: RunnerLink, acknowledge: bool = False) -> None:
        self.link = link
        self.frames: list[Frame] = []
        self._acknowledge = acknowledge
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for batch in self.link.frames():
            self.frames += batch
            if self._acknowledge:
                await self.link.acknowledge(batch[-1].end)

    def said(self, stream: Stream = Stream.OUT) -> bytes:
        return b"".join(frame.data for frame in self.frames if frame.stream is stream)

    def notes(self) -> list[str]:
        return [frame.data.decode() for frame in self.frames if frame.stream is Stream.NOTE]

    def written(self) -> list[int]:
        return [frame.write_id for frame in self.frames if frame.stream is Stream.WROTE]

    def exit(self) -> str | None:
        exits = [frame.data.decode() for frame in self.frames if frame.stream is Stream.EXIT]
        assert len(exits) <= 1
        return exits[0] if exits else None

    async def until_said(self, text: bytes, stream: Stream = Stream.OUT) -> None:
        await until(lambda: text in self.said(stream), f"the agent says {text!r}")

    async def until_count(self, count: int) -> None:
        await until(lambda: len(self.frames) == count, f"{count} frames")

    async def until_exit(self) -> str:
        await until(self.exit, "the agent's exit")
        assert self.frames[-1].stream is Stream.EXIT
        return self.exit() or ""

    async def finished(self) -> str:
        """Waits until the link's frames end, and says why."""
        await asyncio.wait_for(self.task, PATIENCE)
        return self.link.closed_because


class Place:
    """Starts runners in folders of their own; `aclose` ends all of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cwd = root / "work"
        self.cwd.mkdir()
        self.folders: list[Path] = []
        self.links: list[RunnerLink] = []
        self.readers: list[Reader] = []

    async def start(
        self, *command: str, limit: int = 1 << 26, env: Mapping[str, str] = ENV
    ) -> RunnerInfo:
        folder = self.root / "agent" / str(len(self.folders) + 1)
        self.folders.append(folder)
        spec = RunnerSpec("agent-1", folder, command, self.cwd, {**ENV, **env}, limit)
        return await start_runner(spec)

    async def attach(self, info: RunnerInfo, offset: int = 0, acknowledge: bool = False) -> Reader:
        link = await attach(info.folder, offset)
        self.links.append(link)
        self.readers.append(Reader(link, acknowledge))
        return self.readers[-1]

    async def run(
        self, *command: str, acknowledge: bool = False, env: Mapping[str, str] = ENV
    ) -> Reader:
        return await self.attach(await self.start(*command, env=env), acknowledge=acknowledge)

    async def aclose(self) -> None:
        for link in self.links:
            await link.aclose()
        for reader in self.readers:
            await reader.task
        for folder in self.folders:
            if read_record(folder) is not None:
                assert (await sweep(folder, runner_too=True)).verified
                log = folder / LOG
                assert not log.exists() or log.read_text() == ""


def with_marker(run: str) -> set[int]:
    """Pids of all processes that carry this run's marker, found without the code under test."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if run.encode() in (entry / "environ").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def lives(pid: int) -> bool:
    return tree.look(pid) is not None


def pids_in(text: bytes) -> list[int]:
    return [int(word) for word in text.split() if word.isdigit()]
