"""The real functions of core/runners, as agents are given them (context.py)."""

from __future__ import annotations

from sereno.core.agents.context import Runners
from sereno.core.runners import attach, dead, start
from sereno.core.runners.folder import claimed, read_record
from sereno.core.runners.inside import processes

__all__ = ["real_runners"]


def real_runners() -> Runners:
    # Not the functions themselves: what starts and ends runners is loaded when one is started or
    # found (sereno/lazily.py).
    return Runners(
        start=lambda spec: start.start_runner(spec),
        attach=lambda folder, offset: attach.attach(folder, offset),
        read_journal=lambda folder, offset: dead.read_journal(folder, offset),
        sweep=lambda folder: dead.sweep(folder),
        processes=processes,
        remove=lambda folder: dead.remove(folder),
        started=lambda folder: read_record(folder) is not None,
        claimed=claimed,
    )
