"""One file on its way to whoever asked for it over HTTP, in pieces, no faster than it is taken.

It is the pump's reader from the head of the answer on. What else the client sends is dropped; one
that takes nothing is let go. Which file, and whether, was decided before (front.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

import anyio

from sereno.core.listeners.pump import Wire
from sereno.core.security.confinement import PathRefused
from sereno.core.sessions.channel import Peer

__all__ = ["PIECE", "STALL_S", "Delivery", "Source"]

log = logging.getLogger("sereno.listeners")

PIECE: Final = 256 * 1024
STALL_S: Final = 60.0
"""Seconds for the client to take what waits for it: some 3 KiB a second."""


class Source(Protocol):
    """An open file; see core/sessions/files.py."""

    async def read(self, most: int) -> bytes: ...


class Delivery:
    """`run` once, in a task of its own, while the source is open."""

    def __init__(self, wire: Wire, peer: Peer, gone: Callable[[Delivery], None]) -> None:
        self.peer = peer
        self._wire = wire
        self._gone = gone
        self._scope = anyio.CancelScope()
        self._room = anyio.Event()
        self._room.set()
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        wire.reader = self

    # The pump's Reader

    def received(self, data: bytes) -> None:
        pass

    def ended(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._scope.cancel()
        self._gone(self)

    def busy(self) -> None:
        self._room = anyio.Event()

    def drained(self) -> None:
        self._room.set()

    # The delivery

    async def run(self, head: bytes, source: Source, size: int) -> None:
        """Sends so many bytes behind the head. A client that gets fewer sees so: the connection
        ends before what Content-Length promised."""
        whole = False
        try:
            with self._scope:
                self._wire.write(head)
                whole = await self._send(source, size)
        except PathRefused as refused:
            log.warning("a file that was being fetched broke off: %s", refused)
        finally:
            if whole:
                self._part()
            else:
                self._wire.abort()

    async def _send(self, source: Source, size: int) -> bool:
        while size > 0:
            piece = await source.read(min(size, PIECE))
            if not piece:
                log.warning("a file that was being fetched became shorter")
                return False
            self._wire.write(piece)
            size -= len(piece)
            with anyio.move_on_after(STALL_S) as patience:
                await self._room.wait()
            if patience.cancelled_caught:
                log.info("a file was not fetched to its end: nobody takes it")
                return False
        return True

    def _part(self) -> None:
        """What waits is still sent; the client has some time to take it and to close."""
        if not self._over:
            self._timer = asyncio.get_running_loop().call_later(STALL_S, self._wire.abort)
            self._wire.resume()
            self._wire.finish()

    def abort(self) -> None:
        self._wire.abort()
