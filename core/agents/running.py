"""The real functions of core/runners, as agents are given them (context.py)."""

from __future__ import annotations

from sereno.core.agents.context import Runners
from sereno.core.runners import dead
from sereno.core.runners.attach import attach
from sereno.core.runners.folder import read_record
from sereno.core.runners.inside import processes
from sereno.core.runners.start import start_runner

__all__ = ["real_runners"]


def real_runners() -> Runners:
    return Runners(
        start=start_runner,
        attach=attach,
        read_journal=dead.read_journal,
        sweep=dead.sweep,
        processes=processes,
        remove=dead.remove,
        started=lambda folder: read_record(folder) is not None,
    )
