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

_AT_ONCE = 64
_REST_S = 1.0


class Acceptor:
    """Belongs to one loop. `welcome` gets each connection and its address."""

    def __init__(
        self, listener: socket.socket, welcome: Callable[[socket.socket, Any], None]
    ) -> None:
        self._listener = listener
        self._welcome = welcome
        self._accepting = False
        self._resting: asyncio.TimerHandle | None = None

    def start(self) -> None:
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
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._rest(error)
                return
            self._welcome(connection, address)

    def _rest(self, error: OSError) -> None:
        """Without descriptors or memory: try again in a second, not in a busy loop."""
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            return  # The client went away before it was accepted.
        log.error("cannot accept: %s", error)
        self.stop()
        self._resting = asyncio.get_running_loop().call_later(_REST_S, self.start)


def turn_away(connection: socket.socket, words: bytes) -> None:
    """Says something that fits into the kernel's buffer, and closes."""
    connection.setblocking(False)
    with contextlib.suppress(OSError):
        connection.send(words)
    connection.close()
