"""Sereno's home: the one folder that holds everything of one installation.

Its paths, its private modes, its lock, and writing in it without halves. It knows nothing of what
the files mean, and imports nothing of ours.
"""

from __future__ import annotations

from sereno.core.home.errors import HomeError, explain, explained
from sereno.core.home.files import atomic_write, connect_path
from sereno.core.home.lock import DaemonLock
from sereno.core.home.paths import Home, find_home
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
