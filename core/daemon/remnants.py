"""What a process that was killed while it wrote a file left beside it: removed at a daemon's start.

Only what has the form of our own temporary names (core/home/files.py, prepare.py), in the home's
own folders, and is older than any write takes. They may hold secrets, and would pile up.
"""

from __future__ import annotations

import contextlib
import logging
import re
import stat
import time
from pathlib import Path

from sereno.core.home import Home

__all__ = ["remove_remnants"]

log = logging.getLogger("sereno.daemon")

OLD_S = 60.0
_OURS = r"\.(?:probe-|[\w.-]{1,64}\.)[a-z0-9_]{8,32}"
"""A dot, the name of the file or of the probe, and characters that nobody can guess."""
_SECRETS = ("pairings", "hosts")


def remove_remnants(home: Home) -> int:
    """How many there were. What cannot be removed stays, for another time."""
    count = 0
    now = time.time()
    for folder in (*home.folders, *(home.root / name for name in _SECRETS)):
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                count += re.fullmatch(_OURS, path.name) is not None and _remove_old(path, now)
    if count:
        log.info("removed %d files that were being written when a process was killed", count)
    return count


def _remove_old(path: Path, now: float) -> bool:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or now - found.st_mtime < OLD_S:
            return False
        path.unlink()
    except OSError:
        return False
    return True
