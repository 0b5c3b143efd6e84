"""The daemon inside this process, as the UI sees it: started once, handed over when we leave.

The one place of `tui` that knows of core/daemon/handover.py, and it imports it late: what the
daemon and its client need is loaded while the first screen is shown already. The daemon has its
own thread and loop; a standby beside it takes over whatever happens to us (design section 5).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sereno.core.client.errors import ClientError
from sereno.core.config import Config
from sereno.core.home import Home
from sereno.tui.crash import CannotStart
from sereno.tui.link import ClientLike
from sereno.tui.link_api import ActError
from sereno.tui.link_words import Stopped

if TYPE_CHECKING:
    from sereno.core.daemon.handover import EmbeddedDaemon, Ended

__all__ = ["Attached", "Embedded"]

PATIENCE = 5.0
"""Seconds in which a daemon that holds the lock must answer."""
STARTING = 10.0
"""Seconds for which somebody who leaves at once waits until the daemon stands."""


async def _start_in_background(home: Home) -> None:
    """The same as `sereno daemon start`: the UI is attached to it afterwards."""
    from anyio import to_thread

    from sereno.core.daemon import control

    try:
        await to_thread.run_sync(control.start, home)
    except ClientError as error:
        raise ActError(f"{error.message.rstrip('.')}.", error.next_step) from error


class Attached:
    """A daemon of another process, over the home's unix socket."""

    embedded = False

    def __init__(self, home: Home) -> None:
        self._home = home

    async def connect(self) -> ClientLike:
        """Raises ClientError when nobody answers."""
        from sereno.core.client.aio import Client

        return await Client.connect_unix(self._home.socket)

    async def start(self) -> None:
        """A daemon in the background, where none runs any more. Raises ActError."""
        await _start_in_background(self._home)

    def watch(self, leave: Callable[[], None]) -> None:
        """Nothing: signals end an attached UI, and the daemon is not ours."""

    def hand_over(self) -> None:
        """Nothing to hand over."""

    def leave_within(self, seconds: float) -> None:
        """Nothing: an attached UI may wait for its terminal."""


class Embedded:
    """The daemon of this process; after `hand_over` an attached one of another.

    Made before any thread is: SIGHUP and SIGTERM are kept from then on for the thread that waits
    for them (processes.md 33).
    """

    def __init__(self, home: Home, config: Config) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP, signal.SIGTERM))
        self._home = home
        self._config = config
        self._daemon: EmbeddedDaemon | None = None
        self._leave: Callable[[], None] = lambda: None
        self._started = False
        self._begun = False
        self._made = threading.Event()
        self._lock = threading.Lock()
        self._stopped = False
        self.embedded = True

    def watch(self, leave: Callable[[], None]) -> None:
        """SIGHUP and SIGTERM hand over at once; `leave` is called on another thread then."""
        self._leave = leave

    async def connect(self) -> ClientLike:
        """Starts the daemon the first time; later connections go where it is now.

        Raises:
            CannotStart: it cannot be started; cause and next step.
            ClientError: nobody answers now.
            Stopped: it was stopped on purpose.
        """
        from sereno.core.client.aio import Client

        if not self._started:
            await self._start()
        if self.embedded and self._daemon is not None:
            return await Client.connect_memory(self._daemon.memory)
        try:
            return await Client.connect_unix(self._home.socket)
        except ClientError as error:
            if self._stopped:
                raise Stopped from error
            raise

    async def start(self) -> None:
        """A daemon in the background, after ours was stopped. Raises ActError."""
        await _start_in_background(self._home)
        self._stopped = False

    async def _start(self) -> None:
        from anyio import to_thread

        self._begun = True
        try:
            await to_thread.run_sync(self._make)
        except Exception as error:
            if getattr(error, "code", "") != "locked" or not await self._answers():
                message = getattr(error, "message", f"{type(error).__name__}: {error}")
                raise CannotStart(f"{message} {getattr(error, 'next_step', '')}".strip()) from error
            self.embedded = False
        self._started = True

    def _make(self) -> None:
        """On a thread: loads what a daemon needs, and starts one."""
        try:
            from sereno.core.daemon.handover import EmbeddedDaemon

            daemon = EmbeddedDaemon(self._home, self._config)
            daemon.on_ended = self._ended
            daemon.watch_signals(lambda _signal: self._leave())
            daemon.start()
            self._daemon = daemon
        finally:
            self._made.set()

    async def _answers(self) -> bool:
        """Whether the daemon that holds the lock comes up: it may have been started just now."""
        import anyio

        from sereno.core.client.aio import Client

        with anyio.move_on_after(PATIENCE):
            while True:
                try:
                    await (await Client.connect_unix(self._home.socket)).aclose()
                except (ClientError, OSError):
                    await anyio.sleep(0.1)
                else:
                    return True
        return False

    def hand_over(self) -> None:
        """The daemon goes on in the background; once, however often it is called.

        Who leaves while it is still starting waits until it stands: half a daemon cannot go on.
        """
        if self._begun:
            self._made.wait(STARTING)
        with self._lock:
            if self.embedded and self._daemon is not None:
                self.embedded = False
                self._daemon.hand_over()

    def leave_within(self, seconds: float) -> None:
        """Ends the process after `seconds` even where the terminal does not read."""
        if self._daemon is not None:
            self._daemon.leave_within(seconds)

    def _ended(self, ended: Ended) -> None:
        """On the daemon's thread: it ended without us. After a failure another one takes over."""
        self._stopped = ended.reason == "stopped"
        self.embedded = False
