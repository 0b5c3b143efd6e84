"""Reads what core/security/same_user.py judges: the kernel's tables and the descriptors in /proc.

Thin and blocking: a busy machine has thousands of rows, so callers on a loop use a thread. Where
there is no /proc nothing can be told, and the answers say so.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sereno.core.security import same_user
from sereno.core.security.same_user import Owner, Sight

__all__ = ["agent_behind", "sight_of"]

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_TCP_ESTABLISHED = 1


def sight_of(connection: socket.socket) -> Owner | Sight:
    """Whose process is at the other end of an accepted TCP connection.

    Our own end is looked at after the row was: while it is whole, nobody else can have got the
    peer's port. Without that, a row could be that of a later socket with the same numbers, while
    the words of the earlier one still wait to be read.
    """
    if sys.platform != "linux":
        return Sight.UNTOLD
    try:
        peer, local = connection.getpeername()[:2], connection.getsockname()[:2]
        tables = [text for path in _TABLES if (text := _read(path)) is not None]
        if not tables:
            return Sight.UNTOLD
        found = same_user.look_up(tables, peer, local)
        whole = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:  # gone
        return Sight.UNCLEAR
    return found if whole == _TCP_ESTABLISHED else Sight.UNCLEAR


def agent_behind(owner: Owner, is_agent: Callable[[int], bool]) -> bool:
    """Whether the socket is held by a process for which `is_agent` is true; see same_user.

    Only processes of the owner's uid are looked at, and another user's none at all: an agent
    cannot become one, except below a daemon of root.
    """
    if os.geteuid() not in (0, owner.uid):
        return False
    return same_user.agent_behind(
        _processes(owner.uid), lambda pid: _holds(pid, owner.inode), is_agent
    )


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii")
    except FileNotFoundError:  # IPv6 is turned off, or no /proc is mounted
        return None


def _processes(uid: int) -> Iterator[int]:
    """By the real uid of each: the folder of one that changed its rights belongs to root."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for each of them takes longer
        if name.isdigit() and _uid(name) == uid:
            yield int(name)


def _uid(pid: str) -> int | None:
    with (
        contextlib.suppress(OSError, ValueError),
        open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file,  # noqa: PTH123
    ):
        for line in file:
            if line.startswith("Uid:"):
                return int(line.split()[2])
    return None


def _holds(pid: int, inode: int) -> bool | None:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except PermissionError:
        return None
    except OSError:  # ended
        return False
    for name in names:
        with contextlib.suppress(OSError):
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116
            if found.st_ino == inode and stat.S_ISSOCK(found.st_mode):
                return True
    return False
