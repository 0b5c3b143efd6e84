"""All processes of one agent, as its runner can know and signal them.

Linux: the runner is a child subreaper, so whatever the agent started is a descendant of the
runner, and "no child left" means that nothing is left. Elsewhere (macOS) orphans go to pid 1:
they are known because they were seen below the agent before, by its process group, or by the run's
marker variable, each as far as `ps` tells.
"""

from __future__ import annotations

import os

from sereno.core.runners.process import tree


class Family:
    """On Linux. `marker` is the value of SERENO_RUN in the agent's environment."""

    def __init__(self, agent: int, marker: str) -> None:
        self.agent = agent
        self.marker = marker

    def watch(self) -> None:
        """Called before the family begins to fall apart."""

    def left(self) -> list[tree.Process]:
        """The processes that live now."""
        return tree.descendants(os.getpid())

    def none_left(self) -> bool:
        """Asked when the runner has no child any more."""
        return True

    def signal(self, number: int) -> None:
        """Signal all of it. What we may not signal (sudo) is left, and seen as remaining.

        A direct child keeps its pid until we reap it, so it is hit without looking. KILL for
        direct children alone would end every tree, because orphans become direct children.
        """
        mine = set(tree.children(os.getpid()))
        for pid in mine:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue
        for row in self.left():
            if row.pid not in mine:
                tree.try_send(row, number)


class PortableFamily(Family):
    """Without subreaper and /proc. Who was seen once stays known by pid and start time."""

    def __init__(self, agent: int, marker: str) -> None:
        super().__init__(agent, marker)
        self._known: dict[int, str] = {}

    def watch(self) -> None:
        self.left()

    def left(self) -> list[tree.Process]:
        table = tree.ps_table()
        marked = tree.marked_by_ps(self.marker)
        living = {pid for pid, row in table.items() if self._known.get(pid) == row.start}
        living |= {row.pid for row in table.values() if row.group == self.agent}
        living |= marked & table.keys()
        for root in (os.getpid(), *living):
            living |= {row.pid for row in tree.below(root, list(table.values()))}
        living.discard(os.getpid())
        rows = [table[pid] for pid in living]
        self._known.update((row.pid, row.start) for row in rows)
        return rows

    def none_left(self) -> bool:
        return not self.left()

    def signal(self, number: int) -> None:
        for row in self.left():
            tree.try_send(row, number)


def family_of(agent: int, marker: str) -> Family:
    """The kind of family that this system allows."""
    return Family(agent, marker) if tree.LINUX else PortableFamily(agent, marker)
