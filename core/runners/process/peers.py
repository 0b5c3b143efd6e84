"""Who may talk to a runner: this user's processes, except those that descend from an agent.

Without the second rule an agent's tool could connect here and answer its own request for
permission.
"""

from __future__ import annotations

import os
import socket
import struct

from sereno.core.runners.process import tree

_XUCRED = struct.Struct("IIh16I")
_LOCAL_PEERCRED = 1


def credentials(sock: socket.socket) -> tuple[int, int]:
    """Uid and pid of the process at the other end; pid 0 where the system does not tell."""
    if hasattr(socket, "SO_PEERCRED"):
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, _ = struct.unpack("3i", raw)
        return uid, pid
    raw = sock.getsockopt(0, _LOCAL_PEERCRED, _XUCRED.size)
    return _XUCRED.unpack(raw)[1], 0


def runners_above(pid: int) -> set[int]:
    """The runners among a process and its ancestors. Linux only; elsewhere none is known.

    Raises ProcessLookupError when the process is gone: nobody can tell then what was above it.
    """
    found: set[int] = set()
    if not tree.LINUX:
        return found
    row = _look(pid)
    while True:
        if row.name == tree.RUNNER_NAME:
            found.add(row.pid)
        if row.ppid <= 1:
            return found
        parent = tree.look(row.ppid)
        if parent is not None:
            row = parent
            continue
        # It ended just now, and its children have another parent; or we may not see it (another
        # user's, hidepid), and above it there can be no runner of ours.
        again = tree.look(row.pid)
        if again is None:
            return found | runners_above(pid)
        if again.ppid == row.ppid:
            return found
        row = again


def _look(pid: int) -> tree.Process:
    row = tree.look(pid)
    if row is None:
        raise ProcessLookupError(pid)
    return row


class Gate:
    """The decision for each connection, with the runners above this one when it started.

    A whole Sereno may run inside an agent of another one: its daemon descends from the same outer
    runners as this runner does, and may in.
    """

    def __init__(self, above: set[int]) -> None:
        self._above = above

    def admits(self, sock: socket.socket) -> bool:
        try:
            uid, pid = credentials(sock)
            return uid == os.geteuid() and runners_above(pid) <= self._above
        except OSError:  # gone already: nobody can tell who it was
            return False
