"""Who of a run still lives, and whether that answer is certain.

For after a runner's death, when no subreaper holds the run together any more: processes are known
by pid and start time, by descent from those, and by the run's marker in their environment. Nobody
is signalled here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

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
        self._strangers: set[int] = set()
        self._dead: set[tuple[int, str]] = set()
        """Zombies that were looked at before, and cannot have forked since."""

    def look(self) -> Finding:
        roots: dict[int, tree.Process] = {}
        for one in self._seen:
            row = tree.look(one.pid)
            if row is not None and row.start == one.start:
                roots[row.pid] = row
        marked, unclear = self._marked() if tree.LINUX else (tree.marked_by_ps(self._run), [])
        for pid in marked:
            row = tree.look(pid)
            if row is None:
                unclear.append(pid)
            else:
                roots[pid] = row
        found = dict(roots)
        for pid in roots:
            found.update((row.pid, row) for row in tree.descendants(pid))
        found.pop(os.getpid(), None)
        return Finding(tuple(found.values()), tuple(unclear))

    def _marked(self) -> tuple[list[int], list[int]]:
        """Pids with the marker, and those of which nobody can tell any more.

        The newest come first: they are the most likely to be gone soon.
        """
        listed = sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)  # noqa: PTH208
        self._strangers.intersection_update(listed)
        marked: list[int] = []
        unclear: list[int] = []
        for pid in listed:
            if pid in self._strangers:
                continue
            environment = _environment(pid)
            if not environment:
                self._without_environment(pid, unclear)
            elif self._word in environment.split(b"\0"):
                marked.append(pid)
            else:
                self._strangers.add(pid)
        return marked, unclear

    def _without_environment(self, pid: int, unclear: list[int]) -> None:
        """One that is gone, a zombie, a kernel thread, a process without variables, or one in the
        middle of exec (which is looked at again the next time)."""
        row = tree.look(pid)
        if row is None:
            corpse = (pid, _start_of_the_dead(pid))
            if corpse not in self._dead:
                unclear.append(pid)
            if corpse[1]:
                self._dead.add(corpse)
        elif row.ppid == _KERNEL or pid == _KERNEL:
            self._strangers.add(pid)


def _environment(pid: int) -> bytes:
    """Empty where there is none (any more), a line feed where we may not read it."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - in a hurry
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""
    except OSError:  # another user's
        return b"\n"


def _start_of_the_dead(pid: int) -> str:
    """Of a zombie; empty when nothing at all is left of it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - in a hurry
            text = file.read()
    except OSError:
        return ""
    return text[text.rindex(b")") + 2 :].split()[19].decode()
