"""`sereno --no-ui`: the daemon as a program of its own, in the foreground or taken over.

Signals, exit codes and words on stderr; everything else is core/daemon.py. Started by the command
line, by a service manager, or by the standby (core/launch.py) with descriptors of the last daemon.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

from sereno.core.config import Config
from sereno.core.daemon import Daemon, Descriptors, Outcome
from sereno.core.home import Home, HomeError
from sereno.core.logs import show_on_stderr
from sereno.core.store.errors import StoreError

__all__ = ["parse_descriptors", "run_headless"]

log = logging.getLogger("sereno.daemon")

REFUSED = 1
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run_headless(
    home: Home,
    config: Config,
    take_fds: str | None = None,
    *,
    beside: Callable[[Daemon], Callable[[Outcome], None]] | None = None,
) -> int:
    """Runs the daemon until it is stopped; gives the exit code, 1 where it cannot start.

    `take_fds`: descriptors of the daemon before, as parse_descriptors reads them. `beside`: starts
    what stands beside a handed-over daemon (its standby) and gives what is to be done at the end.
    """
    taken = parse_descriptors(take_fds) if take_fds else None
    handler = show_on_stderr(config.log.format) if taken is None else None
    try:
        return _run(home, config, taken, beside)
    except* (HomeError, StoreError) as refused:
        error = _first(refused)
        if taken is not None:
            log.critical("%s %s", error.message, error.next_step)
        print(f"sereno: {error.message}\n{error.next_step}", file=sys.stderr)  # noqa: T201
    finally:
        if handler is not None:
            logging.getLogger().removeHandler(handler)
    return REFUSED


def _first(group: BaseExceptionGroup[HomeError | StoreError]) -> HomeError | StoreError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _run(
    home: Home,
    config: Config,
    taken: Descriptors | None,
    beside: Callable[[Daemon], Callable[[Outcome], None]] | None,
) -> int:
    daemon = Daemon(home, config, taken=taken)
    held: list[Descriptors] = []
    at_end: list[Callable[[Outcome], None]] = []

    def started() -> None:
        if beside is not None:
            at_end.append(beside(daemon))
        held.append(daemon.keep())

    async def main() -> Outcome:
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, daemon.stop, Outcome.STOP)
        return await daemon.run(started)

    outcome = asyncio.run(main())
    for done in at_end:
        done(outcome)
    if outcome is Outcome.RESTART and held:
        _become_new(home, held[0])
    return 0


def _become_new(home: Home, descriptors: Descriptors) -> None:
    """A new program in this same process: service managers see no change, clients wait."""
    from sereno.core.standby_spawn import daemon_command

    for fd in (descriptors.lock, descriptors.unix):
        os.set_inheritable(fd, True)
    command = daemon_command(home, descriptors, foreground=True)
    os.execv(command[0], command)


def parse_descriptors(text: str) -> Descriptors:
    """Reads `lock:4,unix:5`. Raises HomeError for anything else."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.partition(":")
        if number.isdigit():
            found[name] = int(number)
    if found.keys() != {"lock", "unix"}:
        raise HomeError(
            "unusable",
            f"--take-fds {text!r} does not name the lock and the unix socket.",
            "It is for Sereno's own use; start the daemon without it.",
        )
    return Descriptors(found["lock"], found["unix"])
