"""The secret files of pairings: `pairings/<server id>.json` (the key pair, in Paseo's format) and
`pairings/<server id>.secret` (what our own clients show), each 0600 in a folder of 0700.

Bytes only: what they mean is the caller's business. A file that somebody else could have written,
or a link, is refused with the way out, and nothing is ever made anew in its place (C-14, C-48, T17,
T20).
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Literal

from sereno.core.home.errors import HomeError, explained
from sereno.core.home.files import FILE_MODE, atomic_write, sync_folder
from sereno.core.home.paths import Home

__all__ = [
    "Part",
    "daemon_key_path",
    "damaged",
    "folder",
    "load",
    "load_file",
    "path_of",
    "remove",
    "remove_file",
    "save",
    "save_file",
    "strangers",
]

Part = Literal["json", "secret"]
PARTS: tuple[Part, ...] = ("json", "secret")
FOLDER_MODE = 0o700
_LARGEST = 8_192
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", re.ASCII)


def folder(home: Home) -> Path:
    return home.root / "pairings"


def daemon_key_path(home: Home) -> Path:
    """The key pair that was taken over from a Paseo home."""
    return home.root / "daemon-keypair.json"


def path_of(home: Home, server_id: str, part: Part = "json") -> Path:
    """Raises ValueError for a server id that we did not make: it could lead anywhere."""
    if not _NAME.fullmatch(server_id):
        raise ValueError("not a server id of ours")
    return folder(home) / f"{server_id}.{part}"


def save(home: Home, server_id: str, data: bytes, part: Part = "json") -> None:
    """Writes a file whole, on disk when this returns. Raises HomeError."""
    place = folder(home)
    with explained(place):
        try:
            place.mkdir(mode=FOLDER_MODE)
        except FileExistsError:
            _check_folder(place)
        else:
            place.chmod(FOLDER_MODE)
            sync_folder(home.root)
    save_file(path_of(home, server_id, part), data)


def load(home: Home, server_id: str, part: Part = "json") -> bytes | None:
    """What the file holds; None where there is none. Raises HomeError as `load_file` does, and
    too_open for a folder that others may write."""
    path = path_of(home, server_id, part)
    if os.path.lexists(path.parent):
        _check_folder(path.parent)
    return load_file(path)


def remove(home: Home, server_id: str) -> None:
    """Both files, if they are there. Raises HomeError for one that stays."""
    place = folder(home)
    if not os.path.lexists(place):
        return
    _check_folder(place)
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


def load_file(path: Path) -> bytes | None:
    """A secret file of ours; None where there is none. A mode that is too wide is narrowed: the
    folder keeps others out.

    Raises HomeError for what is no file of ours: symlink, foreign_owner, not_a_file, damaged_keys
    (empty, or far too large).
    """
    with explained(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError:
            _refuse_link(path)
            raise
        try:
            found = os.fstat(descriptor)
            _refuse(path, found)
            if stat.S_IMODE(found.st_mode) & 0o077:
                os.fchmod(descriptor, FILE_MODE)
            raw = os.read(descriptor, _LARGEST + 1)
        finally:
            os.close(descriptor)
    if not raw or len(raw) > _LARGEST:
        raise damaged(path, "it is empty" if not raw else "it is far too large to be one")
    return raw


def save_file(path: Path, data: bytes) -> None:
    """Never through a link. Raises HomeError."""
    _refuse_link(path)
    atomic_write(path, data, FILE_MODE)


def remove_file(path: Path) -> None:
    """Nothing where there is none. Raises HomeError."""
    with explained(path):
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def damaged(path: Path, why: str) -> HomeError:
    """The refusal of a file that holds no keys."""
    return HomeError(
        "damaged_keys",
        f"{path} holds no keys that could be used: {why}.",
        f"Put the file back from a copy. Without one: rm {path}. Who was paired by it must then be "
        "paired again.",
    )


def _check_folder(place: Path) -> None:
    with explained(place):
        found = place.lstat()
        _refuse_link(place)
        if not stat.S_ISDIR(found.st_mode):
            raise HomeError(
                "not_a_folder",
                f"{place} is not a folder.",
                f"Move it away (`mv {place} {place}.old`) and start Sereno again.",
            )
        _refuse_foreign(place, found)
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o022:
            raise HomeError(
                "too_open",
                f"What is in {place} could be changed by other users (mode {mode:04o}).",
                f"If nobody else had a hand in it: chmod 700 {place}. Else remove the folder and "
                "pair everybody again.",
            )
        if mode != FOLDER_MODE:
            place.chmod(FOLDER_MODE)


def _refuse(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise HomeError(
            "not_a_file",
            f"{path} is no plain file.",
            f"Move it away (`mv {path} {path}.old`) and start Sereno again.",
        )
    _refuse_foreign(path, found)


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise HomeError(
            "foreign_owner",
            f"{path} belongs to the user with uid {found.st_uid}, and Sereno runs as uid "
            f"{os.geteuid()}.",
            "Start Sereno as the owner (without sudo), or move it away.",
        )


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise HomeError(
            "symlink",
            f"{path} is a symbolic link, which Sereno does not follow inside its home.",
            f"Put what it leads to there itself, or remove the link: rm {path}",
        )
