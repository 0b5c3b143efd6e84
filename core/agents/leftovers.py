"""Processes and folders of runs that are over: ended, verified, removed.

Used when a run could not be ended in the ordinary way, and once at the start of a daemon for what
its predecessor had no time to clean. Never touches the present run of a living agent.
"""

from __future__ import annotations

import contextlib
import enum
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from sereno.core.agents.context import Context
from sereno.core.runners.model import EndResult, JournalGap, RunnerError, RunnerGone

if TYPE_CHECKING:
    from sereno.core.runners.link import RunnerLink

__all__ = ["Use", "clear", "clear_others"]

log = logging.getLogger(__name__)


async def clear(context: Context, folder: Path) -> EndResult:
    """Ends what runs for this folder, if anything does, and removes it."""
    runners = context.runners
    try:
        link = await _attach(context, folder)
    except RunnerGone:
        result = await runners.sweep(folder)
    else:
        try:
            result = await link.end(context.config.end_grace_seconds)
        finally:
            await link.aclose()
    if result.remaining:
        log.error("processes %s of %s could not be ended", result.remaining, folder)
    else:
        await anyio.to_thread.run_sync(runners.remove, folder)
    return result


async def _attach(context: Context, folder: Path) -> RunnerLink:
    """Wherever its journal begins: nobody wants to read it, only to end the program."""
    try:
        return await context.runners.attach(folder, 0)
    except JournalGap as gap:
        return await context.runners.attach(folder, gap.end)


class Use(enum.Enum):
    """What a run's folder is to the fleet."""

    OURS = "ours"
    """Driven now, or to be taken up again: never touched here."""
    OVER = "over"
    """A run that the database knows to be over."""
    UNKNOWN = "unknown"
    """Of an agent that the database does not know: somebody may have put another one there."""


async def clear_others(context: Context, use: Callable[[str, int], Use]) -> None:
    """Clears the runs that are known to be over. `use`(agent id, run) is asked just before each
    one: agents may be made and started meanwhile. What is unknown is said and left alone."""
    try:
        runs = await anyio.to_thread.run_sync(_runs, context.home.agents)
    except OSError as error:
        log.error("what runs left is looked for at the next start: %s", error)
        return
    for folder in runs:
        match use(folder.parent.name, int(folder.name)):
            case Use.OVER:
                try:
                    await clear(context, folder)
                except (RunnerError, OSError) as error:
                    log.error("%s could not be cleaned up: %s", folder, error)
            case Use.UNKNOWN:
                log.warning(
                    "%s holds a run of an agent that this database does not know; it is left "
                    "alone. Was the database moved away or replaced? Put it back to go on with "
                    "the agent, or end its processes and remove the folder.",
                    folder,
                )
            case Use.OURS:
                pass


def _runs(agents: Path) -> list[Path]:
    return list(_folders(agents)) if agents.is_dir() else []


def _folders(agents: Path) -> Iterator[Path]:
    for agent in agents.iterdir():
        # Somebody may delete it just now, or have put a file there.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            yield from [run for run in agent.iterdir() if run.is_dir() and run.name.isdecimal()]
