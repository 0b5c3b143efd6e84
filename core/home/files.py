"""Writing a file whole, and naming a socket whose path is too long.

The two things that everybody who keeps something in the home needs, and that are easy to get
almost right.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from sereno.core.home.errors import HomeError, explained

TYPE_CHECKING = False  # what `typing` would say, without its 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_MODE = 0o600
# sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
LONGEST_SOCKET_PATH = 100


def atomic_write(
    path: Path, data: bytes | str, mode: int = FILE_MODE, *, durable: bool = True
) -> None:
    """Replace a file whole: a reader, or a crash, sees the old text or the new one (T78).

    The temporary file has an unguessable name in the same folder. A path that is a symbolic link
    keeps being one: its target is replaced. Raises HomeError; the old file is then unchanged.
    `durable`: on disk when it returns. Without it a power cut may leave an empty file: good enough
    for words about a process, which does not survive that either.
    """
    raw = data.encode() if isinstance(data, str) else data
    target = path.resolve() if path.is_symlink() else path
    with explained(path):
        staged = target.with_name(f".{target.name[:64]}.{os.urandom(8).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(staged, flags, FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                file.write(raw)
                file.flush()
                if durable:
                    os.fsync(descriptor)
            staged.replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                staged.unlink()
            raise
        if durable:
            sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def connect_path(path: Path) -> Iterator[str]:
    """A name for a unix socket that the kernel accepts, valid inside the `with` block.

    Paths up to 100 bytes are given back as they are. Longer ones go through a descriptor of their
    folder, so that bind and connect both work and nobody else has a say in where the name leads.
    Raises HomeError (path_too_long) on systems without /proc, else OSError for a missing folder.
    """
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        yield str(path)
        return
    short_enough = len(os.fsencode(path.name)) <= LONGEST_SOCKET_PATH - 30
    if not (sys.platform == "linux" and short_enough and Path("/proc/self/fd").is_dir()):
        raise HomeError(
            "path_too_long",
            f"{path} is longer than a unix socket's name may be on this system "
            f"({LONGEST_SOCKET_PATH} bytes).",
            "Set SERENO_HOME to a folder with a shorter path.",
        )
    descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
