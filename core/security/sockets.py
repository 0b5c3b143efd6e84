"""Reads what core/security/same_user.py judges: the kernel's word on a socket, its tables, and the
descriptors in /proc.

Thin and blocking: a busy machine has thousands of rows, so callers on a loop use a thread. Where
there is no /proc nothing can be told, and the answers say so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from sereno.core.security import inet_diag, same_user
from sereno.core.security.addresses import is_loopback
from sereno.core.security.same_user import Address, Owner, Sight

__all__ = ["agent_behind", "held_sockets", "sight_of", "sights_of"]

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_TCP_ESTABLISHED = 1
_SOCKET = "socket:["
_AF_NETLINK: Final = 16
_IP_BIND_ADDRESS_NO_PORT: Final = 24
_ANSWER_S: Final = 0.5
"""The kernel answers before `send` returns; who imitates it may take longer."""

Tables = Callable[[], Sequence[str]]


def sight_of(connection: socket.socket) -> Owner | Sight:
    """Whose process is at the other end of an accepted TCP connection."""
    return sights_of([connection])[0]


def sights_of(connections: Sequence[socket.socket]) -> list[Owner | Sight]:
    """The same for many. The kernel is asked about each; its tables are read as a whole, which
    takes five hundred times as long, once and only where it does not tell.

    Our own end is looked at after the row was: while it is whole, nobody else can have got the
    peer's port. Without that, a row could be that of a later socket with the same numbers, while
    the words of the earlier one still wait to be read.
    """
    if sys.platform != "linux" or not any(os.path.exists(path) for path in _TABLES):  # noqa: PTH110
        return [Sight.UNTOLD for _ in connections]
    tables = cache(lambda: [text for path in _TABLES if (text := _read(path)) is not None])
    with contextlib.closing(_Kernel()) as kernel:
        return [_sight(one, kernel, tables) for one in connections]


def _sight(connection: socket.socket, kernel: _Kernel, tables: Tables) -> Owner | Sight:
    try:
        name = connection.getpeername()
        peer, local = name[:2], connection.getsockname()[:2]
        found = kernel.told(peer, local, name[3] if len(name) == 4 else 0)
        if found is None:
            may_be = is_loopback(peer[0]) or _is_here(connection.family, name)
            found = same_user.look_up(tables(), peer, local) if may_be else Sight.ELSEWHERE
        whole = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:  # gone
        return Sight.UNCLEAR
    return found if whole == _TCP_ESTABLISHED else Sight.UNCLEAR


class _Kernel:
    """Asked about one socket at a time, by netlink. Where that is forbidden, or not there, or
    breaks, it tells nothing from then on."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._asked = 0
        with contextlib.suppress(OSError):
            self._socket = socket.socket(_AF_NETLINK, socket.SOCK_DGRAM, inet_diag.PROTOCOL)
            self._socket.settimeout(_ANSWER_S)

    def told(self, peer: Address, local: Address, zone: int) -> Owner | Sight | None:
        """The peer's end; None where it is not told."""
        self._asked += 1
        question = inet_diag.request(peer, local, self._asked, zone)
        if self._socket is None or question is None:
            return None
        try:
            self._socket.sendto(question, (0, 0))
            answer, (sender, _) = self._socket.recvfrom(inet_diag.LARGEST)
        except OSError:
            self.close()
            return None
        return inet_diag.parse(answer, peer, local, self._asked) if sender == 0 else None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _is_here(family: int, name: tuple[object, ...]) -> bool:
    """Whether this machine has the address, as far as can be told: nobody can call from one that
    it has not, so strangers of the network cost no reading of tables."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            one.bind((name[0], 0, *name[2:]))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True


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
