"""After a runner's death: reading what it kept, ending what it left, deleting its files.

Nobody is signalled who was not proved to belong to
the run: by pid and start time, by descent from such a process, or by the run's marker variable.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from pathlib import Path

import anyio.to_thread

from sereno.core.runners.census import Census
from sereno.core.runners.folder import JOURNAL_PATTERN, alive, clear, dies_soon, read_record
from sereno.core.runners.frames import journal_frame
from sereno.core.runners.model import (
    EndResult,
    Frame,
    RunnerError,
    Seen,
)
from sereno.core.runners.process import tree
from sereno.core.runners.process.wire import FIRST_SOCKET_KIND, FrameReader

SWEEP_LIMIT = 5.0
"""Seconds after which what will not die is reported."""


async def read_journal(folder: Path, offset: int) -> list[Frame]:
    """The frames from `offset` on that a dead runner left. A torn tail is cut at the last whole
    frame: it was never given to anybody. An empty list when there is nothing more.
    """
    return await anyio.to_thread.run_sync(_read_journal, folder, offset)


def _read_journal(folder: Path, offset: int) -> list[Frame]:
    starts = sorted((int(path.suffix[1:]), path) for path in folder.glob(JOURNAL_PATTERN))
    frames: list[Frame] = []
    for index, (start, path) in enumerate(starts):
        stop = starts[index + 1][0] if index + 1 < len(starts) else None
        if stop is not None and stop <= offset:
            continue
        end = max(start, offset)
        if frames and frames[-1].end != start:
            break
        with path.open("rb") as file:
            file.seek(end - start)
            raws, damage = FrameReader().feed_until_damage(file.read())
        for raw in raws:
            if raw[0] >= FIRST_SOCKET_KIND:
                break
            end += raw[4]
            frames.append(journal_frame(raw, end))
        if damage is not None:
            break
    return frames


async def sweep(folder: Path, *, runner_too: bool = False) -> EndResult:
    """End what a dead runner left of its agent. The journal stays.

    Raises RunnerError (alive) when the runner lives, unless `runner_too`: then it is killed first.
    """
    info = read_record(folder)
    if info is None:
        return EndResult()
    if not runner_too and not await dies_soon(info.runner):
        raise RunnerError(
            "alive",
            f"The runner of agent {info.agent_id} (process {info.runner.pid}) lives.",
            "Attach to it and end the agent through it.",
        )
    seen = [seen for seen in (info.runner, info.child) if seen is not None]
    return await anyio.to_thread.run_sync(kill_run, info.run, seen)


def kill_run(run: str, seen: Iterable[Seen]) -> EndResult:
    """Kill the processes that were seen, all below them, and all that carry the run's marker.

    Freezes until nobody new is found (nobody can fork away then) and kills. Only when two looks in
    a row found nobody, and left nobody unclear, nothing is left; what cannot be proved within
    SWEEP_LIMIT is reported as remaining.
    """
    deadline = time.monotonic() + SWEEP_LIMIT
    census = Census(run, seen)
    quiet = 0
    while True:
        frozen: dict[int, str] = {}

        def freeze(row: tree.Process, frozen: dict[int, str] = frozen) -> None:
            if frozen.get(row.pid) != row.start:
                frozen[row.pid] = row.start
                tree.try_send(row, signal.SIGSTOP)

        while True:
            before = len(frozen)
            found = census.look(freeze)
            for row in found.living:
                freeze(row)
            if len(frozen) == before or time.monotonic() > deadline:
                break
        for pid, start in frozen.items():
            tree.try_send(tree.Process(pid, 0, 0, start, ""), signal.SIGKILL)
        quiet = quiet + 1 if found.nobody and not frozen else 0
        if quiet == 2:
            return EndResult()
        if time.monotonic() > deadline:
            return EndResult(_still_there(census))
        if frozen:
            time.sleep(0.005)


def _still_there(census: Census) -> tuple[int, ...]:
    """At the end of the time: who was seen, or, of what forks faster than we look, its traces."""
    found = census.look()
    return tuple(sorted([row.pid for row in found.living] or found.unclear))


def remove(folder: Path) -> None:
    """Delete the files of a run that is over. Raises RunnerError (alive) while its agent lives.

    A runner that only waits for its journal to be acknowledged is told to go.
    """
    info = read_record(folder)
    if info is not None and alive(info.runner):
        if alive(info.child):
            raise RunnerError(
                "alive",
                f"The agent {info.agent_id} still runs (process {info.child_pid}).",
                "Stop it first.",
            )
        runner = tree.look(info.runner.pid)
        if runner is not None and runner.start == info.runner.start:
            tree.send(runner, signal.SIGTERM)
    clear(folder)
