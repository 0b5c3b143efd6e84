"""Who is at the other end of a unix socket: its uid, its process, and whether an agent started it.

"Which runners stand above this process" is a pure function over a reader of the process table;
reading the table of this system stands below. Threat T46: an agent must not answer
for the person. A process of the same user that escapes its ancestry (by `at`, a multiplexer, a
service manager) is out of reach here, and docs/security.md says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

__all__ = [
    "MARKER",
    "Credentials",
    "Process",
    "Table",
    "credentials_of",
    "folder_of",
    "marker_of",
    "process_table",
    "runners_above",
]

MARKER = "SERENO_AGENT_ID"
"""The variable that every agent's environment carries; a second sign beside the ancestry."""
_DEEPEST = 200
_SO_PEERPIDFD = 77  # Linux 6.5; not in the socket module yet.
_LOCAL_PEERCRED, _LOCAL_PEERPID, _SOL_LOCAL = 1, 2, 0  # macOS


class Credentials(msgspec.Struct, frozen=True):
    """Of a peer at the time it connected. `pid` is 0 where the system does not say it."""

    pid: int
    uid: int


class Process(msgspec.Struct, frozen=True):
    """`start`: a time that together with the pid names one process for ever (kernel ticks)."""

    pid: int
    parent: int
    start: int
    command: tuple[str, ...] = ()
    name: str = ""


Table = Callable[[int], Process | None]
"""Looks a pid up; None when there is no such process."""


def runners_above(
    pid: int, is_runner: Callable[[Process], bool], table: Table
) -> frozenset[tuple[int, int]] | None:
    """The runners (pid, start) among a process and its ancestors.

    Runners are known by what they are, not by a list: so an agent is an agent from its first
    moment on. A pid that was given to a new process between two looks is noticed, because a parent
    never starts after its child. None: it cannot be told, as the process or the chain is gone.
    """
    found: set[tuple[int, int]] = set()
    process = table(pid)
    for _ in range(_DEEPEST):
        if process is None:
            return None
        if is_runner(process):
            found.add((process.pid, process.start))
        if process.parent <= 0 or process.parent == process.pid:
            return frozenset(found)
        parent = table(process.parent)
        if parent is not None and parent.start <= process.start:
            process = parent
            continue
        # The parent ended just now, or its pid is another's already: the child has a new one.
        again = table(process.pid)
        if again is None or again.start != process.start or again.parent == process.parent:
            return None
        process = again
    return None


def credentials_of(connection: socket.socket) -> Credentials:
    """Raises OSError where the system cannot tell."""
    if sys.platform != "linux":
        raw = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 76)
        pid = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID)
        return Credentials(pid, struct.unpack_from("I", raw, 4)[0])
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, _ = struct.unpack("3i", raw)
    return Credentials(pid if _alive(connection) else 0, uid)


def _alive(connection: socket.socket) -> bool:
    """Whether the process that connected still runs, where the kernel can tell for certain: a
    descriptor of the process itself cannot be fooled by a pid that was given away again."""
    try:
        pidfd = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError as error:
        # ESRCH: it is gone. Else an older kernel: the start times in `runners_above` have to do.
        return error.errno != errno.ESRCH
    try:
        fields = Path(f"/proc/self/fdinfo/{pidfd}").read_text(encoding="ascii")
    except OSError:
        return True
    finally:
        os.close(pidfd)
    return "\nPid:\t-1\n" not in fields


def process_table(pid: int) -> Process | None:
    """The process table of this system: /proc, and `ps` where there is none."""
    if sys.platform != "linux":
        return _from_ps(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name stands in brackets and may hold brackets and blanks itself.
    fields = text[text.rfind(b")") + 2 :].split()
    with contextlib.suppress(OSError):
        raw = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0")
        command = tuple(os.fsdecode(part) for part in raw.split(b"\0"))
        name = os.fsdecode(text[text.find(b"(") + 1 : text.rfind(b")")])
        return Process(pid, int(fields[1]), int(fields[19]), command, name)
    return None


def _from_ps(pid: int) -> Process | None:
    done = subprocess.run(
        ["/bin/ps", "-ww", "-o", "ppid=,lstart=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=2,
        env={"LC_ALL": "C"},
    )
    fields = done.stdout.split()
    if len(fields) < 6 or not fields[0].isdigit():
        return None
    moment = time.strptime(" ".join(fields[1:6]), "%a %b %d %H:%M:%S %Y")
    return Process(pid, int(fields[0]), int(time.mktime(moment)), tuple(fields[6:]))


def marker_of(pid: int, marker: str = MARKER) -> str | None:
    """The agent's id in the environment that a process was started with; None where there is none
    or the system does not tell."""
    prefix = marker.encode() + b"="
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if entry.startswith(prefix):
                return os.fsdecode(entry[len(prefix) :])
    return None


def folder_of(pid: int) -> str | None:
    """The working directory of a process; None where it is gone or the system does not tell."""
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/cwd").readlink())
    return None
