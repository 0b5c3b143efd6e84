"""Who connects to the unix socket: refused, the owner, or an agent of ours (T46).

Pure over readers of the process table; the sockets are core/listeners' concern. The rule is that
of the runners' own gate: whoever has a runner above itself that the daemon has not is an agent.
So it does not matter where a runner's folder was moved, and a whole Sereno may run inside an agent
of another one, where its daemon and its clients have the same runners above them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sereno.core.security.peers import (
    Credentials,
    Process,
    Table,
    folder_of,
    marker_of,
    process_table,
    runners_above,
)
from sereno.core.security.roles import Role

__all__ = ["RUNNER_NAME", "RUNNER_PROGRAM", "is_runner", "own_runner_above", "role_of"]

RUNNER_PROGRAM = "core/runners/process/__main__.py"
"""How the path of the runner's program ends, in every release."""
RUNNER_NAME = "sereno-runner"
"""What a runner calls itself in the process table."""


def is_runner(process: Process) -> bool:
    """By its name or by its program. Who pretends to be one makes agents of its own children."""
    named = process.name == RUNNER_NAME
    return named or any(part.endswith(RUNNER_PROGRAM) for part in process.command)


def role_of(
    peer: Credentials,
    *,
    uid: int,
    above: frozenset[tuple[int, int]],
    is_ours: Callable[[str], bool],
    table: Table = process_table,
    marker: Callable[[int], str | None] = marker_of,
) -> Role | None:
    """The peer's role; None to refuse it.

    Another uid is refused, root included. `above`: the runners above the daemon itself. A process
    with another one above it is an agent; so is one that carries the marker of an agent of ours
    (`is_ours`), and one whose ancestry cannot be told.
    """
    if peer.uid != uid:
        return None
    found = runners_above(peer.pid, is_runner, table) if peer.pid > 0 else None
    if found is None or not found <= above:
        return Role.AGENT
    mark = marker(peer.pid)
    return Role.AGENT if mark is not None and is_ours(mark) else Role.OWNER


def own_runner_above(
    agents: Path,
    mark: str | None,
    table: Table = process_table,
    folder: Callable[[int], str | None] = folder_of,
) -> bool:
    """Whether this process was started by an agent of the home whose agents' folders are these.

    Told by the folder in which a runner stands, and by `mark`, the agent id in our environment.
    """
    if mark is not None and "/" not in mark and (agents / mark).is_dir():
        return True
    below = os.path.join(os.path.realpath(agents), "")  # noqa: PTH118
    found = runners_above(os.getpid(), is_runner, table) or frozenset()
    return any((folder(pid) or "").startswith(below) for pid, _ in found)
