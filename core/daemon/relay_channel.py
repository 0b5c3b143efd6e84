"""One client who comes through a relay: a data socket, the end-to-end channel on it, a session.

Carries out what the channel (relay_client, pure) says, in order, and is the session's Channel.
Nothing here decides whom to trust: the channel proves the key, the door asks the person.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from sereno.core.security.roles import Role
from sereno.core.sessions.batch import Batch
from sereno.core.sessions.channel import Door, Peer
from sereno.core.sessions.connection import Connection
from sereno.core.sessions.registry import Sessions
from sereno.relay_client.connector import DataSocket, SocketClosed
from sereno.relay_client.nacl.daemon import DaemonChannel
from sereno.relay_client.nacl.effects import Claim, Close, Deliver, Effect, Opened, Send

__all__ = ["HIGH", "RelayChannel"]

log = logging.getLogger("sereno.relay")

HIGH = 256 * 1024
"""Bytes that wait for the socket, beyond which the session keeps what comes."""
LOW = 64 * 1024
GOODBYE_S = 0.5
"""Seconds for a close to be taken by the relay; then the socket is cut (revoking: a second)."""


class RelayChannel:
    """Implements sessions' Channel. `run` once, in a task of its own; that is its whole life."""

    def __init__(
        self,
        socket: DataSocket,
        secret: bytes,
        sessions: Sessions,
        door: Door,
        server_id: str,
        claim: Callable[[bytes], Awaitable[bool]],
    ) -> None:
        """`secret`: of the pairing `server_id`. `claim`: whether a client key is new, on disk."""
        self._socket = socket
        self._sessions = sessions
        self._door = door
        self._stranger = Peer(f"pairing:{server_id}", Role.AGENT, "relay")
        self._claim = claim
        self._end = DaemonChannel(secret, os.urandom, anyio.current_time())
        self._connection: Connection | None = None
        self._queue: deque[str | bytes] = deque()
        self._size = 0
        self._busy = False
        self._goodbye: tuple[int, str] | None = None
        self._wake = anyio.Event()
        self._reading = anyio.Event()
        self._reading.set()
        self._life = anyio.CancelScope()

    async def run(self) -> None:
        """Until either side closes. Raises StoreError where a key could not be claimed; then
        nothing was delivered."""
        try:
            with self._life:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._write)
                    await self._read()
                    if self._goodbye is None:
                        tasks.cancel_scope.cancel()
        finally:
            self._end.close()
            if self._connection is not None:
                self._connection.lost()

    # In

    async def _read(self) -> None:
        while self._goodbye is None:
            await self._reading.wait()
            wakes_at = self._end.wakes_at
            patience = None if wakes_at is None else max(0.0, wakes_at - anyio.current_time())
            frame: str | bytes | None = None
            with anyio.move_on_after(patience):
                try:
                    frame = await self._socket.receive()
                except SocketClosed:
                    return
            if frame is None:
                await self._carry_out(self._end.tick(anyio.current_time()))
            else:
                await self._carry_out(self._end.receive(frame))

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(text=text):
                    self._queue_up(text)
                case Claim(fingerprint=fingerprint):
                    await self._carry_out(self._end.claimed(await self._claim(fingerprint)))
                case Opened():
                    self._connection = self._sessions.connect(self, self._stranger, self._door)
                case Deliver(message=message):
                    self._deliver(message)
                case Close(cause=cause):
                    log.info("a client through the relay is let go: %s", cause.words)
                    self.close(effect.code, effect.reason)

    def _deliver(self, message: str | bytes) -> None:
        assert self._connection is not None  # Opened comes first
        data = message.encode() if isinstance(message, str) else message
        # Which kind was sent is lost on this wire: the first byte tells (wire reference 3.6).
        self._connection.receive(data, binary=True)

    # Out

    def _queue_up(self, frame: str | bytes) -> None:
        self._queue.append(frame)
        self._size += len(frame)
        self._wake.set()
        if self._size > HIGH and not self._busy and self._connection is not None:
            self._busy = True
            self._connection.busy()

    async def _write(self) -> None:
        try:
            while True:
                while self._queue:
                    frame = self._queue.popleft()
                    await self._socket.send(frame)
                    self._size -= len(frame)
                    self._relieve()
                if self._goodbye is not None:
                    await self._socket.close(*self._goodbye)
                    return
                self._wake = anyio.Event()
                await self._wake.wait()
        except SocketClosed:
            self._reading.set()  # What reads hears it too, after all that had arrived before.

    def _relieve(self) -> None:
        if self._busy and self._size <= LOW and self._connection is not None:
            self._busy = False
            self._connection.drained()

    # Sessions' Channel

    def send(self, batch: Batch) -> None:
        if self._goodbye is not None or self._end.ended:
            return
        for message in batch.messages:
            for effect in self._end.send(message.data):
                match effect:
                    case Send(text=text):
                        self._queue_up(text)
                    case Close(cause=cause):
                        log.info("a client through the relay is let go: %s", cause.words)
                        self.close(effect.code, effect.reason)
                        return
                    case _:
                        raise AssertionError(f"sealing never leads to {effect}")

    def close(self, code: int, reason: str) -> None:
        if self._goodbye is not None:
            return
        self._goodbye = (code, reason)
        self._wake.set()
        self._reading.set()
        self._life.deadline = anyio.current_time() + GOODBYE_S

    def pause_reading(self) -> None:
        self._reading = anyio.Event()

    def resume_reading(self) -> None:
        self._reading.set()
