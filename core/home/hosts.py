"""The files `hosts/<server id>.json`, 0600 in a folder of 0700: daemons elsewhere that this home
was paired with, and what it shows them.

Bytes only: what they mean is core/client/paired.py's business.
"""

from __future__ import annotations

import re
from pathlib import Path

from sereno.core.home.errors import explained
from sereno.core.home.files import sync_folder
from sereno.core.home.pairings import load_file, remove_file, save_file
from sereno.core.home.paths import Home

__all__ = ["known", "load", "path_of", "remove", "save"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", re.ASCII)


def path_of(home: Home, server_id: str) -> Path:
    """Raises ValueError for a server id that could lead anywhere."""
    if not _NAME.fullmatch(server_id):
        raise ValueError("not a server id that a file could be named after")
    return home.root / "hosts" / f"{server_id}.json"


def load(home: Home, server_id: str) -> bytes | None:
    """What is known of a daemon; None for a stranger. Raises HomeError."""
    return load_file(path_of(home, server_id))


def save(home: Home, server_id: str, data: bytes) -> None:
    """On disk when this returns. Raises HomeError."""
    path = path_of(home, server_id)
    with explained(path.parent):
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.parent.chmod(0o700)
        sync_folder(home.root)
    save_file(path, data)


def remove(home: Home, server_id: str) -> None:
    """Nothing where there is none. Raises HomeError."""
    remove_file(path_of(home, server_id))


def known(home: Home) -> list[str]:
    """The server ids, in order."""
    with explained(home.root / "hosts"):
        return sorted(one.stem for one in (home.root / "hosts").glob("*.json"))
