"""Runs a few lines with a folder on a read-only or a full disk.

Real disks where a mount namespace may be made, as root or by a user namespace. In a container that
forbids both, the system's refusals are made up inside the child instead, so no test is left out.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Literal

_UNSHARE = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))

_REAL_FULL = """
def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096): pass
        except OSError: pass
"""
# A disk with delayed allocation, such as ext4 over a network, reports that it is full here.
_MADE_UP_FULL = """
def fill(path):
    path.write_text("full")
    def refuse(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync = refuse
"""
_MADE_UP_READ_ONLY = """
def refuse(event, args):
    writes = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR)
    changes = event in ("os.mkdir", "os.rename", "os.remove", "os.chmod")
    if (writes or changes) and str(args[0]).startswith(str(root)):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
sys.addaudithook(refuse)
"""


@functools.cache
def can_mount() -> bool:
    """Whether this machine lets us make a disk of our own."""
    command = [*_UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


def run_on_disk(
    root: Path, kind: Literal["full", "read_only"], code: str, *, real: bool | None = None
) -> str:
    """What `code` prints, with `root` bound to that folder. On a full disk nothing but `fill(path)`
    has happened yet, which fills it."""
    real = can_mount() if real is None else real
    program = f"import errno, os, sys\nfrom pathlib import Path\nroot = Path({str(root)!r})\n"
    mount = "true"
    if kind == "full":
        program += _REAL_FULL if real else _MADE_UP_FULL
        mount = f"mount -t tmpfs -o size=64k,mode=700 tmpfs {root}"
    else:
        program += "" if real else _MADE_UP_READ_ONLY
        mount = f"mount --bind {root} {root} && mount -o remount,ro,bind {root}"
    program += textwrap.dedent(code)
    child = [sys.executable, "-c", program]
    done = subprocess.run(
        [*_UNSHARE, "sh", "-ec", f'{mount}; exec "$0" "$@"', *child] if real else child,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
