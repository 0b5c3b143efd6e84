"""The daemon inside the UI's process: on a thread of its own, with a standby beside it.

Leaving is safe: by `q`, a closed terminal, a crash or kill -9 the standby goes on as the daemon
(reference processes.md, C). This module knows threads, signals and the terminal; it knows nothing
of textual, and the UI's loop never waits for it except where a method says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sereno.core.config import Config, load_config
from sereno.core.daemon.daemon import Daemon, Outcome
from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.standby import reset_terminal
from sereno.core.daemon.standby_spawn import Keeper, open_terminal
from sereno.core.home import Home, HomeError
from sereno.core.listeners.memory import MemoryListener
from sereno.core.store.errors import StoreError

__all__ = ["EmbeddedDaemon", "Ended", "block_signals"]

log = logging.getLogger("sereno.handover")

WATCHED = (signal.SIGHUP, signal.SIGTERM)
RELEASE_S = 1.0
"""Seconds in which a daemon lets go; else the process has to end first."""
LEAVE_S = 0.5
"""Seconds that the UI has to leave the terminal by itself."""


def block_signals() -> None:
    """Keeps SIGHUP and SIGTERM for the thread that waits for them. Call it first of all, before
    any thread is started; children are started with an empty mask."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)


@dataclass(frozen=True, slots=True)
class Ended:
    """The daemon of this process ended without the UI asking for it.

    "stopped": somebody stopped it, nobody takes over. "failed": it broke; the standby takes over,
    and the UI can attach to that one. The words say cause and next step.
    """

    reason: Literal["stopped", "failed"]
    words: str
    next_step: str


class EmbeddedDaemon:
    """Made and started on the main thread, before the UI."""

    def __init__(self, home: Home, config: Config) -> None:
        self._home = home
        self._config = config
        self.memory = MemoryListener()
        """Where the UI connects."""
        self.on_ended: Callable[[Ended], None] | None = None
        """Called on the daemon's thread."""
        self._daemon: Daemon | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keeper: Keeper | None = None
        self._kept: Descriptors | None = None
        self._terminal = open_terminal()
        self._answers = threading.Event()
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._leaving = threading.Lock()
        self._left = False
        self._standby = True

    def start(self, *, standby: bool = True) -> None:
        """Returns when the daemon serves and its standby stands there.

        Raises HomeError (locked, read_only, …) and StoreError (corrupt, …) with cause and next
        step; nothing is left behind then.
        """
        self._standby = standby
        threading.Thread(target=self._run, name="daemon", daemon=True).start()
        self._answers.wait()
        if self._error is not None:
            raise self._error

    # The daemon's thread

    def _run(self) -> None:
        taken: Descriptors | None = None
        try:
            while True:
                outcome = asyncio.run(self._serve(taken))
                if outcome is not Outcome.RESTART:
                    break
                assert self._kept is not None
                taken = self._kept.duplicate()
                self._reload()
            self._ended(outcome)
        except* (HomeError, StoreError) as group:
            self._broke(_first(group))
        except* Exception as group:  # noqa: BLE001 - whatever broke it, the standby takes over
            self._broke(_first(group))
        finally:
            if self._kept is not None:
                self._kept.close()
            self._over.set()
            self._answers.set()

    async def _serve(self, taken: Descriptors | None) -> Outcome:
        daemon = Daemon(
            self._home,
            self._config,
            embedded=True,
            memory=self.memory,
            taken=taken,
            load=self._load,
            moved=self._keep,
        )
        self._loop, self._daemon = asyncio.get_running_loop(), daemon

        def started() -> None:
            self._keep()
            self._answers.set()

        return await daemon.run(started)

    def _keep(self) -> None:
        """We and the standby hold what the daemon holds: at its start, and when that changes."""
        assert self._daemon is not None
        before, self._kept = self._kept, self._daemon.keep()
        if before is not None:
            changed = not before.same_as(self._kept)
            before.close()
            if changed and self._keeper is not None:
                self._keeper.renew(self._daemon.keep())
        elif self._standby:
            terminal = None if self._terminal is None else os.dup(self._terminal)
            self._keeper = Keeper(self._home, self._daemon.keep(), terminal)
            self._keeper.start()

    def _load(self) -> Config:
        """Raises HomeError for a configuration that is not valid."""
        return load_config(self._home, os.environ)

    def _reload(self) -> None:
        """A restart takes a new configuration, unless that one is not valid."""
        try:
            self._config = self._load()
        except HomeError as error:
            log.error("the configuration is kept as it was: %s", error)

    def _ended(self, outcome: Outcome) -> None:
        if outcome is Outcome.STOP:
            if self._keeper is not None:
                self._keeper.quit()
            if not self._left:
                self._tell(
                    Ended("stopped", "The daemon was stopped.", "Open sereno again to start it.")
                )

    def _broke(self, error: BaseException) -> None:
        if not self._answers.is_set():
            self._error = error
            return
        if self._keeper is not None:
            self._keeper.release()
        words = getattr(error, "message", f"{type(error).__name__}: {error}")
        step = getattr(error, "next_step", "The log has the details; a new daemon takes over.")
        self._tell(Ended("failed", words, step))

    def _tell(self, ended: Ended) -> None:
        if self.on_ended is not None:
            self.on_ended(ended)

    # Leaving

    def hand_over(self, timeout_s: float = RELEASE_S) -> bool:
        """The standby goes on as the daemon, clients reconnect to it, agents notice nothing.

        Waits until the daemon here has let go. False: it did not within the time; then this
        process has to end, which the standby notices. May be called again, from any thread.
        """
        return self._leave(Outcome.LEAVE, timeout_s)

    def quit_for_good(self, timeout_s: float = 5.0) -> bool:
        """Ends the standby first, then the daemon. Agents go on in their runners."""
        if self._keeper is not None:
            self._keeper.quit()
        return self._leave(Outcome.STOP, timeout_s)

    def _leave(self, outcome: Outcome, timeout_s: float) -> bool:
        daemon, loop = self._daemon, self._loop
        with self._leaving:
            self._left = True
            if not self._over.is_set() and daemon is not None and loop is not None:
                with contextlib.suppress(RuntimeError):  # The loop ended just now.
                    loop.call_soon_threadsafe(daemon.stop, outcome)
            if not self._over.wait(timeout_s):
                log.error("the daemon did not let go within %s s", timeout_s)
                return False
            if self._keeper is not None:
                self._keeper.release()
            return True

    def leave_within(self, seconds: float = LEAVE_S) -> None:
        """Ends the process after this time, wherever the UI hangs (a terminal that does not read):
        the terminal is reset, and the standby takes over if it has not."""
        timer = threading.Timer(seconds, self._cut, (0,))
        timer.daemon = True
        timer.start()

    def _cut(self, code: int) -> None:
        if self._terminal is not None:
            reset_terminal(self._terminal)
        os._exit(code)

    # Signals

    def watch_signals(self, on_signal: Callable[[int], None]) -> None:
        """From now on a closed terminal (SIGHUP, or a hang-up where that is ignored) and SIGTERM
        hand over at once. `on_signal` (own thread) asks the UI to leave; after LEAVE_S the process
        ends in any case. `block_signals` must have been called."""

        def react(number: int) -> None:
            began = time.monotonic()
            on_signal(number)
            self.hand_over()
            time.sleep(max(0.0, LEAVE_S - (time.monotonic() - began)))
            self._cut(128 + number)

        def wait_for_signal() -> None:
            react(signal.sigwait(WATCHED))

        def wait_for_hangup() -> None:
            assert self._terminal is not None
            waiting = select.poll()
            waiting.register(self._terminal, 0)
            waiting.poll()
            react(signal.SIGHUP)

        threading.Thread(target=wait_for_signal, name="signals", daemon=True).start()
        if self._terminal is not None:
            threading.Thread(target=wait_for_hangup, name="hangup", daemon=True).start()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
