"""The view into a living runner: its processes, what they take, and what goes on by itself there.

Reads only; nobody is signalled here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from sereno.core.runners.folder import read_record
from sereno.core.runners.model import ProcessInfo
from sereno.core.runners.process import tree

__all__ = ["left_running", "processes"]


def processes(folder: Path) -> tuple[ProcessInfo, ...]:
    """The living runner and everything below it; empty when the runner is dead."""
    info = read_record(folder)
    if info is None:
        return ()
    runner = tree.look(info.runner.pid)
    if runner is None or runner.start != info.runner.start:
        return ()
    return tuple(_describe(row) for row in [runner, *tree.descendants(runner.pid)])


def left_running(rows: Sequence[ProcessInfo], worked_s: float) -> tuple[ProcessInfo, ...]:
    """Of the processes of an idle agent: what its tools seem to have left at work. Pure.

    `rows`: as `processes` gives them; `worked_s`: seconds since the first turn began. Programs give
    a command that they run a process group of its own, to be able to end it; their helpers (MCP and
    language servers) share theirs, or were there before the first turn. Where the system does not
    tell ages, every other group counts: rather too many than work that is cut off.
    """
    if not rows:
        return ()
    ours = {rows[0].group} | {row.group for row in rows if _is_program(row, rows)}
    return tuple(
        row
        for row in rows
        if row.group not in ours and (row.age_s is None or row.age_s <= worked_s)
    )


def _is_program(row: ProcessInfo, rows: Sequence[ProcessInfo]) -> bool:
    """The agent program itself, or one that a tool left and that the runner adopted: the program is
    the runner's oldest child, and listed first."""
    children = [one for one in rows if one.ppid == rows[0].pid]
    if any(one.age_s is not None for one in children):
        return row is max(children, key=lambda one: one.age_s or 0)
    return bool(children) and row is children[0]


def _describe(row: tree.Process) -> ProcessInfo:
    try:
        command = Path(f"/proc/{row.pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
        pages = int(Path(f"/proc/{row.pid}/statm").read_bytes().split()[1])
    except OSError:  # it ended just now, or there is no /proc
        command, pages = b"", 0
    return ProcessInfo(
        row.pid,
        row.ppid,
        command.decode("utf-8", "replace") or row.name,
        pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        _pss_kib(row.pid),
        row.group,
        _age_s(row.start),
    )


def _pss_kib(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:  # gone, no /proc, or a program that lets nobody look
        return None
    for line in text.splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1])
    return None


def _age_s(start: str) -> float | None:
    """Start times of Linux are "boot id:ticks since the boot" (tree.look)."""
    _, _, ticks = start.rpartition(":")
    if not tree.LINUX or not ticks.isdigit():
        return None
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return max(0.0, now - int(ticks) / os.sysconf("SC_CLK_TCK"))
