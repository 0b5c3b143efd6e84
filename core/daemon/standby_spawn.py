"""Starting the standby and keeping one there, and the command by which a daemon is started.

The standby itself is standby.py. Who needs one: a daemon embedded in the UI, and one that was
handed over; never one in the foreground, where the service manager does this work.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.standby import DOORS, GO, LOCK, PIPE, QUIT, SOCKET, TTY
from sereno.core.home import Home

__all__ = ["CLEAN_SIGNALS", "Keeper", "clean_environment", "daemon_command", "open_terminal"]

log = logging.getLogger("sereno.standby")

_HERE = Path(os.path.abspath(__file__)).parent  # noqa: PTH100 - no links resolved: upgrades move them
_ROOT = _HERE.parent.parent.parent
_CLEAR_OF_TARGETS = 64
"""Sources are duplicated above this number, so that no target overwrites one."""
CLEAN_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGPIPE,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
"""Signals that a child gets with their default meaning, whatever we made of them."""
_MARKS = ("SERENO_AGENT_ID", "SERENO_RUN")


def daemon_command(
    home: Home, mode: str, take: Descriptors | None = None, *, strict: bool = False
) -> list[str]:
    """The command that starts a daemon for this home with the same modules as ours.

    `take`: descriptors, numbered as the new program will see them. `strict`: it refuses to start
    where an address cannot be opened.
    """
    # Our own place comes last and always: a working copy may be the folder in which the person
    # stands, and that one was taken out of the path (sereno/__main__.py).
    entries = [entry for entry in sys.path if os.path.isabs(entry)]  # noqa: PTH117
    paths = [f"path={entry}" for entry in dict.fromkeys([*entries, str(_ROOT)])]
    command = [sys.executable, "-I", str(_HERE / "launch.py"), f"home={home.root}", f"mode={mode}"]
    if take is not None:
        command.append(f"take={take.text}")
    if strict:
        command.append("strict=yes")
    return [*command, *paths]


def clean_environment() -> dict[str, str]:
    """Our environment without the marks of an agent of another home that we may run in."""
    return {name: value for name, value in os.environ.items() if name not in _MARKS}


def open_terminal() -> int | None:
    """The terminal of this process as a descriptor of its own (CLOEXEC, non-blocking), or None.

    Opened anew, because O_NONBLOCK on a duplicate would change the one that the UI writes to.
    """
    for fd in (0, 1, 2):
        with contextlib.suppress(OSError):
            if os.isatty(fd):
                flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
                return os.open(os.ttyname(fd), flags)
    return None


class Keeper:
    """Keeps one standby alive from `start` to `quit` or `release`. All methods from any thread."""

    def __init__(
        self,
        home: Home,
        descriptors: Descriptors,
        terminal: int | None = None,
        *,
        deaths: int = 0,
        again_s: float = 0.5,
    ) -> None:
        """Owns the descriptors from now on. `deaths`: daemons that died young before this one."""
        self._home = home
        self._descriptors = descriptors
        self._terminal = terminal
        self._deaths = deaths
        self._again_s = again_s
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._word: bytes | None = None
        self._renewed = False
        self._told = threading.Event()
        self._gone = threading.Event()
        self.pid = 0
        """Of the standby that is there now."""

    def start(self) -> None:
        """Starts the first one. Raises OSError when that is impossible."""
        self._spawn()
        threading.Thread(target=self._watch, name="standby-keeper", daemon=True).start()

    def _spawn(self) -> None:
        """One that holds what there is now to be held. The lock is kept meanwhile: it takes 2 ms,
        and what is said to a standby must not fall between two of them."""
        with self._lock:
            reading, writing = os.pipe()
            try:
                self.pid = self._start_process(reading)
            except OSError:
                os.close(writing)
                raise
            finally:
                os.close(reading)
            self._pipe, self._renewed = writing, False
            if self._word is not None:
                self._tell(self._word)

    def _start_process(self, reading: int) -> int:
        held = self._descriptors
        doors = {DOORS + at: fd for at, (_, fd) in enumerate(held.doors)}
        sources = {PIPE: reading, LOCK: held.lock, SOCKET: held.unix, **doors}
        if self._terminal is not None:
            sources[TTY] = self._terminal
        high: dict[int, int] = {}
        try:
            for target, fd in sources.items():
                high[target] = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _CLEAR_OF_TARGETS)
            # Only what is duplicated in the child is inheritable there: no other child that is
            # started at this moment gets lock, sockets or pipe.
            command = self._command(held.renumbered([LOCK, SOCKET, *doors]))
            return os.posix_spawn(
                command[0],
                command,
                clean_environment(),
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in high.items()],
                setsid=True,
                setsigmask=[],
                setsigdef=CLEAN_SIGNALS,
            )
        finally:
            for fd in high.values():
                os.close(fd)

    def _command(self, seen: Descriptors) -> list[str]:
        return [
            sys.executable,
            "-I",
            "-S",
            str(_HERE / "standby.py"),
            str(os.getpid()),
            "-" if self._terminal is None else "tty",
            str(self._deaths),
            *daemon_command(self._home, "beside", seen),
        ]

    def _watch(self) -> None:
        """Reaps the standby and starts another one when it died without having the last word."""
        while True:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            with self._lock:
                if self._pipe is not None:
                    os.close(self._pipe)
                    self._pipe = None
                if self._told.is_set() or self._word == QUIT:
                    break
                wait = self._word is None and not self._renewed
            if wait:
                log.warning("the standby %d is gone; starting another one", self.pid)
                time.sleep(self._again_s)
            while not (self._told.is_set() or self._word == QUIT):
                try:
                    self._spawn()
                    break
                except OSError as error:
                    log.error("cannot start a standby: %s", error)
                    time.sleep(10 * self._again_s)
        self._gone.set()

    def renew(self, descriptors: Descriptors) -> None:
        """The daemon has other sockets now: a standby that holds these takes the place of the old
        one, which leaves first, because two of them would become two daemons. Owns them."""
        with self._lock:
            if self._word is not None:
                descriptors.close()
                return
            old, self._descriptors = self._descriptors, descriptors
            self._renewed = True
            if self._pipe is not None:
                self._tell(QUIT)
        old.close()

    def quit(self, timeout_s: float = 2.0) -> None:
        """Ends the standby: nobody shall take over. Returns when it is gone."""
        self._say(QUIT)
        self._gone.wait(timeout_s)

    def release(self, timeout_s: float = 2.0) -> None:
        """The daemon has let go of everything: the standby becomes the next one, now. Waits for
        one that is just being started."""
        self._say(GO)
        self._told.wait(timeout_s)

    def _say(self, word: bytes) -> None:
        """The last word; the first one counts."""
        with self._lock:
            if self._word is not None:
                return
            self._word = word
            if self._pipe is not None:
                self._tell(word)
            elif word == QUIT:
                self._close()  # None is there, and none will be started any more.

    def _tell(self, word: bytes) -> None:
        """With the lock held and a pipe there, which is closed."""
        assert self._pipe is not None
        pipe, self._pipe = self._pipe, None
        try:
            os.write(pipe, word)
        except BrokenPipeError:
            if word == GO:
                return  # It died just now; the next one is told.
        finally:
            os.close(pipe)
        if self._word is not None:
            self._close()

    def _close(self) -> None:
        self._told.set()
        self._descriptors.close()
        if self._terminal is not None:
            os.close(self._terminal)
