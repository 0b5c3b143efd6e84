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
import select
import signal
import sys
from typing import TYPE_CHECKING

import anyio
import msgspec

from sereno.core.config import Config, ConfigError, DaemonConfig, load_config
from sereno.core.daemon.console import show_on_stderr
from sereno.core.daemon.daemon import Daemon, Outcome, Phase
from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.logs import LogFile
from sereno.core.daemon.notify import Notifier, from_process
from sereno.core.home import Home, HomeError
from sereno.core.store.errors import StoreError

if TYPE_CHECKING:
    from sereno.core.daemon.standby_spawn import Keeper

__all__ = ["parse_descriptors", "run_headless", "run_launched"]

log = logging.getLogger("sereno.daemon")

REFUSED = 1
"""It may work at another time: a damaged database, a network that is not up."""
REFUSED_BY_CONFIGURATION = 2
IN_USE = 3
"""The home or an address of ours is somebody else's now."""
_EXITS = {
    "locked": IN_USE,
    "port_in_use": IN_USE,
    "path_in_use": IN_USE,
    "needs_password": REFUSED_BY_CONFIGURATION,
    "tls_refused": REFUSED_BY_CONFIGURATION,
    "password_refused": REFUSED_BY_CONFIGURATION,
    "damaged_token": REFUSED_BY_CONFIGURATION,
    "damaged_keys": REFUSED_BY_CONFIGURATION,
    "not_permitted": REFUSED_BY_CONFIGURATION,
    "foreign_owner": REFUSED_BY_CONFIGURATION,
    "too_open": REFUSED_BY_CONFIGURATION,
    "symlink": REFUSED_BY_CONFIGURATION,
}
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


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
    strict: bool = True,
) -> int:
    """Runs the daemon until it is stopped; gives the exit code.

    `take_fds`: descriptors of the daemon before, as parse_descriptors reads them. `deaths`: how
    many daemons before this one died young. `strict`: an address that cannot be opened is a
    refusal; never so for a daemon that takes over, which has clients and agents to look after.
    """
    handler = show_on_stderr(config.log.format) if mode is Mode.FOREGROUND else None
    error: HomeError | StoreError
    try:
        password = _password_of_variable() if mode is Mode.FOREGROUND else None
        taken = parse_descriptors(take_fds) if take_fds else None
        strict = strict and taken is None
        run = _Run(home, _with(config, password), taken, mode, deaths, strict, password)
        return run.until_stopped()
    except* (HomeError, StoreError) as refused:
        error = _first(refused)
    finally:
        if handler is not None:
            handler.close()
    return _refuse(error)


def _password_of_variable() -> str | None:
    """The hash of SERENO_PASSWORD, which is this daemon's own for a daemon in the foreground (a
    container has no better place); for every other program it is what a client shows. None where
    it is not set. Raises HomeError for one that cannot be used."""
    if not os.environ.get("SERENO_PASSWORD", "").strip():
        return None
    from sereno.core.security.passwords import PasswordRefused, hash_of_variable

    try:
        return hash_of_variable(os.environ)
    except PasswordRefused as error:
        raise HomeError(error.code, error.message, error.next_step) from error


def _with(config: Config, password: str | None) -> Config:
    """`password`: a hash that wins over that of the file; None for none."""
    if password is None:
        return config
    auth = msgspec.structs.replace(config.daemon.auth, password=password)
    return msgspec.structs.replace(config, daemon=msgspec.structs.replace(config.daemon, auth=auth))


def _refuse(error: HomeError | StoreError) -> int:
    """Says why; gives the exit code."""
    print(f"sereno: {error.message}\n{error.next_step}", file=sys.stderr)  # noqa: T201
    if isinstance(error, ConfigError):
        return REFUSED_BY_CONFIGURATION
    return _EXITS.get(error.code, REFUSED)


def run_launched(
    home: Home, *, mode: Mode, take_fds: str | None, deaths: int, strict: bool = False
) -> int:
    """As run_headless, but reads the configuration itself. A daemon that takes over does not fail
    on a file that somebody edited meanwhile: it says so in the log and uses the defaults, but for
    the addresses, of which it opens none: nobody knows any more who may come in there."""
    try:
        config = load_config(home, os.environ)
    except HomeError as error:
        if take_fds is None:
            return _refuse(error)
        config = Config(daemon=DaemonConfig(listen=()))
        logfile = LogFile(home.daemon_log)
        logfile.attach("info")
        log.error(
            "defaults are used and no address is open, the configuration is not valid: %s", error
        )
        logfile.detach()
    return run_headless(home, config, take_fds, mode=mode, deaths=deaths, strict=strict)


class _Run:
    """One headless run and what stands beside it."""

    def __init__(
        self,
        home: Home,
        config: Config,
        taken: Descriptors | None,
        mode: Mode,
        deaths: int,
        strict: bool,
        password: str | None,
    ) -> None:
        self._home = home
        self._mode = mode
        self._deaths = deaths
        # A daemon in the background may have inherited a variable that was meant for another one.
        self._notifier = from_process() if mode is Mode.FOREGROUND else Notifier(None)
        self._daemon = Daemon(
            home,
            config,
            taken=taken,
            strict=strict,
            load=lambda: _with(load_config(home, os.environ), password),
            moved=self._keep,
            phase=self._tell,
            password_forced=password is not None,
        )
        self._terminals = [fd for fd in (0, 1, 2) if os.isatty(fd)]
        self._keeper: Keeper | None = None
        self._kept: Descriptors | None = None

    def until_stopped(self) -> int:
        outcome = asyncio.run(self._main())
        if self._keeper is not None:
            self._keeper.quit()
        if outcome is Outcome.RESTART and self._kept is not None:
            for handler in logging.getLogger().handlers:
                handler.flush()
            _become_new(self._home, self._mode, self._kept)
        return 0

    async def _main(self) -> Outcome:
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self._daemon.stop, Outcome.STOP)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        async with anyio.create_task_group() as group:
            group.start_soon(self._notifier.keep_alive)
            outcome = await self._daemon.run(self._started)
            group.cancel_scope.cancel()
        return outcome

    def _tell(self, phase: Phase) -> None:
        """What a service manager shall know. A restart keeps this process: for the manager it is a
        reload. Told of an end, it would wait for ours and then kill the new program."""
        match phase:
            case Phase.SERVING:
                self._notifier.ready(f"answers on {self._home.socket}")
            case Phase.RELOADING | Phase.RESTARTING:
                self._notifier.reloading()
            case Phase.STOPPING:
                self._notifier.stopping()

    def _hang_up(self) -> None:
        """SIGHUP has two meanings: the configuration changed, or our terminal is closed."""
        if any(_is_gone(fd) for fd in self._terminals):
            self._daemon.stop(Outcome.STOP)
        else:
            self._daemon.reload_soon()

    def _started(self) -> None:
        # What was made so far stays for ever: later collections need not look at it.
        gc.freeze()
        gc.enable()
        # Whoever started us waits for the end of what we say, and that must be ours to end: the
        # standby lives on and would keep the pipe open.
        said = os.dup(2) if self._mode is Mode.BACKGROUND else None
        if said is not None:
            _silence()
        try:
            self._keep()
        finally:
            if said is not None:
                os.close(said)

    def _keep(self) -> None:
        """We and the standby hold what the daemon holds: at its start, and when that changes."""
        before, self._kept = self._kept, self._daemon.keep()
        if before is not None:
            before.close()
        if self._mode is Mode.FOREGROUND:
            return
        if self._keeper is not None:
            self._keeper.renew(self._daemon.keep())
            return
        from sereno.core.daemon.standby_spawn import Keeper

        self._keeper = Keeper(self._home, self._daemon.keep(), deaths=self._deaths)
        self._keeper.start()


def _is_gone(terminal: int) -> bool:
    """Whether a terminal that we have open was closed."""
    waiting = select.poll()
    waiting.register(terminal, 0)
    return bool(waiting.poll(0))


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    os.close(null)


def _become_new(home: Home, mode: Mode, descriptors: Descriptors) -> None:
    """A new program in this same process: service managers see no change, clients wait."""
    from sereno.core.daemon.standby_spawn import daemon_command

    for fd in descriptors.all:
        os.set_inheritable(fd, True)
    command = daemon_command(home, mode.value, descriptors)
    os.execv(command[0], command)


def _first(group: BaseExceptionGroup[HomeError | StoreError]) -> HomeError | StoreError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def parse_descriptors(text: str) -> Descriptors:
    """Reads the text of Descriptors. Raises HomeError for anything else."""
    try:
        return Descriptors.parse(text)
    except ValueError as error:
        raise HomeError(
            "unusable",
            f"--take-fds {text!r} does not name the lock and the unix socket.",
            "It is for Sereno's own use; start the daemon without it.",
        ) from error
