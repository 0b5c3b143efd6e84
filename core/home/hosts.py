"""The files `hosts/<server id>.json`, 0600 in a folder of 0700: daemons elsewhere that this home
was paired with, and what it shows them.

Bytes only: what they mean is core/client/paired.py's business.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sereno.core.home.errors import explained
from sereno.core.home.paths import Home
from sereno.core.home.secret_files import (
    check_folder,
    load_file,
    make_folder,
    save_file,
)

__all__ = ["load", "path_of", "save"]

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"


def path_of(home: Home, server_id: str) -> Path:
    """Raises ValueError for a server id that could lead anywhere."""
    if not re.fullmatch(_NAME, server_id):
        raise ValueError("not a server id that a file could be named after")
    return home.root / "hosts" / f"{server_id}.json"


def load(home: Home, server_id: str) -> bytes | None:
    """What is known of a daemon; None for a stranger. Raises HomeError."""
    path = path_of(home, server_id)
    if os.path.lexists(path.parent):
        check_folder(path.parent)
    return load_file(path)


def save(home: Home, server_id: str, data: bytes) -> None:
    """On disk when this returns. A home that is there for this alone is made. Raises HomeError."""
    path = path_of(home, server_id)
    with explained(home.root):
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_folder(path.parent)
    save_file(path, data)
