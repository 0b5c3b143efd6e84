"""Takes connections from one listening socket, some at a time, and rests when the system is out.

What becomes of a connection is its owner's business (unix.py, tcp.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable
from typing import Any

__all__ = ["Acceptor", "turn_away"]

log = logging.getLogger("sereno.listeners")

_AT_ONCE = 8
"""Then others on the loop have their turn: each takes up to half a millisecond."""
_REST_S = 1.0
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Acceptor:
    """Belongs to one loop. `welcome` gets each connection and its address."""

    def __init__(
        self,
        listener: socket.socket,
        welcome: Callable[[socket.socket, Any], None],
        wait: Callable[[Acceptor], float] = lambda _: 0.0,
    ) -> None:
        """`wait`: seconds until the next one may be taken; 0 for now."""
        self._listener = listener
        self._welcome = welcome
        self._wait = wait
        self._accepting = False
        self._resting: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._resting = None
        self._accepting = True
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def stop(self) -> None:
        """Accepts no more; whoever connects now waits in the queue of the socket."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if self._accepting:
            self._accepting = False
            asyncio.get_running_loop().remove_reader(self._listener)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            wait = self._wait(self)
            if wait > 0:
                self._rest(wait)
                return
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    # Try again in a second, not in a busy loop.
                    log.error("cannot accept: %s", error)
                    self._rest(_REST_S)
                return  # Else the client went away before it was accepted.
            self._welcome(connection, address)

    def _rest(self, seconds: float) -> None:
        self.stop()
        self._resting = asyncio.get_running_loop().call_later(seconds, self.start)

    def go_on(self) -> None:
        """Rests no longer."""
        if self._resting is not None:
            self._resting.cancel()
            self.start()


def turn_away(connection: socket.socket, words: bytes) -> None:
    """Says something that fits into the kernel's buffer, and closes."""
    connection.setblocking(False)
    with contextlib.suppress(OSError):
        connection.send(words)
    connection.close()
