"""Opens what lies below a folder, and never anything else (A.4.1, C-78, T70 to T72).

Step by step: each name is opened in the folder that is open already and never through a link; what
a link says is walked the same way, and may climb no higher than the root. What is judged is what
was opened, so it does not matter what somebody puts under a name meanwhile. Blocks: for threads.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self

from sereno.core.security.confinement import PathRefused, link_steps, shown

__all__ = ["Identity", "Walk", "identity_of"]

Identity = tuple[int, int]
"""Device and inode: what a file is, under whatever name."""

MOST_LINKS: Final = 40
MOST_FOLDERS: Final = 96
"""Folders that one walk may have open."""
TRIES: Final = 16
"""How often a walk begins anew because something changed under its feet."""
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
# Not blocking: a fifo that was put in the file's place must not hold the thread.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MACHINE = ("/proc", "/sys", "/dev")


class _Changed(Exception):
    """It is not what it was a moment ago."""


def identity_of(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino


class Walk:
    """Stands in a folder at or below its root. A context manager: everything is closed at its end.

    `state`: Sereno's own home, which nobody gets into, by whatever name and link (its `worktrees`
    are projects, and are entered as roots of their own).
    """

    def __init__(self, way: list[int], state: Path) -> None:
        """For `begin` and `fork`."""
        self._way = way
        self._state = state
        self._own = _identity_at(state)
        self._opened = ExitStack()
        self._folders = 0
        self._links = 0

    @classmethod
    @contextmanager
    def begin(cls, root: str, state: Path) -> Iterator[Self]:
        """In the folder itself; links in its own path are followed, as agents' programs do. Raises
        PathRefused."""
        try:
            descriptor = os.open(root, _FOLDER)
        except OSError as error:
            raise _explained(error, root) from error
        try:
            found = os.fstat(descriptor)
            if found.st_dev in machine_devices():
                raise _of_the_machine(root)
            if _is_inside(descriptor, _identity_at(state)):
                raise _own_state(root)
            with cls([descriptor], state) as walk:
                yield walk
        finally:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def fork(self) -> Self:
        """Another walk that stands where this one does, and leaves it there."""
        return type(self)(list(self._way), self._state)

    # For callers

    def open_file(self, steps: Iterable[str]) -> io.FileIO:
        """A plain file, open for reading; the caller closes it. Raises PathRefused."""
        way = tuple(steps)
        for _ in range(TRIES):
            with self.fork() as walk:
                try:
                    name, _found = walk._follow(way)
                    if name is None:
                        raise PathRefused("not_a_file", f"{_named(way)} is a folder.")
                    return walk._file(name)
                except _Changed:
                    continue
        raise _changing(way)

    @contextmanager
    def open_folder(self, steps: Iterable[str]) -> Iterator[tuple[Walk, int]]:
        """A walk that stands in a folder, and a descriptor that lists it. Raises PathRefused."""
        way = tuple(steps)
        for _ in range(TRIES):
            with self.fork() as walk:
                try:
                    name, _found = walk._follow(way)
                except _Changed:
                    continue
                if name is not None:
                    raise PathRefused("not_a_folder", f"{_named(way)} is a file.")
                with _system(_named(way)):
                    descriptor = os.open(
                        ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=walk._way[-1]
                    )
                try:
                    yield walk, descriptor
                finally:
                    os.close(descriptor)
                return
        raise _changing(way)

    def look(self, name: str) -> os.stat_result | None:
        """What a name leads to here, links followed; None where that is nothing below the root."""
        with self.fork() as walk:
            try:
                return walk._follow((name,))[1]
            except (PathRefused, _Changed):
                return None

    # The walk

    def _follow(self, steps: Iterable[str]) -> tuple[str | None, os.stat_result]:
        """Goes there. The name of what is no folder, with what it is; None for a folder, in which
        this stands then. Raises _Changed and PathRefused."""
        waiting = deque(steps)
        while waiting:
            name = waiting.popleft()
            if name == "..":
                self._leave()
                continue
            with _system(shown(name)):
                found = os.stat(name, dir_fd=self._way[-1], follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode):
                waiting.extendleft(reversed(self._link(name)))
            elif stat.S_ISDIR(found.st_mode):
                self._enter(name)
            elif waiting:
                raise PathRefused("not_a_folder", f"{shown(name)} is no folder.")
            elif not stat.S_ISREG(found.st_mode):
                raise _special(name)
            else:
                return name, found
        return None, os.fstat(self._way[-1])

    def _link(self, name: str) -> tuple[str, ...]:
        self._links += 1
        if self._links > MOST_LINKS:
            raise PathRefused("leads_out", f"{shown(name)} leads through too many links.")
        with _still_there():
            return link_steps(os.readlink(name, dir_fd=self._way[-1]))

    def _leave(self) -> None:
        if len(self._way) == 1:
            raise PathRefused(
                "leads_out",
                "A link on the way leads out of this folder.",
                "Open what it leads to on the machine itself.",
            )
        self._way.pop()

    def _enter(self, name: str) -> None:
        self._folders += 1
        if self._folders > MOST_FOLDERS:
            raise PathRefused("too_deep", f"{shown(name)} leads through too many folders.")
        with _still_there():
            descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self._way[-1])
        self._opened.callback(os.close, descriptor)
        self._refuse(os.fstat(descriptor), name)
        self._way.append(descriptor)

    def _file(self, name: str) -> io.FileIO:
        with _still_there():
            descriptor = os.open(name, _FILE, dir_fd=self._way[-1])
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise _Changed
            self._refuse(found, name)
            if found.st_nlink > 1 and identity_of(found) in _own_files(self._state, found.st_dev):
                raise _own_state(name)
            return io.FileIO(descriptor, "r")
        except BaseException:
            os.close(descriptor)
            raise

    def _refuse(self, found: os.stat_result, name: str) -> None:
        if found.st_dev in machine_devices():
            raise _of_the_machine(name)
        if identity_of(found) == self._own:
            raise _own_state(name)


# What is nobody's project


@functools.cache
def machine_devices() -> frozenset[int]:
    """The file systems by which the kernel tells of itself: what looks like a file there may be
    the memory of a process, or never end."""
    base = os.stat("/").st_dev  # noqa: PTH116 - nothing here speaks of paths otherwise
    found = {one[0] for name in _MACHINE if (one := _identity_at(Path(name))) is not None}
    return frozenset(found - {base})


def _identity_at(path: Path) -> Identity | None:
    try:
        return identity_of(path.stat())
    except OSError:
        return None


def _is_inside(descriptor: int, state: Identity | None) -> bool:
    """Whether an open folder is Sereno's home or lies in it, but not in its worktrees: told by
    going up from what is open."""
    if state is None:
        return False
    with ExitStack() as opened:
        below: Identity | None = None
        while True:
            here = identity_of(os.fstat(descriptor))
            if here == state:
                return below is None or below != _worktrees(descriptor)
            if here == below:
                return False  # the root of the system is its own parent
            below = here
            descriptor = os.open("..", _FOLDER, dir_fd=descriptor)
            opened.callback(os.close, descriptor)


def _worktrees(state: int) -> Identity | None:
    try:
        return identity_of(os.stat("worktrees", dir_fd=state, follow_symlinks=False))
    except OSError:
        return None


def _own_files(state: Path, device: int) -> frozenset[Identity]:
    """The files of Sereno's home and of the folders in it that a second name could give away."""
    found: set[Identity] = set()
    folders = [state]
    for depth in (0, 1):
        below: list[Path] = []
        for folder in folders:
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_file(follow_symlinks=False):
                            found.add(identity_of(entry.stat(follow_symlinks=False)))
                        elif not depth and entry.is_dir(follow_symlinks=False):
                            below.append(Path(entry.path))
            except OSError:
                continue  # gone meanwhile
        folders = below
    return frozenset(one for one in found if one[0] == device)


# Words


@contextmanager
def _system(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _explained(error, name) from error


@contextmanager
def _still_there() -> Iterator[None]:
    """For what was seen a moment ago: if it is gone or something else, the walk begins anew."""
    try:
        yield
    except OSError as error:
        if error.errno in _OTHERWISE:
            raise _Changed from error
        raise _explained(error, "it") from error


_OTHERWISE = (errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.ENOENT, errno.EINVAL, errno.ENXIO)


def _explained(error: OSError, name: str) -> PathRefused:
    match error.errno:
        case errno.ENOENT:
            hint = "What is no UTF-8 in a name stands there as \N{REPLACEMENT CHARACTER}."
            hint = hint if "\N{REPLACEMENT CHARACTER}" in name else ""
            return PathRefused("missing", f"{shown(name)} does not exist.", hint)
        case errno.ENOTDIR:
            return PathRefused("not_a_folder", f"{shown(name)} is no folder.")
        case errno.EACCES | errno.EPERM:
            return PathRefused("not_allowed", f"{shown(name)} may not be read: permission denied.")
        case _:
            return PathRefused("unreadable", f"{shown(name)} cannot be read: {error.strerror}.")


def _named(way: tuple[str, ...]) -> str:
    return shown("/".join(way)) if way else "This path"


def _changing(way: tuple[str, ...]) -> PathRefused:
    return PathRefused(
        "changing", f"{_named(way)} keeps changing while it is opened.", "Try again."
    )


def _special(name: str) -> PathRefused:
    return PathRefused(
        "special", f"{shown(name)} is a pipe, a socket or a device, and no file that could be read."
    )


def _own_state(name: str) -> PathRefused:
    return PathRefused(
        "own_state", f"{shown(name)} belongs to Sereno's own folder, which holds its keys."
    )


def _of_the_machine(name: str) -> PathRefused:
    return PathRefused(
        "machine", f"{shown(name)} belongs to the system itself (/proc, /sys, /dev)."
    )
