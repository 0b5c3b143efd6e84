"""What can be wrong with a home, in words a person understands.

Every refusal of the operating system becomes a cause and a next step here; nothing is decided.
"""

from __future__ import annotations

import contextlib
import errno
import os

TYPE_CHECKING = False  # what `typing` would say, without its 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class HomeError(Exception):
    """The home cannot be used. `message` says the cause, `next_step` what a person can do.

    `code` is one of: locked, read_only, not_allowed, not_a_folder, foreign_owner, symlink,
    not_a_home, disk_full, path_too_long, no_home, unusable; config errors have their own.
    """

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = code
        self.message = message
        self.next_step = next_step


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's refusal into a HomeError with cause and next step."""
    try:
        yield
    except OSError as error:
        raise explain(error, path) from error


def explain(error: OSError, path: Path) -> HomeError:
    """The HomeError for what the system said about a path in the home."""
    match error.errno:
        case errno.EROFS:
            return HomeError(
                "read_only",
                f"{path} cannot be written: it lies on a read-only file system.",
                "Mount it writable, or set SERENO_HOME to a folder on another disk.",
            )
        case errno.ENOSPC | errno.EDQUOT:
            return HomeError(
                "disk_full",
                f"{path} cannot be written: the disk or your quota is full.",
                "Free some space and try again; nothing that was saved before is lost.",
            )
        case errno.EACCES | errno.EPERM:
            return HomeError(
                "not_allowed",
                f"{path} cannot be used: permission denied for uid {os.geteuid()}.",
                f"Check the owner and modes with `ls -ld {path.parent}`, or set SERENO_HOME to a "
                "folder of your own.",
            )
        case errno.ENOTDIR | errno.EEXIST:
            return HomeError(
                "not_a_folder",
                f"{path} cannot be used: it, or a part of its path, is a file and not a folder.",
                "Move that file away, or set SERENO_HOME to another folder.",
            )
        case _:
            return HomeError(
                "unusable",
                f"{path} cannot be used: {error.strerror or error}.",
                "Set SERENO_HOME to a folder that you can write.",
            )
