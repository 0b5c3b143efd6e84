"""The file `auth_token`: the daemon's own key, made once and read by whoever owns the home.

Made so that nobody else can have prepared it, and never made anew in silence: a token that changed
would shut out every client that has the old one (B.1, C-47, C-48, T20). What it opens is
core/security/gate.py's question.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

from sereno.core.home.errors import HomeError, explained
from sereno.core.home.files import FILE_MODE
from sereno.core.home.paths import Home

TYPE_CHECKING = False  # what `typing` would say, without its 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

_TEXT = r"[0-9a-f]{32,128}"
_LARGEST = 1024


class Token:
    """`text`: the token, 32 random bytes as hex digits (older files of ClawDE hold 16). `made_ms`:
    when it was made, in epoch milliseconds. Not shown by repr."""

    def __init__(self, text: str, made_ms: int) -> None:
        self.text: Final = text
        self.made_ms: Final = made_ms

    def __repr__(self) -> str:
        return f"Token(made_ms={self.made_ms})"


def token_path(home: Home) -> Path:
    return home.root / "auth_token"


def load(home: Home) -> Token | None:
    """The token of a home; None where none was made yet.

    A mode that is too wide is narrowed. Raises HomeError for what is no file of ours (symlink,
    foreign_owner, not_a_file), stands in a folder that others may write (unusable), or holds no
    token (damaged_token).
    """
    path = token_path(home)
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
            raw = os.read(descriptor, _LARGEST)
        finally:
            os.close(descriptor)
    text = raw.decode("ascii", "replace").strip()
    if re.fullmatch(_TEXT, text) is None:
        raise HomeError(
            "damaged_token",
            f"{path} holds no token: it is empty or damaged.",
            "Put the old file back, or make a new token with `sereno token rotate`; every client "
            "that used the old one then needs the new one.",
        )
    return Token(text, found.st_mtime_ns // 1_000_000)


def load_or_make(home: Home) -> Token:
    """The token of a home, made where there is none. Raises HomeError as `load` does."""
    found = load(home)
    if found is not None:
        return found
    path = token_path(home)
    with _written(home) as staged, explained(path):
        _put_where_nothing_is(staged, path)
    made = load(home)
    if made is None:
        raise HomeError(
            "unusable",
            f"{path} vanished while it was made.",
            "Look for a program that cleans this folder, then start Sereno again.",
        )
    return made


def rotate(home: Home) -> Token:
    """Puts a new token in the place of whatever stands there, also of a damaged one.

    A link is replaced and not followed, and other names of the old file keep the old token.
    Raises HomeError. Whoever runs the daemon makes it use the new one.
    """
    path = token_path(home)
    with _written(home) as staged, explained(path):
        staged.replace(path)
    made = load(home)
    assert made is not None
    return made


@contextlib.contextmanager
def _written(home: Home) -> Iterator[Path]:
    """A new token on disk under a name that nobody can guess; the name is gone at the end."""
    path = home.root / f".auth_token.{secrets.token_hex(8)}"
    with explained(path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, FILE_MODE)
    try:
        with explained(path):
            try:
                os.fchmod(descriptor, FILE_MODE)
                os.write(descriptor, f"{secrets.token_hex(32)}\n".encode("ascii"))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _put_where_nothing_is(staged: Path, path: Path) -> None:
    """A second name for the file, unlike a rename, takes nobody's place: of two makers one wins,
    and nobody ever reads half a token. Not every file system has second names."""
    try:
        os.link(staged, path, follow_symlinks=False)
    except FileExistsError:
        return
    except OSError:
        if not os.path.lexists(path):
            staged.replace(path)


def _refuse(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise HomeError(
            "not_a_file",
            f"{path} is no plain file.",
            f"Move it away (`mv {path} {path}.old`) and start Sereno again.",
        )
    if found.st_uid != os.geteuid():
        raise HomeError(
            "foreign_owner",
            f"{path} belongs to the user with uid {found.st_uid}, and Sereno runs as uid "
            f"{os.geteuid()}.",
            "Start Sereno as the owner (without sudo), or move that file away.",
        )
    if stat.S_IMODE(path.parent.stat().st_mode) & 0o022:
        raise HomeError(
            "unusable",
            f"{path.parent} may be written by other users, who could replace the token in it.",
            f"Make it private: chmod 700 {path.parent}",
        )


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise HomeError(
            "symlink",
            f"{path} is a symbolic link, which Sereno does not follow inside its home.",
            f"Remove the link (rm {path}); `sereno token rotate` makes a new token.",
        )
