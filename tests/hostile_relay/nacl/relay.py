"""A relay that does nothing by itself: it keeps what each socket says until somebody decides.

In the test's own loop. It speaks of version 2 of the relay's wire what a daemon needs in order to
dial; what is brought to whom, and under what name, is the test's to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

__all__ = ["LIMIT_S", "Hands", "Tap", "hands", "until"]

LIMIT_S = 20.0


class Tap:
    """The relay's end of one socket. `heard`: all that came; `said`: how many were sent."""

    def __init__(self, socket: ServerConnection) -> None:
        self.heard: list[str | bytes] = []
        self.said = 0
        self.over = False
        self._stuck = False
        self._socket = socket

    @property
    def ended(self) -> tuple[int, str] | None:
        """Code and reason of whoever closed it from afar; None where that was not told."""
        told = self._socket.protocol.close_rcvd
        return None if told is None else (told.code, told.reason)

    async def listen(self) -> None:
        try:
            async for frame in self._socket:
                self.heard.append(frame)
        except ConnectionClosed:
            pass
        finally:
            self.over = True

    async def say(self, frame: str | bytes) -> bool:
        """False where nobody is there any more, or nobody has read anything for a while."""
        if self._stuck and self._socket.transport.get_write_buffer_size():
            return False
        try:
            with anyio.move_on_after(0.2) as waiting:
                await self._socket.send(frame)
            self._stuck = waiting.cancelled_caught
        except ConnectionClosed:
            return False
        self.said += 1
        return True

    async def close(self) -> None:
        self.over = True
        await self._socket.close(1001, "Client disconnected")

    def cut(self) -> None:
        self.over = True
        self._socket.transport.abort()

    def stop_reading(self) -> None:
        """Takes nothing any more."""
        self._socket.transport.pause_reading()


class Hands:
    """`clients`: every socket of one, in order. `daemon`: the newest data socket of each name."""

    def __init__(self) -> None:
        self.port = 0
        self.clients: list[Tap] = []
        self.daemon: dict[str, Tap] = {}
        self.control: Tap | None = None

    @property
    def endpoint(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def announce(self, kind: str, **fields: Any) -> None:
        """Something to the daemon, on its control socket."""
        assert self.control is not None
        await self.control.say(json.dumps({"type": kind, **fields}))

    async def dialled(self, name: str) -> Tap:
        """Says that a client of this name is there, and waits for the daemon's new data socket."""
        before = self.daemon.get(name)
        with anyio.fail_after(LIMIT_S):
            while self.daemon.get(name) is before:
                # Again, since under the name of one that is just going away nobody is dialled.
                await self.announce("connected", connectionId=name)
                with anyio.move_on_after(0.1):
                    await until(lambda: self.daemon.get(name) is not before, "the daemon dials")
        return self.daemon[name]

    async def arrived(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        found = parse_qs(urlsplit(connection.request.path).query)
        query = {name: values[0] for name, values in found.items()}
        tap = Tap(connection)
        if query["role"] == "client":
            self.clients.append(tap)
        elif "connectionId" in query:
            self.daemon[query["connectionId"]] = tap
        else:
            await tap.say('{"type":"sync","connectionIds":[]}')
            self.control = tap
        await tap.listen()


async def until(condition: Any, what: str) -> None:
    """Soon after the condition holds; AssertionError naming `what` at the limit."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LIMIT_S
    turns = 0
    while not condition():
        assert loop.time() < deadline, f"not within {LIMIT_S:g} s: {what}"
        turns += 1
        await anyio.sleep(0 if turns < 100 else 0.001)


@asynccontextmanager
async def hands() -> AsyncIterator[Hands]:
    made = Hands()
    async with serve(
        made.arrived,
        "127.0.0.1",
        0,
        compression=None,
        max_size=2**27,
        max_queue=None,
        ping_interval=None,
        close_timeout=1,
    ) as server:
        made.port = next(iter(server.sockets)).getsockname()[1]
        with contextlib.closing(server):
            yield made
