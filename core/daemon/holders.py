"""Who holds a TCP port that we wanted, in words, as far as the system tells us.

Linux says it under /proc: a row of the socket table names the inode and the user, and among the
processes that we may look into one has a descriptor of that inode. Elsewhere nothing is known, and
nothing is said.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Listening", "holder_of", "listening_at"]

_LISTEN = "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LOCK = "/run/daemon.lock"


class Listening(NamedTuple):
    """One listening socket of a table."""

    uid: int
    inode: int


def listening_at(table: str, host: str, port: int) -> Listening | None:
    """The listener in the text of /proc/net/tcp or tcp6 that keeps us from binding host and port:
    one of the same address, or of all of them. Pure."""
    wanted = {_packed(host), *_EVERY}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTEN:
            continue
        address, _, number = fields[1].partition(":")
        if int(number, 16) != port:
            continue
        there = _unpacked(address)
        if there in wanted or _packed(host) in _EVERY:
            return Listening(int(fields[7]), int(fields[9]))
    return None


_EVERY = frozenset({bytes(16), bytes(10) + b"\xff\xff" + bytes(4)})
"""The wildcards, `::` and `0.0.0.0`, as `_packed` gives them."""


def _packed(host: str) -> bytes:
    """Sixteen bytes; four of IPv4 stand behind the prefix of mapped addresses."""
    host = host.partition("%")[0]
    if ":" in host:
        return socket.inet_pton(socket.AF_INET6, host)
    return bytes(10) + b"\xff\xff" + socket.inet_pton(socket.AF_INET, host)


def _unpacked(text: str) -> bytes:
    """The table's words of 32 bits, each in the order of this machine."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    raw = struct.pack(f"={len(words)}I", *words)
    return raw if len(raw) == 16 else bytes(10) + b"\xff\xff" + raw


def holder_of(host: str, port: int) -> str | None:
    """Such as `another Sereno (process 12, home /home/me/.sereno)`; None where nothing is known."""
    if sys.platform != "linux":
        return None
    for name in _TABLES:
        with contextlib.suppress(OSError):
            text = Path(name).read_text(encoding="ascii")
            if (found := listening_at(text, host, port)) is not None:
                return _described(found)
    return None


def _described(found: Listening) -> str:
    """Several processes may have it (a daemon and its standby); the first one is named."""
    process = next(_owners(found.inode), None)
    if process is None:
        return f"a process of {_user(found.uid)}"
    home = _home_of(process)
    if home is not None:
        return f"another Sereno (process {process.name}, home {home})"
    return f"{_name_of(process)} (process {process.name})"


def _owners(inode: int) -> Iterator[Path]:
    wanted = f"socket:[{inode}]"
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):
            if wanted in _open_by(process):
                yield process


def _home_of(process: Path) -> str | None:
    """The home whose lock the process holds: every Sereno that serves has it open."""
    with contextlib.suppress(OSError):
        for target in _open_by(process):
            if target.endswith(_LOCK):
                return target.removesuffix(_LOCK)
    return None


def _open_by(process: Path) -> Iterator[str]:
    """What a process has open. Raises OSError where we may not look."""
    for entry in (process / "fd").iterdir():
        with contextlib.suppress(OSError):
            yield str(entry.readlink())


def _name_of(process: Path) -> str:
    with contextlib.suppress(OSError):
        words = (process / "cmdline").read_bytes().split(b"\0")
        if any(b"paseo" in word.lower() for word in words):
            return "a Paseo daemon"
        name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
        if name:
            return "".join(c if c.isprintable() else "?" for c in name)
    return "a process"


def _user(uid: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user with uid {uid}"
