"""Who of a run still lives, and whether that answer is certain.

For after a runner's death, when no subreaper holds the run together any more: processes are known
by pid and start time, by descent from those, and by the run's marker in their environment. Nobody
is signalled here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

import msgspec

from sereno.core.runners.model import Seen
from sereno.core.runners.process import tree

_KERNEL = 2
"""The parent of all kernel threads; they have no environment and are never anybody's."""


class Finding(msgspec.Struct, frozen=True):
    """One look. `living`: of the run. `unclear`: pids that were listed and had gone before it could
    be seen whose they were; any of them may have left a child that the list did not hold.
    """

    living: tuple[tree.Process, ...]
    unclear: tuple[int, ...]

    @property
    def nobody(self) -> bool:
        return not self.living and not self.unclear


class Census:
    """Looks at all processes again and again. The first look is slow, the later ones cost a list
    of pids and the new ones among them: only so can a chain be caught that forks all the time.
    """

    def __init__(self, run: str, seen: Iterable[Seen]) -> None:
        self._word = f"SERENO_RUN={run}".encode()
        self._run = run
        self._seen = tuple(seen)
        self._settled: set[int] = set()
        """Who need not be looked at again while listed: strangers, and zombies, which cannot fork
        any more."""

    def look(self, at_once: Callable[[tree.Process], None] = lambda _: None) -> Finding:
        """`at_once` is called for each one with the marker in the moment in which it is found:
        what forks all the time is gone before the look is over."""
        roots: dict[int, tree.Process] = {}
        for one in self._seen:
            row = tree.look(one.pid)
            if row is not None and row.start == one.start:
                roots[row.pid] = row
        unclear: list[int] = []
        for pid in self._marked(unclear) if tree.LINUX else tree.marked_by_ps(self._run):
            row = tree.look(pid)
            if row is None:
                unclear.append(pid)
            else:
                at_once(row)
                roots[pid] = row
        found = dict(roots)
        for pid in roots:
            found.update((row.pid, row) for row in tree.descendants(pid))
        found.pop(os.getpid(), None)
        return Finding(tuple(found.values()), tuple(unclear))

    def _marked(self, unclear: list[int]) -> Iterator[int]:
        """Pids with the marker; adds those of which nobody can tell any more.

        The newest come first: they are the most likely to be gone soon.
        """
        listed = sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)  # noqa: PTH208
        self._settled.intersection_update(listed)
        for pid in listed:
            if pid in self._settled:
                continue
            environment = _environment(pid)
            if not environment:
                self._without_environment(pid, unclear)
            elif self._word in environment.split(b"\0"):
                yield pid
            else:
                self._settled.add(pid)

    def _without_environment(self, pid: int, unclear: list[int]) -> None:
        """One that is gone, a zombie, a kernel thread, a process without variables, or one in the
        middle of exec (which is looked at again the next time)."""
        row = tree.look(pid)
        if row is None:
            unclear.append(pid)
            if os.path.exists(f"/proc/{pid}"):  # noqa: PTH110 - in a hurry
                self._settled.add(pid)
        elif row.ppid == _KERNEL or pid == _KERNEL:
            self._settled.add(pid)


def _environment(pid: int) -> bytes:
    """Empty where there is none (any more), a line feed where we may not read it.

    Raises OSError where nobody can tell: without descriptors everybody would pass for a stranger.
    """
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - in a hurry
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""
    except PermissionError:  # another user's
        return b"\n"
