"""The lock that keeps two daemons of one home apart.

Taking it, handing it to the next daemon, and saying who has it. What a daemon does with it is
not known here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Self

from sereno.core.home.errors import HomeError, explained
from sereno.core.home.files import FILE_MODE

if TYPE_CHECKING:
    from sereno.core.home.paths import Home


class DaemonLock:
    """The one lock of a home: who holds it is the daemon.

    It is a `flock`, which belongs to the open file and not to a process: a descriptor handed to
    the next daemon keeps it without a gap (reference/processes.md, C 26). The file holds the
    holder's pid for messages only, and is never removed.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.lock
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        """The descriptor that holds the lock, to be handed over. Raises ValueError if not held."""
        if self._fd is None:
            raise ValueError("the lock is not held")
        return self._fd

    @property
    def held(self) -> bool:
        return self._fd is not None

    def acquire(self) -> None:
        """Take the lock or raise HomeError (locked) that names the holder. Never waits."""
        if self._fd is not None:
            return
        with explained(self._path):
            descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE
            )
        self._take(descriptor)

    def adopt(self, fd: int) -> None:
        """Go on with a lock that another process took and handed down as descriptor `fd`.

        The descriptor is checked to be this home's lock file. Raises HomeError (locked,
        unusable), and closes it then.
        """
        try:
            same = os.path.samestat(os.fstat(fd), self._path.stat())
        except OSError:
            same = False
        if not same:
            with contextlib.suppress(OSError):
                os.close(fd)
            raise HomeError(
                "unusable",
                f"Descriptor {fd} is not the lock of this home ({self._path}).",
                "Start Sereno again without handing descriptors over.",
            )
        os.set_inheritable(fd, False)
        self._take(fd)

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with explained(self._path):
                os.fchmod(descriptor, FILE_MODE)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            os.close(descriptor)
            raise self._locked() from error
        except BaseException:
            os.close(descriptor)
            raise
        self._fd = descriptor

    def _locked(self) -> HomeError:
        pid = self.holder()
        who = f"process {pid}" if pid else "a daemon that is just changing hands"
        return HomeError(
            "locked",
            f"Another Sereno daemon already runs for {self._path.parent.parent}: {who}.",
            "Use it (sereno attaches to it by itself), stop it with `sereno daemon stop`, or set "
            "SERENO_HOME for a second one.",
        )

    def holder(self) -> int | None:
        """The pid written by the last holder, if that process lives. For messages only."""
        try:
            pid = int(self._path.read_text(encoding="ascii"))
            if pid <= 0:  # which os.kill takes for groups of processes
                return None
            os.kill(pid, 0)
        except PermissionError:
            return pid
        except (OSError, ValueError, OverflowError):
            return None
        return pid

    def release(self) -> None:
        """Let go. Whoever has a duplicate of the descriptor goes on holding the lock."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
