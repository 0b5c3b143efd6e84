"""Who connects to the unix socket: refused, the owner, or an agent of ours (T46).

Pure over readers of the process table; the sockets are core/listeners' concern.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sereno.core.security.peers import (
    Credentials,
    Process,
    Table,
    descends,
    folder_of,
    marker_of,
    process_table,
)
from sereno.core.security.roles import Role

__all__ = ["RUNNER_PROGRAM", "role_of", "runner_of"]

RUNNER_PROGRAM = "core/runners/process/__main__.py"
"""How the path of the runner's program ends, in every release."""


def role_of(
    peer: Credentials,
    *,
    uid: int,
    is_runner: Callable[[Process], bool],
    is_ours: Callable[[str], bool],
    table: Table = process_table,
    marker: Callable[[int], str | None] = marker_of,
) -> Role | None:
    """The peer's role; None to refuse it.

    Another uid is refused, root included. A process below a runner is an agent, and so is one that
    carries the marker of one of our agents, and one whose ancestry cannot be told. `is_ours`: if
    an id belongs to this home (a home within an agent of another home is its own world).
    """
    if peer.uid != uid:
        return None
    if peer.pid <= 0 or descends(peer.pid, is_runner, table) is not False:
        return Role.AGENT
    mark = marker(peer.pid)
    return Role.AGENT if mark is not None and is_ours(mark) else Role.OWNER


def runner_of(
    agents: Path, folder: Callable[[int], str | None] = folder_of
) -> Callable[[Process], bool]:
    """Tells a runner of this home by its program and by the folder in which every runner stands.

    Where the system does not tell folders, every runner counts as ours.
    """
    below = os.path.join(os.path.realpath(agents), "")  # noqa: PTH118

    def is_runner(process: Process) -> bool:
        if not any(part.endswith(RUNNER_PROGRAM) for part in process.command):
            return False
        found = folder(process.pid)
        return found is None or found.startswith(below)

    return is_runner
