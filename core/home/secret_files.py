"""Files that let somebody in: 0600 in folders of 0700, bytes only.

One that somebody else could have written, or a link, is refused with the way out, never used and
never made anew (C-48, T20). Which files there are, and what is in them, is the callers' business.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sereno.core.home.errors import HomeError, explained
from sereno.core.home.files import FILE_MODE, atomic_write, sync_folder

__all__ = [
    "check_folder",
    "damaged",
    "load_file",
    "make_folder",
    "remove_file",
    "save_file",
]

FOLDER_MODE = 0o700
_LARGEST = 8_192


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
            refuse_link(path)
            raise
        try:
            found = os.fstat(descriptor)
            refuse(path, found)
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
    refuse_link(path)
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


def make_folder(place: Path) -> None:
    """0700, also where it is there already. Raises HomeError as `check_folder` does."""
    with explained(place):
        try:
            place.mkdir(mode=FOLDER_MODE)
        except FileExistsError:
            check_folder(place)
        else:
            place.chmod(FOLDER_MODE)
            sync_folder(place.parent)


def check_folder(place: Path) -> None:
    """Raises HomeError for what is no folder of ours, or could be changed by others."""
    with explained(place):
        found = place.lstat()
        refuse_link(place)
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


def refuse(path: Path, found: os.stat_result) -> None:
    """Raises HomeError for what is no plain file of ours."""
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


def refuse_link(path: Path) -> None:
    """Raises HomeError for a link."""
    if path.is_symlink():
        raise HomeError(
            "symlink",
            f"{path} is a symbolic link, which Sereno does not follow inside its home.",
            f"Put what it leads to there itself, or remove the link: rm {path}",
        )
