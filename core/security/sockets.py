"""Reads what core/security/same_user.py judges: the kernel's tables and the descriptors in /proc.

Thin and blocking: a busy machine has thousands of rows, so callers on a loop use a thread. Where
there is no /proc nothing can be told, and the answers say so.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sereno.core.security import same_user
from sereno.core.security.same_user import Owner, Sight

__all__ = ["agent_behind", "held_sockets", "sight_of", "sights_of"]

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_TCP_ESTABLISHED = 1
_SOCKET = "socket:["


def sight_of(connection: socket.socket) -> Owner | Sight:
    """Whose process is at the other end of an accepted TCP connection."""
    return sights_of([connection])[0]


def sights_of(connections: Sequence[socket.socket]) -> list[Owner | Sight]:
    """The same for many, with one reading of the kernel's tables.

    Our own end is looked at after the row was: while it is whole, nobody else can have got the
    peer's port. Without that, a row could be that of a later socket with the same numbers, while
    the words of the earlier one still wait to be read.
    """
    tables = [text for path in _TABLES if (text := _read(path)) is not None]
    if sys.platform != "linux" or not tables:
        return [Sight.UNTOLD for _ in connections]
    return [_sight(one, tables) for one in connections]


def _sight(connection: socket.socket, tables: Sequence[str]) -> Owner | Sight:
    try:
        peer, local = connection.getpeername()[:2], connection.getsockname()[:2]
        found = same_user.look_up(tables, peer, local)
        whole = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:  # gone
        return Sight.UNCLEAR
    return found if whole == _TCP_ESTABLISHED else Sight.UNCLEAR


def held_sockets(uid: int) -> dict[int, frozenset[int] | None]:
    """Pids of this uid, each with the inodes of the sockets that it has open; None where that
    cannot be read. One scan answers for every connection that was accepted before it began.

    Another user's processes are none of it: an agent cannot become one, except below a daemon of
    root.
    """
    if os.geteuid() not in (0, uid):
        return {}
    return {pid: _sockets(pid) for pid in _processes(uid)}


def agent_behind(
    owner: Owner,
    is_agent: Callable[[int], bool],
    held: Mapping[int, frozenset[int] | None] | None = None,
) -> bool:
    """Whether the socket is held by a process for which `is_agent` is true; see same_user.

    `held`: what `held_sockets` gave for the owner's uid; it is asked where that is left out.
    """
    if os.geteuid() not in (0, owner.uid):
        return False
    scanned = held_sockets(owner.uid) if held is None else held

    def holds(pid: int) -> bool | None:
        found = scanned[pid]
        return None if found is None else owner.inode in found

    return same_user.agent_behind(scanned, holds, is_agent, _is_by_root)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii")
    except FileNotFoundError:  # IPv6 is turned off, or no /proc is mounted
        return None


def _processes(uid: int) -> Iterator[int]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for each of them takes longer
        if name.isdigit() and _is_of(name, uid):
            yield int(name)


def _is_of(pid: str, uid: int) -> bool:
    """The folder of a process that changed its rights, as sshd's, belongs to root: then its status
    says whose it is."""
    with contextlib.suppress(OSError, ValueError):
        owner = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116
        if owner != 0 or uid == 0:
            return owner == uid
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return any(line.startswith("Uid:") and int(line.split()[2]) == uid for line in file)
    return False


def _is_by_root(pid: int) -> bool:
    """Whether its parent runs as root."""
    parent = _status(pid, "PPid:")
    return parent is not None and _status(parent, "Uid:") == 0


def _status(pid: int, field: str) -> int | None:
    """The first number of a line in its status, which everybody may read."""
    with (
        contextlib.suppress(OSError, ValueError, IndexError),
        open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file,  # noqa: PTH123
    ):
        return next((int(line.split()[1]) for line in file if line.startswith(field)), None)
    return None


def _sockets(pid: int) -> frozenset[int] | None:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except PermissionError:
        return None
    except OSError:  # ended
        return frozenset()
    found = set()
    for name in names:
        with contextlib.suppress(OSError):
            leads = os.readlink(f"{folder}/{name}")  # noqa: PTH115
            if leads.startswith(_SOCKET):
                found.add(int(leads[len(_SOCKET) : -1]))
    return frozenset(found)
