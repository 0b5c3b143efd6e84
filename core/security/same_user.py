"""Whose process is at the other end of a TCP connection within this machine (design section 7).

Pure over the texts of /proc/net/tcp and /proc/net/tcp6; reading them is core/security/sockets.py.
The kernel keeps a row for each end of a connection, with the uid of the process that made that
end. A row counts only while its end is whole: a half-closed one shows as uid 0.
"""

from __future__ import annotations

import enum
import ipaddress
import sys
from collections.abc import Callable, Iterable, Sequence

import msgspec

from sereno.core.security.addresses import plain

__all__ = ["Owner", "Sight", "agent_behind", "look_up"]

_ESTABLISHED = "01"
Address = tuple[str, int]


class Owner(msgspec.Struct, frozen=True):
    """Of a whole socket on this machine. `inode` is its number in /proc/PID/fd, never 0."""

    uid: int
    inode: int


class Sight(enum.Enum):
    """What can be seen of a peer when it is no whole socket of this machine."""

    ELSEWHERE = "elsewhere"
    """No such socket here: another machine, or another network namespace of this one."""
    UNCLEAR = "unclear"
    """Half-closed, just gone, or told in two ways: nobody can say who speaks."""
    UNTOLD = "untold"
    """This platform does not tell."""


def look_up(tables: Sequence[str], peer: Address, local: Address) -> Owner | Sight:
    """The owner of the peer's end. `tables`: what /proc/net/tcp and tcp6 say; `local`: our end.

    An IPv4 connection stands in either table, whichever kind of socket the client uses.
    """
    found: set[Owner | Sight] = set()
    for key in _keys(peer, local):
        for table in tables:
            found |= set(_rows(table, key))
    if not found:
        return Sight.ELSEWHERE
    return found.pop() if len(found) == 1 else Sight.UNCLEAR


def agent_behind(
    processes: Iterable[int],
    holds: Callable[[int], bool | None],
    is_agent: Callable[[int], bool],
    by_root: Callable[[int], bool],
) -> bool:
    """Whether a socket belongs to an agent, that is, is held by a process below a runner (T46).

    `processes`: pids of our uid; `holds`: whether one has the socket open, None where that cannot
    be read, as with sshd, which forwards ports for its user; `by_root`: whether root started it,
    as it did sshd. A socket that nobody readable holds is such a process's, if there is one; unless
    an agent has hidden what it holds, which any process can do, and so does ssh-agent.
    """
    unreadable: list[int] = []
    holders: list[int] = []
    for pid in processes:
        match holds(pid):
            case True:
                holders.append(pid)
            case None:
                unreadable.append(pid)
    if holders:
        return any(is_agent(pid) for pid in holders)
    if any(is_agent(pid) for pid in unreadable):
        return True
    return not any(by_root(pid) for pid in unreadable)


def _rows(table: str, key: str) -> Iterable[Owner | Sight]:
    """Found by the text of both addresses: parsing thousands of rows would take too long."""
    at = table.find(key)
    while at >= 0:
        end = table.find("\n", at)
        fields = table[at + len(key) : end if end >= 0 else len(table)].split()
        # state, queues, timer, retransmits, uid, timeout, inode
        if len(fields) < 7 or fields[0] != _ESTABLISHED or fields[6] == "0":
            yield Sight.UNCLEAR
        else:
            yield Owner(int(fields[4]), int(fields[6]))
        at = table.find(key, at + len(key))


def _keys(peer: Address, local: Address) -> tuple[str, ...]:
    """How a row of either table may begin, after its number."""
    one, two = plain(peer[0]), plain(local[0])
    if one is None or two is None or one.version != two.version:
        return ()
    forms = [(one.packed, two.packed)]
    if isinstance(one, ipaddress.IPv4Address):
        mapped = b"\0" * 10 + b"\xff\xff"
        forms.append((mapped + one.packed, mapped + two.packed))
    return tuple(
        f": {_hex(here)}:{peer[1]:04X} {_hex(there)}:{local[1]:04X} " for here, there in forms
    )


def _hex(packed: bytes) -> str:
    """As the kernel prints it: words of 32 bits in the machine's own byte order."""
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
