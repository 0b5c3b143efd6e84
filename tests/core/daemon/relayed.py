"""A client at the other end of a relay, without the relay: a data socket in memory.

The channel on it is the real one on both sides; what a relay does between them is tested with a
real relay elsewhere.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec

from sereno.core.daemon.relay_nacl import NaclChannel
from sereno.core.protocol.frames import Hello, decode_daemon_frame
from sereno.core.protocol.values import Wire
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Admitted, Peer
from sereno.core.sessions.registry import Sessions
from sereno.relay_client.connector import SocketClosed
from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.nacl.client import ClientChannel, State
from sereno.relay_client.nacl.effects import Deliver, Effect, Send

PAIR = KeyPair.of(bytes(range(32)))
SERVER = "srv_phone"
PHONE = Admitted(Peer("device:d1", Role.OPERATOR, "relay"), SERVER)


class MemorySocket:
    """Implements DataSocket. What the daemon sends is in `sent`; `stuck` takes nothing more."""

    connection_id = "conn_1"

    def __init__(self) -> None:
        self.wide = False
        self.sent: deque[str | bytes] = deque()
        self.closed: tuple[int, str] | None = None
        self.stuck: anyio.Event | None = None
        self._arrived: deque[str | bytes] = deque()
        self._changed = anyio.Event()

    async def receive(self) -> str | bytes:
        while not self._arrived:
            if self.closed is not None:
                raise SocketClosed(*self.closed)
            self._changed = anyio.Event()
            await self._changed.wait()
        return self._arrived.popleft()

    async def send(self, frame: str | bytes) -> None:
        if self.stuck is not None:
            await self.stuck.wait()
        if self.closed is not None:
            raise SocketClosed(*self.closed)
        self.sent.append(frame)
        await anyio.sleep(0)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self.stuck is not None:
            await self.stuck.wait()
        self.hang_up(code, reason)

    def widen(self) -> None:
        self.wide = True

    def hang_up(self, code: int = 1001, reason: str = "Client disconnected") -> None:
        self.closed = self.closed or (code, reason)
        self._changed.set()

    def push(self, frame: str | bytes) -> None:
        self._arrived.append(frame)
        self._changed.set()

    async def until_closed(self) -> tuple[int, str]:
        with anyio.fail_after(5):
            while self.closed is None:
                await anyio.sleep(0.001)
        return self.closed


class Phone:
    """An official app's end of the channel."""

    def __init__(self, socket: MemorySocket, secret: bytes | None = None) -> None:
        self._socket = socket
        self._channel = ClientChannel(PAIR.public, secret or os.urandom(32), os.urandom)
        self.recorded: list[str] = []
        self.heard: list[bytes] = []
        self._out(self._channel.start(0.0))

    def _out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(text=text):
                    self.recorded.append(text)
                    self._socket.push(text)
                case Deliver(message=message):
                    assert isinstance(message, str)
                    self.heard.append(message.encode())
                case _:
                    pass

    def say(self, frame: dict[str, Any]) -> None:
        self._out(self._channel.send(msgspec.json.encode(frame).decode()))

    def hello(self, client_id: str = "cid_phone") -> None:
        told = {"clientType": "mobile", "protocolVersion": 1, "appVersion": "0.1.65"}
        self.say({"type": "hello", "clientId": client_id, **told})

    def ask(self, kind: str, **fields: Any) -> None:
        self.say({"type": "session", "message": {"type": kind, "requestId": "r1", **fields}})

    async def open(self) -> None:
        """Until the daemon's `ready` is there; what was said before is on its way then."""
        with anyio.fail_after(5):
            while self._channel.state is not State.OPEN:
                self._read()
                await anyio.sleep(0.001)

    def _read(self) -> None:
        while self._socket.sent:
            self._out(self._channel.receive(self._socket.sent.popleft()))

    async def until(self, wanted: Callable[[list[bytes]], bool]) -> list[Wire]:
        """Reads until enough is there; gives it decoded, and forgets it."""
        with anyio.fail_after(5):
            while not wanted(self.heard):
                self._read()
                await anyio.sleep(0.001)
        heard, self.heard = self.heard, []
        return [decode_daemon_frame(one) for one in heard]


class Judge:
    """Lets everybody in, as PHONE, once it is `open`."""

    def __init__(self, admitted: Admitted | None = PHONE) -> None:
        self.admitted = admitted
        self.open = anyio.Event()
        self.open.set()
        self.heard: list[str] = []

    async def knock(self, hello: Hello) -> Admitted | None:
        self.heard.append(hello.client_id)
        await self.open.wait()
        return self.admitted


class Claims:
    """The store's memory of client keys."""

    def __init__(self) -> None:
        self.used: set[bytes] = set()
        self.ready = anyio.Event()
        self.ready.set()

    async def claim(self, fingerprint: bytes) -> bool:
        await self.ready.wait()
        is_new = fingerprint not in self.used
        self.used.add(fingerprint)
        return is_new


@asynccontextmanager
async def connected(
    sessions: Sessions,
    judge: Judge | None = None,
    claim: Callable[[bytes], Awaitable[bool]] | None = None,
    socket: MemorySocket | None = None,
) -> AsyncIterator[MemorySocket]:
    """A data socket that a NaclChannel serves; the far end hangs up at the end."""
    socket = socket or MemorySocket()
    channel = NaclChannel(
        socket, sessions, SERVER, PAIR.secret, claim or Claims().claim, judge or Judge()
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.run)
        yield socket
        socket.hang_up()
