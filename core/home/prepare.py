"""Makes a home and keeps it private, whatever the umask and whatever stood there before.

Folders get 0700 and secret files 0600 (C-48, T20). What is ours and too open is repaired and
reported; what is not ours, or may have been changed by others, is refused and left alone.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from sereno.core.home.errors import HomeError, explained
from sereno.core.home.files import FILE_MODE

if TYPE_CHECKING:
    from pathlib import Path

    from sereno.core.home.paths import Home

FOLDER_MODE = 0o700
_PRIVATE_FILES = (
    "config.toml",
    "sereno.db",
    "sereno.db-wal",
    "sereno.db-shm",
    "daemon-keypair.json",
    "auth_token",
)
_OWN_NAMES = {*_PRIVATE_FILES, "run", "logs", "worktrees"}


def prepare(home: Home, *, prove: bool = True) -> tuple[str, ...]:
    """Make the home's folders, private whatever the umask, and prove that it can be written.

    Modes that are too wide on what is ours are repaired; the sentences returned say which, for the
    log. What belongs to somebody else, could be written by others who can get there, is a symbolic
    link inside the home, or is a folder in use for something else, is refused with a HomeError
    (C-48, T20).

    `prove`: False for who calls `prove_writable` beside other work, because it waits for the disk.
    """
    repairs: list[str] = []
    _make_parents(home.root)
    _refuse_changeable(home.root)
    for folder in home.folders:
        _make_folder(folder, repairs, is_root=folder == home.root)
    for name in _PRIVATE_FILES:
        _tighten_file(home.root / name, repairs)
    if prove:
        prove_writable(home)
    return tuple(repairs)


def _make_parents(root: Path) -> None:
    for parent in reversed(root.parents):
        with explained(root):
            if not parent.exists():
                parent.mkdir()
                parent.chmod(FOLDER_MODE)


def _refuse_changeable(root: Path) -> None:
    """Settings, keys or data that others could write to may say what they want by now; making them
    private would only hide that. In a home that only we can enter modes of files say nothing."""
    try:
        if not root.stat().st_mode & 0o011:
            return
    except OSError:
        return  # Not there yet, or what is wrong with it is said in a moment.
    for name in _PRIVATE_FILES:
        try:
            mode = stat.S_IMODE((root / name).stat().st_mode)
        except OSError:
            continue
        if mode & 0o022:
            raise HomeError(
                "too_open",
                f"{root / name} could be changed by other users (mode {mode:04o}).",
                "Look whether everything in it is yours, then make it private: "
                f"chmod 700 {root} && chmod 600 {root / name}",
            )


def _make_folder(folder: Path, repairs: list[str], *, is_root: bool) -> None:
    with explained(folder):
        try:
            folder.mkdir()
        except FileExistsError:
            found = _existing_folder(folder, is_root=is_root)
        else:
            folder.chmod(FOLDER_MODE)
            return
        mode = stat.S_IMODE(found.st_mode)
        if mode == FOLDER_MODE:
            return
        if is_root and mode & 0o077 and not _is_home(folder):
            raise HomeError(
                "not_a_home",
                f"{folder} is open to other users (mode {mode:04o}) and holds files that are not "
                "Sereno's.",
                "Set SERENO_HOME to a folder of its own, or make this one private yourself: "
                f"chmod 700 {folder}",
            )
        folder.chmod(FOLDER_MODE)
        repairs.append(f"{folder} had mode {mode:04o}; it is {FOLDER_MODE:04o} now.")


def _existing_folder(folder: Path, *, is_root: bool) -> os.stat_result:
    """What stands at the name. The root may be a link of the user's; inside the home none may."""
    found = folder.stat() if is_root else folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise HomeError(
            "symlink",
            f"{folder} is a symbolic link, which Sereno does not follow inside its home.",
            f"Remove the link, or move the whole home and set SERENO_HOME: rm {folder}",
        )
    if not stat.S_ISDIR(found.st_mode):
        raise HomeError(
            "not_a_folder",
            f"{folder} is not a folder.",
            "Move that file away, or set SERENO_HOME to another folder.",
        )
    _refuse_foreign(folder, found)
    return found


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise HomeError(
            "foreign_owner",
            f"{path} belongs to the user with uid {found.st_uid}, and Sereno runs as uid "
            f"{os.geteuid()}.",
            "Start Sereno as the owner (without sudo), or set SERENO_HOME to a folder of your own.",
        )


def _is_home(folder: Path) -> bool:
    """Whether making this folder private takes nothing from anybody: it is ours, or empty.

    Names alone prove nothing: /var has a `run` too.
    """
    names = {entry.name for entry in folder.iterdir()}
    return names <= _OWN_NAMES or (folder / "run" / "agents").is_dir()


def _tighten_file(path: Path, repairs: list[str]) -> None:
    """Never through a link: what it leads to may be anything, and nobody asked us to change that.

    Only config.toml may be one, of those who keep their settings together somewhere else.
    """
    with explained(path):
        try:
            found = path.lstat()
        except FileNotFoundError:
            return
        if stat.S_ISLNK(found.st_mode):
            _look_behind_link(path, repairs)
            return
        _refuse_foreign(path, found)
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            _make_private(path)
            repairs.append(f"{path} had mode {mode:04o}; it is {FILE_MODE:04o} now.")


def _look_behind_link(path: Path, repairs: list[str]) -> None:
    if path.name != "config.toml":
        raise HomeError(
            "symlink",
            f"{path} is a symbolic link, which Sereno does not follow inside its home.",
            f"Put the file itself there (mv $(readlink -f {path}) {path}), or remove the link.",
        )
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    _refuse_foreign(path, found)
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        target = path.resolve()
        repairs.append(
            f"{path} leads to {target}, which other users can read (mode {mode:04o}): "
            f"chmod 600 {target}"
        )


def _make_private(path: Path) -> None:
    """By its descriptor: the name may have become another file's meanwhile."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        _refuse_foreign(path, os.fstat(descriptor))
        os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)


def prove_writable(home: Home) -> None:
    """Find a read-only or full disk now, with a sentence, and not in the middle of an agent. Raises
    HomeError. Blocks."""
    path = home.run / f".probe-{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with explained(home.root), os.fdopen(os.open(path, flags, FILE_MODE), "wb") as file:
        path.unlink()  # at once, so that it is gone whatever happens next
        file.write(b"\0" * 4096)
        file.flush()
        os.fsync(file.fileno())
