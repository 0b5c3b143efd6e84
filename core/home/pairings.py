"""The secret files of pairings: `pairings/<server id>.json` (the key pair, in Paseo's format) and
`pairings/<server id>.secret` (what our own clients show), each 0600 in a folder of 0700.

Bytes only: what they mean is the caller's business, and which files are refused stands in
secret_files.py. Nothing is ever made anew in their place (C-14, C-48, T17).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from sereno.core.home.errors import HomeError, explained
from sereno.core.home.paths import Home
from sereno.core.home.secret_files import (
    check_folder,
    load_file,
    make_folder,
    remove_file,
    save_file,
)

__all__ = [
    "Part",
    "daemon_key_path",
    "folder",
    "load",
    "path_of",
    "remove",
    "save",
    "strangers",
]

Part = Literal["json", "secret"]
PARTS: tuple[Part, ...] = ("json", "secret")
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"


def folder(home: Home) -> Path:
    return home.root / "pairings"


def daemon_key_path(home: Home) -> Path:
    """The key pair that was taken over from a Paseo home."""
    return home.root / "daemon-keypair.json"


def path_of(home: Home, server_id: str, part: Part = "json") -> Path:
    """Raises ValueError for a server id that we did not make: it could lead anywhere."""
    if not re.fullmatch(_NAME, server_id):
        raise ValueError("not a server id of ours")
    return folder(home) / f"{server_id}.{part}"


def save(home: Home, server_id: str, data: bytes, part: Part = "json") -> None:
    """Writes a file whole, on disk when this returns. Raises HomeError."""
    make_folder(folder(home))
    save_file(path_of(home, server_id, part), data)


def load(home: Home, server_id: str, part: Part = "json") -> bytes | None:
    """What the file holds; None where there is none. Raises HomeError as `load_file` does, and
    too_open for a folder that others may write."""
    path = path_of(home, server_id, part)
    if os.path.lexists(path.parent):
        check_folder(path.parent)
    return load_file(path)


def remove(home: Home, server_id: str) -> None:
    """Both files, if they are there. Raises HomeError for one that stays."""
    place = folder(home)
    if not os.path.lexists(place):
        return
    check_folder(place)
    failed: HomeError | None = None
    for part in PARTS:
        try:
            remove_file(path_of(home, server_id, part))
        except HomeError as error:
            failed = error  # The other one goes all the same.
    if failed is not None:
        raise failed


def strangers(home: Home, known: frozenset[str]) -> list[Path]:
    """Files in the folder that belong to none of these server ids: left alone, for the log."""
    place = folder(home)
    with explained(place):
        try:
            return sorted(one for one in place.iterdir() if one.stem not in known)
        except FileNotFoundError:
            return []
