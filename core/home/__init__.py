"""Sereno's home: the one folder that holds everything of one installation.

Its paths, its private modes, its lock, and writing in it without halves. It knows nothing of what
the files mean, and imports nothing of ours. The command line starts with this module a hundred
times a day, so the parts that only a daemon needs are loaded at their first use.
"""

from __future__ import annotations

from sereno.core.home.errors import HomeError, explain, explained
from sereno.core.home.files import atomic_write, connect_path
from sereno.core.home.paths import Home, find_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sereno.core.home.lock import DaemonLock
    from sereno.core.home.prepare import prepare

__all__ = [
    "DaemonLock",
    "Home",
    "HomeError",
    "atomic_write",
    "connect_path",
    "explain",
    "explained",
    "find_home",
    "prepare",
]


def __getattr__(name: str) -> object:
    if name == "DaemonLock":
        from sereno.core.home.lock import DaemonLock as found
    elif name == "prepare":
        from sereno.core.home.prepare import prepare as found  # type: ignore[assignment]
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found
