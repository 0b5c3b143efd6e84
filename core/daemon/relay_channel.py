"""One client who comes through a relay: a data socket, the end-to-end channel on it, a session.

The shell that both kinds of channels share (relay_nacl.py, relay_noise.py): it carries out what a
channel (relay_client, pure) says, in order, and is the session's Channel. Nothing here decides whom
to trust.
"""

from __future__ import annotations

import abc
import logging
from collections import deque
from collections.abc import Iterable

import anyio
import anyio.abc

from sereno.core.sessions.batch import Batch
from sereno.core.sessions.channel import Door, Peer
from sereno.core.sessions.connection import Connection
from sereno.core.sessions.registry import Sessions
from sereno.relay_client.connector import DataSocket, SocketClosed

__all__ = ["HIGH", "RelayChannel"]

log = logging.getLogger("sereno.relay")

HIGH = 256 * 1024
"""Bytes that wait for the socket, beyond which the session keeps what comes."""
LOW = 64 * 1024
GOODBYE_S = 0.5
"""Seconds for a close to be taken by the relay; then the socket is cut (revoking: a second)."""


class RelayChannel(abc.ABC):
    """Implements sessions' Channel. `run` once, in a task of its own; that is its whole life."""

    def __init__(self, socket: DataSocket, sessions: Sessions) -> None:
        self._socket = socket
        self._sessions = sessions
        self._connection: Connection | None = None
        self._queue: deque[str | bytes] = deque()
        self._size = 0
        self._busy = False
        self._mute = False
        """The socket takes nothing any more; what it took in before is still read."""
        self._goodbye: tuple[int, str] | None = None
        self._wake = anyio.Event()
        self._reading = anyio.Event()
        self._reading.set()
        self._life = anyio.CancelScope()
        self._tasks: anyio.abc.TaskGroup | None = None
        """Owns what works for this client, while it runs."""

    # What the kinds differ in

    @property
    @abc.abstractmethod
    def _wakes_at(self) -> float | None:
        """When `_late` is due, by the loop's clock."""

    @abc.abstractmethod
    async def _late(self) -> None: ...

    @abc.abstractmethod
    async def _heard(self, frame: str | bytes) -> None:
        """A frame of the client, or of the relay in its name. Raises what the store raises."""

    @abc.abstractmethod
    def _seal(self, message: bytes) -> Iterable[str | bytes]:
        """The frames of a message; none, and `_let_go` called, where the channel has ended."""

    @abc.abstractmethod
    def _last_words(self, code: int, reason: str) -> Iterable[str | bytes]:
        """What says the end, and why, before the socket is closed: what stands beside a close the
        relay keeps to itself."""

    @abc.abstractmethod
    def _gone(self) -> None:
        """The socket is; keys are let go."""

    # For them

    def _join(self, peer: Peer, door: Door) -> None:
        """The channel is open: the session's hello comes next."""
        self._connection = self._sessions.connect(self, peer, door)

    def _deliver(self, message: str | bytes) -> None:
        assert self._connection is not None  # no channel delivers before it is open
        data = message.encode() if isinstance(message, str) else message
        # Which kind was sent may be lost on the way: the first byte tells (wire reference 3.6).
        self._connection.receive(data, binary=True)

    def _queue_up(self, frame: str | bytes) -> None:
        if self._mute:
            return
        self._queue.append(frame)
        self._size += len(frame)
        self._wake.set()
        if self._size > HIGH and not self._busy and self._connection is not None:
            self._busy = True
            self._connection.busy()

    def _let_go(self, code: int, reason: str, why: str) -> None:
        """The channel has ended by what came, or by its limits. `why` is for the log."""
        log.info("a client through the relay is let go: %s", why)
        self._hang_up(code, reason)

    # The life of it

    async def run(self) -> None:
        """Until either side closes. Raises StoreError where the database failed; nothing that it
        should have kept was acted upon then."""
        try:
            with self._life:
                async with anyio.create_task_group() as tasks:
                    self._tasks = tasks
                    tasks.start_soon(self._write, tasks)
                    await self._read()
                    if self._goodbye is None:
                        tasks.cancel_scope.cancel()
        finally:
            self._gone()
            if self._connection is not None:
                self._connection.lost()

    async def _read(self) -> None:
        while self._goodbye is None:
            await self._reading.wait()
            wakes_at = self._wakes_at
            patience = None if wakes_at is None else max(0.0, wakes_at - anyio.current_time())
            frame: str | bytes | None = None
            with anyio.move_on_after(patience):
                try:
                    frame = await self._socket.receive()
                except SocketClosed:
                    return
            if frame is None:
                await self._late()
            else:
                await self._heard(frame)

    async def _write(self, tasks: anyio.abc.TaskGroup) -> None:
        try:
            while True:
                while self._queue:
                    frame = self._queue.popleft()
                    await self._socket.send(frame)
                    self._size -= len(frame)
                    self._relieve()
                if self._goodbye is not None:
                    await self._socket.close(*self._goodbye)
                    tasks.cancel_scope.cancel()
                    return
                self._wake = anyio.Event()
                await self._wake.wait()
        except SocketClosed:
            # What reads hears it too, after all that had arrived before; answers to that go nowhere
            # and must not hold it up.
            self._mute = True
            self._queue.clear()
            self._size = 0
            self._relieve()
            self._reading.set()

    def _relieve(self) -> None:
        if self._busy and self._size <= LOW and self._connection is not None:
            self._busy = False
            self._connection.drained()

    def _hang_up(self, code: int, reason: str) -> None:
        if self._goodbye is None:
            self._goodbye = (code, reason)
            self._wake.set()
            self._reading.set()
            self._life.deadline = anyio.current_time() + GOODBYE_S

    # Sessions' Channel

    def send(self, batch: Batch) -> None:
        for message in batch.messages:
            if self._mute or self._goodbye is not None:
                return
            for frame in self._seal(message.data):
                self._queue_up(frame)

    def close(self, code: int, reason: str) -> None:
        if self._goodbye is None:
            for frame in self._last_words(code, reason):
                self._queue_up(frame)
            self._hang_up(code, reason)

    def pause_reading(self) -> None:
        if not self._mute:
            self._reading = anyio.Event()

    def resume_reading(self) -> None:
        self._reading.set()
