"""The way from the terminal UI to the daemon in the same process: two queues between two loops.

Both loops may be on one thread or on two. What must be seen at once (replies, requests for
permission) wakes the client at once; a stream wakes it at most every 33 ms, so that the daemon
makes no call into the other loop per event. Bounded in bytes: a client that takes nothing any more
fills this, then its outbox, and nothing else.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from sereno.core.protocol.outgoing import Kind
from sereno.core.security.roles import Role
from sereno.core.sessions.batch import Batch
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.connection import Connection
from sereno.core.sessions.registry import Sessions

__all__ = ["MemoryListener", "MemoryPipe"]

HIGH = 1024 * 1024
"""Bytes that may wait for the client here, before its outbox is used."""
LAZY_S = 0.033


class MemoryListener:
    """Made by whoever starts the daemon, and given to it; clients connect from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sessions: Sessions | None = None
        self._pipes: set[MemoryPipe] = set()
        self._lock = threading.Lock()

    # The daemon's side

    def start(self, sessions: Sessions) -> None:
        """On the daemon's loop: clients may connect from now on."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._sessions = sessions

    def stop(self) -> None:
        """On the daemon's loop: all pipes are closed."""
        with self._lock:
            self._loop = self._sessions = None
            pipes = tuple(self._pipes)
            self._pipes.clear()
        for pipe in pipes:
            pipe.close(1001, "Going away")

    # The client's side

    def connect(
        self, received: Callable[[list[bytes]], None], closed: Callable[[int, str], None]
    ) -> MemoryPipe | None:
        """On the client's loop; None while no daemon listens. Both callbacks come on that loop."""
        with self._lock:
            if self._loop is None or self._sessions is None:
                return None
            pipe = MemoryPipe(
                self._loop, asyncio.get_running_loop(), received, closed, self._pipes.discard
            )
            self._pipes.add(pipe)
            self._loop.call_soon_threadsafe(pipe.opened, self._sessions)
            return pipe


class MemoryPipe:
    """One connection. It is the session's Channel on the daemon's loop, and the client's transport
    on the client's loop; each method says on which of them it is called."""

    def __init__(
        self,
        daemon: asyncio.AbstractEventLoop,
        client: asyncio.AbstractEventLoop,
        received: Callable[[list[bytes]], None],
        closed: Callable[[int, str], None],
        forget: Callable[[MemoryPipe], None],
    ) -> None:
        self._daemon = daemon
        self._client = client
        self._received = received
        self._told = closed
        self._forget = forget
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._down: deque[bytes] = deque()
        self._size = 0
        self._busy = False
        self._wake = 0  # 0: nobody is woken, 1: soon, 2: now
        self._up: deque[bytes] = deque()
        self._up_posted = False
        self._held = False
        self._end: tuple[int, str] | None = None

    # On the daemon's loop

    def opened(self, sessions: Sessions) -> None:
        self._connection = sessions.connect(self, Peer("memory", Role.OWNER, "memory"))
        self._arrived()

    def send(self, batch: Batch) -> None:
        urgent = False
        with self._lock:
            for message in batch.messages:
                self._down.append(message.data)
                self._size += len(message.data)
                urgent = urgent or message.kind is Kind.CONTROL
            full = self._size > HIGH and not self._busy
            self._busy = self._busy or full
        if full and self._connection is not None:
            self._connection.busy()
        self._rouse(2 if urgent else 1)

    def close(self, code: int, reason: str) -> None:
        with self._lock:
            if self._end is not None:
                return
            self._end = (code, reason)
        self._rouse(2)
        self._lost()

    def pause_reading(self) -> None:
        self._held = True

    def resume_reading(self) -> None:
        self._held = False
        self._arrived()

    def _arrived(self) -> None:
        with self._lock:
            self._up_posted = False
        while self._connection is not None and not self._held:
            try:
                data = self._up.popleft()
            except IndexError:
                return
            self._connection.receive(data)

    def _lost(self) -> None:
        connection, self._connection = self._connection, None
        self._forget(self)
        if connection is not None:
            connection.lost()

    def _drained(self) -> None:
        with self._lock:
            self._busy = False
        if self._connection is not None:
            self._connection.drained()

    def _rouse(self, how: int) -> None:
        with self._lock:
            if self._wake >= how:
                return
            self._wake = how
        _post(self._client, self._drain if how == 2 else self._drain_soon)

    # On the client's loop

    def write(self, data: bytes) -> None:
        """A frame to the daemon."""
        with self._lock:
            self._up.append(data)
            posted, self._up_posted = self._up_posted, True
        if not posted:
            _post(self._daemon, self._arrived)

    def shut(self) -> None:
        """The client goes; what it wrote is still taken."""
        with self._lock:
            if self._end is not None:
                return
            self._end = (1000, "Client closed")
        _post(self._daemon, self._leave)

    def _leave(self) -> None:
        self._held = False
        self._arrived()
        self._lost()

    def _drain_soon(self) -> None:
        if self._wake == 1:
            self._client.call_later(LAZY_S, self._drain)

    def _drain(self) -> None:
        with self._lock:
            frames = list(self._down)
            self._down.clear()
            self._size = self._wake = 0
            busy, end = self._busy, self._end
        if frames:
            self._received(frames)
        if busy:
            _post(self._daemon, self._drained)
        if end is not None:
            self._told(*end)


def _post(loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
    """A loop that has ended needs no word: its side of the pipe is gone."""
    try:
        loop.call_soon_threadsafe(work)
    except RuntimeError:
        if not loop.is_closed():
            raise
