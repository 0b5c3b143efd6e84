"""One TCP address: accepts, gives each connection to an arrival, and keeps those that came in.

The socket is opened and closed by somebody else (core/daemon/doors.py); several listeners share a
Front, which judges and counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Container
from typing import Any, Final, Literal

from websockets.server import ServerProtocol

from sereno.core.listeners.acceptor import Acceptor
from sereno.core.listeners.arrival import Arrival
from sereno.core.listeners.crowd import GRACE_S
from sereno.core.listeners.delivery import Delivery
from sereno.core.listeners.front import Front
from sereno.core.listeners.pump import SIP, Pump, Wire
from sereno.core.listeners.tls import TlsContext, TlsPump
from sereno.core.listeners.websocket import CUT_S, WebSocketChannel
from sereno.core.sessions.channel import Peer

__all__ = ["HELLO_S", "TcpListener"]

HELLO_S: Final = 10.0
"""Seconds until hello; the registry's own are for the unix socket."""
SEND_BUFFER = 1024 * 1024
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class TcpListener:
    """Belongs to one loop."""

    def __init__(
        self, listener: socket.socket, front: Front, *, tls: TlsContext | None = None
    ) -> None:
        self._front = front
        self._acceptor = Acceptor(listener, self._welcome, front.wait)
        self._arrivals: set[Arrival] = set()
        self._channels: set[WebSocketChannel] = set()
        self._deliveries: set[Delivery] = set()
        self._empty: asyncio.Event | None = None
        self._tls = tls
        self.way: Literal["tcp", "tls"] = "tcp" if tls is None else "tls"

    def start(self) -> None:
        self._acceptor.start()

    def stop(self) -> None:
        """Accepts no more; whoever connects now waits for the next daemon. Who did not get in yet
        is let go, and clients stay."""
        self._acceptor.stop()
        for arrival in tuple(self._arrivals):
            arrival.make_room()

    async def wait_closed(self, timeout_s: float) -> None:
        """Until all connections are gone, or the time is over."""
        if self._arrivals or self._channels or self._deliveries:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._empty.wait()

    def drop(
        self, credentials: Container[str], code: int = 4401, reason: str = "Access was changed"
    ) -> None:
        """Closes the connections of these credentials: told at once, cut in half a second (T39).
        Who is being judged at this moment, by rules that were, has to come again."""
        for channel in tuple(self._channels):
            if channel.peer.credential in credentials:
                channel.dismiss(code, reason, CUT_S)
        for delivery in tuple(self._deliveries):
            if delivery.peer.credential in credentials:
                delivery.abort()
        for arrival in tuple(self._arrivals):
            if arrival.is_judged:
                arrival.make_room()

    # Arrivals

    def _welcome(self, connection: socket.socket, address: Any) -> None:
        try:
            local = connection.getsockname()
            _prepare(connection)
        except OSError:
            connection.close()
            return
        arrival = Arrival(
            connection,
            lambda reader: self._wire(connection, reader),
            (str(address[0]), int(address[1])),
            (str(local[0]), int(local[1])),
            self._front,
            self,
        )
        self._arrivals.add(arrival)
        self._front.enter(arrival)
        asyncio.get_running_loop().call_later(GRACE_S, self._front.thin_out, arrival.peer[0])
        arrival.wire.look()  # Most have asked already when they are accepted.

    def _wire(self, connection: socket.socket, reader: Arrival) -> Wire:
        if self._tls is not None:
            return TlsPump(connection, reader, self._tls.current)
        return Pump(connection, reader, chunk=SIP)

    def admitted(self, arrival: Arrival, protocol: ServerProtocol, peer: Peer, rest: bytes) -> None:
        self._forget(arrival)
        self._front.count(peer, 1)
        channel = WebSocketChannel.join(
            protocol, arrival.wire, peer, self._front.sessions, self._gone, hello_s=HELLO_S
        )
        self._channels.add(channel)
        if rest:
            channel.received(rest)
        arrival.wire.resume()

    def delivers(self, arrival: Arrival, peer: Peer) -> Delivery:
        self._forget(arrival)
        self._front.count(peer, 1)
        delivery = Delivery(arrival.wire, peer, self._delivered)
        self._deliveries.add(delivery)
        return delivery

    def _delivered(self, delivery: Delivery) -> None:
        self._deliveries.discard(delivery)
        self._front.count(delivery.peer, -1)
        self._look()

    def departed(self, arrival: Arrival) -> None:
        self._forget(arrival)
        self._look()

    def _forget(self, arrival: Arrival) -> None:
        self._arrivals.discard(arrival)
        self._front.departed(arrival)

    def _gone(self, channel: WebSocketChannel) -> None:
        if channel in self._channels:
            self._channels.discard(channel)
            self._front.count(channel.peer, -1)
        self._look()

    def _look(self) -> None:
        busy = self._arrivals or self._channels or self._deliveries
        if self._empty is not None and not busy:
            self._empty.set()


def _prepare(connection: socket.socket) -> None:
    """No waiting for more to send; and who vanished without a word is noticed in two minutes, for
    nothing else asks whether a client is still there (wire reference 5.5)."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)  # Not every system lets it be set.
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
