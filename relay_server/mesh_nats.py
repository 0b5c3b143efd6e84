"""Carries the words of nodes over NATS: connects, stays connected, loses what cannot be sent.

Core NATS, no streams. Nothing is repeated here: the numbers of a trunk tell what is missing, and
mesh.py closes what ran over it. While there is no broker this node serves alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from sereno.relay_server.hub import Hub
from sereno.relay_server.mesh import Mesh
from sereno.relay_server.mesh_words import BadWords, decode, encode

__all__ = ["Bridge"]

log = logging.getLogger("sereno.relay")
logging.getLogger("nats.aio.client").setLevel(logging.CRITICAL)  # What matters is said here.

_ALL: Final = "sereno.relay.all"
_ONE: Final = "sereno.relay.node."
_PATIENCE_S: Final = 2.0
_BETWEEN_ATTEMPTS_S: Final = (0.2, 2.0)
_TO_MEET_S: Final = 0.3
"""A node that comes looks round for so long before it takes sockets."""
_ATTEMPT_S: Final = 3 * _PATIENCE_S
_LOOK_S: Final = 0.5
"""How often a node looks whether it is still joined, whatever it was told."""
_MOST_BACKLOG: Final = 64 * 1024 * 1024


class Bridge:
    """`open`, then `leave` and `close`, or `close` alone. All on the loop's thread."""

    def __init__(self, mesh: Mesh, hub: Hub, servers: Sequence[str]) -> None:
        self.mesh = mesh
        self._hub = hub
        self._servers = list(servers)
        self._client: Client | None = None
        self._changed = asyncio.Event()
        self._said = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: list[tuple[str, bytes]] = []
        self._complained = False
        hub.meshed = self._take

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def open(self) -> None:
        """Looks for the broker and the other nodes, for a moment. Goes on looking afterwards."""
        self._tasks = [asyncio.create_task(self._stay()), asyncio.create_task(self._speak())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while not self.connected:
                    self._changed.clear()
                    await self._changed.wait()
        if not self.connected:
            return
        self._hub.tick()
        await asyncio.sleep(_TO_MEET_S)

    def check(self) -> None:
        """Raises what ended a task of this."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def leave(self) -> None:
        """Tells the other nodes that this one goes."""
        self.mesh.leave()
        self._take()
        client = self._client
        if client is None or not client.is_connected:
            return
        waiting, self._waiting = self._waiting, []
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            for subject, data in waiting:
                await client.publish(subject, data)
            await client.flush(1)

    async def close(self) -> None:
        self._hub.meshed = lambda: None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client = None

    # The broker

    async def _stay(self) -> None:
        while True:
            client, lost = Client(), asyncio.Event()
            try:
                async with asyncio.timeout(_ATTEMPT_S):
                    await self._dial(client, lost)
            except (NatsError, OSError, TimeoutError) as error:
                await _let_go(client)
                self._complain(error)
            else:
                self._client, self._complained = client, False
                self._changed.set()
                log.info("joined the broker as node %s", self.mesh.name)
                # The library does not always call back when the broker dies as it is joined.
                while client.is_connected and not lost.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_S):
                            await lost.wait()
                self._client = None
                await _let_go(client)
                self._waiting.clear()
                log.warning("the broker is gone; serving alone until it comes back")
            await asyncio.sleep(random.uniform(*_BETWEEN_ATTEMPTS_S))

    def _complain(self, error: BaseException) -> None:
        if not self._complained:
            self._complained = True
            log.warning("no broker answers (%s); serving alone", type(error).__name__)

    async def _dial(self, client: Client, lost: asyncio.Event) -> None:
        """Without the library's own way to come back: what it would send late has no use."""

        async def closed() -> None:
            lost.set()

        async def failed(error: Exception) -> None:
            # A connection that fails is closed, and `closed` called; the rest is a fault of ours.
            if not isinstance(error, (NatsError, OSError)):
                log.error("another node's words could not be obeyed", exc_info=error)

        await client.connect(
            self._servers,
            name=self.mesh.name,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=int(_PATIENCE_S),
            ping_interval=5,
            no_echo=True,
            closed_cb=closed,
            error_cb=failed,
        )
        for subject in (_ALL, _ONE + self.mesh.node):
            await client.subscribe(subject, cb=self._heard, pending_bytes_limit=_MOST_BACKLOG)
        await client.flush(int(_PATIENCE_S))

    # Words

    async def _heard(self, message: Msg) -> None:
        try:
            words = decode(message.data)
        except BadWords:
            log.warning("somebody who is no node speaks on the broker")
            return
        self._hub.heard(words)

    def _take(self) -> None:
        for note in self.mesh.notes:
            log.info("%s", note)
        self.mesh.notes.clear()
        words = self.mesh.take()
        if self._client is None:
            return
        for node, said in words:
            self._waiting.append((_ALL if node is None else _ONE + node, encode(said)))
        if self._waiting:
            self._said.set()

    async def _speak(self) -> None:
        while True:
            await self._said.wait()
            self._said.clear()
            waiting, self._waiting = self._waiting, []
            client = self._client
            if client is None:
                continue
            try:
                for subject, data in waiting:
                    await client.publish(subject, data)
            except (NatsError, OSError) as error:
                log.debug("not said: %s", error)  # The numbers tell the others.


async def _let_go(client: Client) -> None:
    """Whatever state it is in; closing may itself wait for a broker that is gone."""
    with contextlib.suppress(NatsError, OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            await client.close()
