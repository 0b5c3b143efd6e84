"""`sereno --no-ui`: the daemon as a program of its own, in the foreground or taken over.

Signals, exit codes and words on stderr; everything else is daemon.py. Started by the command
line, by a service manager, or through launch.py with descriptors of the daemon before.
"""

from __future__ import annotations

import asyncio
import enum
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

from sereno.core.config import Config, load_config
from sereno.core.daemon.daemon import Daemon, Outcome
from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.logs import LogFile, show_on_stderr
from sereno.core.home import Home, HomeError
from sereno.core.store.errors import StoreError

__all__ = ["parse_descriptors", "run_headless", "run_launched"]

log = logging.getLogger("sereno.daemon")

REFUSED = 1
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Mode(enum.Enum):
    """FOREGROUND: somebody's child, who starts it again when it dies. BESIDE: with a standby that
    does so. BACKGROUND: the same, and whoever starts it waits for the end of its stderr."""

    FOREGROUND = "foreground"
    BESIDE = "beside"
    BACKGROUND = "background"


def run_headless(
    home: Home,
    config: Config,
    take_fds: str | None = None,
    *,
    mode: Mode = Mode.FOREGROUND,
    deaths: int = 0,
) -> int:
    """Runs the daemon until it is stopped; gives the exit code, 1 where it cannot start.

    `take_fds`: descriptors of the daemon before, as parse_descriptors reads them. `deaths`: how
    many daemons before this one died young.
    """
    handler = show_on_stderr(config.log.format) if mode is Mode.FOREGROUND else None
    try:
        taken = parse_descriptors(take_fds) if take_fds else None
        return _Run(home, config, taken, mode, deaths).until_stopped()
    except* (HomeError, StoreError) as refused:
        error = _first(refused)
        print(f"sereno: {error.message}\n{error.next_step}", file=sys.stderr)  # noqa: T201
    finally:
        if handler is not None:
            logging.getLogger().removeHandler(handler)
    return REFUSED


def run_launched(home: Home, *, mode: Mode, take_fds: str | None, deaths: int) -> int:
    """As run_headless, but reads the configuration itself. A daemon that takes over does not fail
    on a file that somebody edited meanwhile: it says so in the log and uses the defaults."""
    try:
        config = load_config(home, os.environ)
    except HomeError as error:
        if take_fds is None:
            print(f"sereno: {error.message}\n{error.next_step}", file=sys.stderr)  # noqa: T201
            return REFUSED
        config = Config()
        logfile = LogFile(home.daemon_log)
        logfile.attach("info")
        log.error("defaults are used, the configuration is not valid: %s", error)
        logfile.detach()
    return run_headless(home, config, take_fds, mode=mode, deaths=deaths)


class _Run:
    """One headless run and what stands beside it."""

    def __init__(
        self, home: Home, config: Config, taken: Descriptors | None, mode: Mode, deaths: int
    ) -> None:
        self._home = home
        self._mode = mode
        self._deaths = deaths
        self._daemon = Daemon(home, config, taken=taken)
        self._end_standby: Callable[[], None] = lambda: None
        self._kept: Descriptors | None = None

    def until_stopped(self) -> int:
        outcome = asyncio.run(self._main())
        self._end_standby()
        if outcome is Outcome.RESTART and self._kept is not None:
            _become_new(self._home, self._mode, self._kept)
        return 0

    async def _main(self) -> Outcome:
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self._daemon.stop, Outcome.STOP)
        return await self._daemon.run(self._started)

    def _started(self) -> None:
        self._kept = self._daemon.keep()
        # What was made so far stays for ever: later collections need not look at it.
        gc.freeze()
        gc.enable()
        if self._mode is Mode.FOREGROUND:
            return
        # Whoever started us waits for the end of what we say, and that must be ours to end: the
        # standby lives on and would keep the pipe open.
        said = os.dup(2) if self._mode is Mode.BACKGROUND else None
        if said is not None:
            _silence()
        try:
            self._keep_standby()
        finally:
            if said is not None:
                os.close(said)

    def _keep_standby(self) -> None:
        from sereno.core.daemon.standby_spawn import Keeper

        keeper = Keeper(self._home, self._daemon.keep(), deaths=self._deaths)
        keeper.start()
        self._end_standby = keeper.quit


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    os.close(null)


def _become_new(home: Home, mode: Mode, descriptors: Descriptors) -> None:
    """A new program in this same process: service managers see no change, clients wait."""
    from sereno.core.daemon.standby_spawn import daemon_command

    for fd in (descriptors.lock, descriptors.unix):
        os.set_inheritable(fd, True)
    command = daemon_command(home, mode.value, descriptors)
    os.execv(command[0], command)


def _first(group: BaseExceptionGroup[HomeError | StoreError]) -> HomeError | StoreError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


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
