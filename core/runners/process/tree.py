"""Processes and their descendants: who they are, and ending them without hitting a stranger.

Linux: /proc, a child subreaper (so that every orphan becomes a child of the runner), pidfds. A
process is named by its pid and its start time, because pids are used again (T83). On macOS there
is no subreaper and no /proc: `ps` gives the table (`family` tells what follows). `-X portable`
makes a runner on Linux take that way, for the tests.
"""

from __future__ import annotations

import os
import signal
import sys

LINUX = sys.platform == "linux" and "portable" not in sys._xoptions
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
RUNNER_NAME = "sereno-runner"
"""What /proc/<pid>/comm of a runner says; an agent cannot change that of another process."""


class Process:
    """One row of the process table. `start` is opaque and differs for each use of the pid."""

    __slots__ = ("group", "name", "pid", "ppid", "start")

    def __init__(self, pid: int, ppid: int, group: int, start: str, name: str) -> None:
        self.pid = pid
        self.ppid = ppid
        self.group = group
        self.start = start
        self.name = name


def become_subreaper() -> None:
    """Orphaned descendants become this process's children; also sets the process's name.

    Linux only. Elsewhere nothing happens, and `descendants` is all there is.
    """
    if not LINUX:
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    libc.prctl(_PR_SET_NAME, RUNNER_NAME.encode(), 0, 0, 0)


def boot_id() -> str:
    """Start times count from the boot: a record of an earlier boot must never fit a process."""
    if not LINUX:
        return ""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


_BOOT = ""


def look(pid: int) -> Process | None:
    """What the process is now, or None when there is none (a zombie counts as none)."""
    global _BOOT
    if not LINUX:
        return ps_table().get(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # hidepid hides others'
        return None
    opening, closing = text.index(b"("), text.rindex(b")")
    fields = text[closing + 2 :].split()
    if fields[0] in (b"Z", b"X"):
        return None
    _BOOT = _BOOT or boot_id()
    name = text[opening + 1 : closing].decode("utf-8", "replace")
    return Process(pid, int(fields[1]), int(fields[2]), f"{_BOOT}:{int(fields[19])}", name)


def same(pid: int, start: str) -> bool:
    """Whether the process that was recorded with this start time still lives."""
    found = look(pid)
    return found is not None and found.start == start


def children(pid: int) -> list[int]:
    """The direct children of a process, zombies included."""
    if not LINUX:
        return [row.pid for row in ps_table().values() if row.ppid == pid]
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
        except FileNotFoundError:
            if not _CHILDREN_FILE:  # a kernel without CONFIG_PROC_CHILDREN
                return [row.pid for row in all_processes() if row.ppid == pid]
        except ProcessLookupError:
            continue
    return found


_CHILDREN_FILE = os.path.exists("/proc/thread-self/children")


def all_processes() -> list[Process]:
    """Every process that we may look at."""
    if not LINUX:
        return list(ps_table().values())
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [row for row in map(look, pids) if row is not None]


def descendants(pid: int) -> list[Process]:
    """Everything below a process, parents first."""
    if not LINUX:
        return below(pid, list(ps_table().values()))
    rows: list[Process] = []
    seen = {pid}
    queue = [pid]
    while queue:
        for child in children(queue.pop(0)):
            if child in seen:
                continue
            seen.add(child)
            queue.append(child)
            row = look(child)
            if row is not None:
                rows.append(row)
    return rows


def below(pid: int, table: list[Process]) -> list[Process]:
    found: list[Process] = []
    parents = {pid}
    while True:
        more = [row for row in table if row.ppid in parents and row.pid not in parents]
        if not more:
            return found
        found += more
        parents.update(row.pid for row in more)


def send(row: Process, number: int) -> bool:
    """Signal exactly this process; False when it is gone or its pid belongs to another by now.

    Raises PermissionError for a process that became another user's (sudo).
    """
    try:
        if hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal"):
            fd = os.pidfd_open(row.pid)
            try:
                if not same(row.pid, row.start):
                    return False
                signal.pidfd_send_signal(fd, number)
            finally:
                os.close(fd)
        else:  # macOS: a window of microseconds between look and kill remains
            if not same(row.pid, row.start):
                return False
            os.kill(row.pid, number)
    except ProcessLookupError:
        return False
    return True


def try_send(row: Process, number: int) -> None:
    """As `send`; a process of another user (sudo) is left, and seen as remaining."""
    try:
        send(row, number)
    except PermissionError:
        return


def ps_table() -> dict[int, Process]:
    """The process table from `ps`, for systems without /proc (macOS). POSIX options only."""
    table = {}
    for line in _ps("-A", "-o", "pid=,ppid=,pgid=,stat=,lstart=,comm="):
        pid, ppid, group, state, rest = line.split(None, 4)
        words = rest.split(None, 5)
        if state[0] != "Z":
            name = os.path.basename(words[5]) if len(words) > 5 else ""
            start = " ".join(words[:5])
            table[int(pid)] = Process(int(pid), int(ppid), int(group), start, name)
    return table


def marked_by_ps(marker: str) -> set[int]:
    """Pids of our processes that were started with SERENO_RUN=`marker`, as `ps` shows them.

    macOS hides the environment of programs that protect themselves.
    """
    options = ["-axww", "-E"] if sys.platform == "darwin" else ["axeww"]
    word = f"SERENO_RUN={marker}"
    lines = _ps(*options, "-o", "pid=,command=")
    return {int(line.split(None, 1)[0]) for line in lines if word in line.split()}


def _ps(*options: str) -> list[str]:
    read, write = os.pipe()
    command = ["/bin/ps", *options]
    actions = [(os.POSIX_SPAWN_DUP2, write, 1)]
    spawned = os.posix_spawn(command[0], command, {"LC_ALL": "C"}, file_actions=actions)
    os.close(write)
    with open(read, "rb") as file:
        text = file.read().decode("utf-8", "replace")
    os.waitpid(spawned, 0)
    return [line for line in text.splitlines() if line.split(None, 1)[0] != str(spawned)]
