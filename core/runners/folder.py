"""The folder of one run: what lies in it, reading its record, and whether its runner lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Any

import anyio
import msgspec

from sereno.core.runners.model import RunnerError, RunnerInfo, Seen
from sereno.core.runners.process import tree

JOURNAL_PATTERN = "journal.*"
SOCKET = "runner.sock"
RECORD = "runner.json"
LOG = "runner.log"
"""What the runner itself had to say before it died; empty in a good life."""


def read_record(folder: Path) -> RunnerInfo | None:
    """What runner.json says, or None when no runner came that far.

    Raises RunnerError (damaged) when there is a file that says something else.
    """
    try:
        raw: dict[str, Any] = msgspec.json.decode((folder / RECORD).read_bytes(), type=dict)
        record = raw["record"]
        return RunnerInfo(
            agent_id=record["agentId"],
            folder=folder,
            run=record["run"],
            command=tuple(record["command"]),
            started_ms=record["startedMs"],
            protocol=raw["protocol"],
            runner=Seen(**raw["runner"]),
            child=Seen(**raw["child"]) if raw["child"] else None,
        )
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise RunnerError(
            "damaged",
            f"{folder / RECORD} is damaged: {error}.",
            "See with `ps` whether the agent still runs; then delete the agent.",
        ) from error


def claim(log: int) -> None:
    """Marks the folder of this open runner.log as one in which a runner is started, or lives: the
    lock belongs to the open file, which only the runner keeps, and goes with the last who has it.
    """
    with contextlib.suppress(OSError):  # a file system without locks; then only time tells
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)


def claimed(folder: Path) -> bool:
    """Whether a runner is being started here, by whomever, or lives. Raises OSError where that
    cannot be told."""
    try:
        log = os.open(folder / LOG, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(log)
    return False


def alive(seen: Seen | None) -> bool:
    """Whether exactly this process lives; another one with its pid does not count (T83)."""
    return seen is not None and tree.same(seen.pid, seen.start)


async def dies_soon(seen: Seen, patience: float = 1.0) -> bool:
    """Whether the process is gone, given a moment: a runner closes its socket before it ends."""
    with anyio.move_on_after(patience):
        while alive(seen):  # noqa: ASYNC110 - nobody tells of the end of another's child
            await anyio.sleep(0.005)
    return not alive(seen)


def clear(folder: Path) -> None:
    """Delete what a runner left in its folder, and the folder if that empties it."""
    with contextlib.suppress(FileNotFoundError):
        for path in folder.glob(JOURNAL_PATTERN):
            path.unlink(missing_ok=True)
        for name in (SOCKET, RECORD, RECORD + ".new", LOG):
            (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()
