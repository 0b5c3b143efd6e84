"""The daemon's side for real, and open to view: Remote, channels and connectors on sockets,
pairings over a database. What agents do is a stand-in.

Claims are held until the test lets them go, so that anything may happen meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio

from sereno.core.config.model import RelayConfig
from sereno.core.daemon.pairing import Live
from sereno.core.daemon.relay_channel import RelayChannel
from sereno.core.daemon.relay_nacl import NaclChannel
from sereno.core.daemon.remote import Remote
from sereno.core.protocol.frames import Hello
from sereno.core.sessions.channel import Admitted
from sereno.relay_client.connector import DataSocket
from tests.core.daemon import pairing_house
from tests.core.sessions.house import Door, door

__all__ = ["Daemon", "End", "daemon"]


class End:
    """The daemon's end of one data socket: implements DataSocket, and counts."""

    channel: NaclChannel

    def __init__(self, socket: DataSocket) -> None:
        self.connection_id = socket.connection_id
        self.received = self.sent = 0
        self.receiving = self.over = False
        self.delivered: list[str] = []
        self.sealed: list[str] = []
        self.claim: bytes | None = None
        self.answered = anyio.Event()
        self.crashed: anyio.Event | None = None
        self._socket = socket

    async def receive(self) -> str | bytes:
        self.receiving = True
        try:
            frame = await self._socket.receive()
        finally:
            self.receiving = False
        self.received += 1
        return frame

    async def send(self, frame: str | bytes) -> None:
        await self._socket.send(frame)
        self.sent += 1

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._socket.close(code, reason)

    def widen(self) -> None:
        self._socket.widen()

    @property
    def idle(self) -> bool:
        """Nothing is being said, and it waits for a frame or the store."""
        channel = self.channel
        return (
            channel._size == 0
            and channel._goodbye is None
            and (self.receiving or self.claim is not None)
        )


class Daemon(Remote):
    """`ends`: the newest of each name; `every`: all. `trusting`: takes no key for a used one."""

    def __init__(self, *args: Any, trusting: bool) -> None:
        super().__init__(*args)
        self.trusting = trusting
        self.ends: dict[str, End] = {}
        self.every: list[End] = []
        self.judging = 0
        self.house: pairing_house.House
        self.door: Door

    @property
    def sockets(self) -> int:
        """Data sockets that there are, or that are being dialled."""
        return sum(not end.over for end in self.every)

    async def _serve(self, live: Live, socket: DataSocket) -> None:
        end = End(socket)
        try:
            await super()._serve(live, end)
        finally:
            end.over = True

    def _nacl(self, server_id: str, socket: DataSocket, bell: Any) -> RelayChannel:
        end = cast(End, socket)
        bell.knock = partial(self._judged, bell.knock)
        channel = cast(NaclChannel, super()._nacl(server_id, socket, bell))
        # Seen from here on, and otherwise as it is.
        channel._claim = partial(self._claimed, end, channel._claim)
        channel._deliver = partial(_delivered, end, channel._deliver)  # type: ignore[method-assign]
        channel._seal = partial(_sealed, end, channel._seal)  # type: ignore[method-assign]
        end.channel = channel
        self.ends[socket.connection_id] = end
        self.every.append(end)
        return channel

    async def _claimed(
        self, end: End, claim: Callable[[bytes], Awaitable[bool]], fingerprint: bytes
    ) -> bool:
        end.claim = fingerprint
        await end.answered.wait()
        is_new = await claim(fingerprint)
        if end.crashed is not None:
            end.crashed.set()
            await anyio.sleep_forever()
        return is_new or self.trusting

    async def _judged(
        self, knock: Callable[[Hello], Awaitable[Admitted | None]], hello: Hello
    ) -> Admitted | None:
        self.judging += 1
        try:
            return await knock(hello)
        finally:
            self.judging -= 1


def _delivered(end: End, deliver: Callable[[str | bytes], None], message: str | bytes) -> None:
    end.delivered.append(message if isinstance(message, str) else message.hex())
    deliver(message)


def _sealed(end: End, seal: Callable[[bytes], Any], message: bytes) -> Any:
    end.sealed.append(message.decode())
    return seal(message)


@asynccontextmanager
async def daemon(root: Path, endpoint: str, *, trusting: bool = False) -> AsyncIterator[Daemon]:
    """One run of it; the next one of the same folder knows what was on disk."""
    async with door() as sessions, pairing_house.house(root) as house:
        pairings = house.pairings
        settings = RelayConfig(enabled=True, endpoint=endpoint)
        made = Daemon(pairings, sessions.sessions, settings, trusting=trusting)
        made.house, made.door = house, sessions
        pairings.changed, pairings.drop = made.look, made.drop
        pairings.relay = made.status
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made.run)
            yield made
            tasks.cancel_scope.cancel()
