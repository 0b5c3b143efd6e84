"""The home's unix socket: bound privately, accepted from the same user only.

Owns the listening descriptor, the count of connections, and the question who connects. What they
say is read by websocket.py and judged by core/sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Callable, Container
from pathlib import Path

from sereno.core.home import connect_path, explained
from sereno.core.listeners.acceptor import Acceptor, turn_away
from sereno.core.listeners.websocket import CUT_S, WebSocketChannel
from sereno.core.security.peers import Credentials, credentials_of
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.registry import Sessions

__all__ = ["UnixListener", "adopt", "bind"]

log = logging.getLogger("sereno.listeners")

BACKLOG = 1024
"""Clients that wait while the daemon changes hands."""
MOST = 1_000
"""Open connections."""
MOST_OF_AGENTS = 32
"""Of these, connections of processes that agents started: they must not shut the person out."""
SEND_BUFFER = 1024 * 1024
"""Bytes that the kernel keeps for a client, as far as the system allows: a list of all agents is
then one write, and no second turn of the loop."""
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def bind(path: Path) -> socket.socket:
    """A listening socket at `path`, 0600, put there by rename over whatever was left.

    Only for the holder of the home's lock: then whatever stands there is stale. Nobody ever finds
    the name missing, or a socket there that does not listen. Raises HomeError.
    """
    # The lock is held, so the name need not be secret; it must only be free.
    staged = path.with_name(f".{secrets.token_hex(4)}.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with explained(path):
            with connect_path(staged) as name:
                listener.bind(name)
            staged.chmod(0o600)
            listener.listen(BACKLOG)
            staged.replace(path)
    except BaseException:
        listener.close()
        with contextlib.suppress(OSError):
            staged.unlink()
        raise
    listener.setblocking(False)
    return listener


def adopt(fd: int, path: Path) -> socket.socket:
    """A listening socket that the last daemon of this home left as descriptor `fd`.

    When it is not what it should be, or its name is gone, a new one is bound.
    """
    try:
        os.set_inheritable(fd, False)
        listener = socket.socket(fileno=fd)
    except OSError as error:
        log.warning("descriptor %d is no socket (%s): binding anew", fd, error)
        return bind(path)
    listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listener.family is not socket.AF_UNIX or not listening or not path.is_socket():
        log.warning("descriptor %d is not this home's socket: binding anew", fd)
        listener.close()
        return bind(path)
    listener.setblocking(False)
    return listener


class UnixListener:
    """Accepts clients and gives each to the sessions. Belongs to one loop."""

    def __init__(
        self,
        listener: socket.socket,
        sessions: Sessions,
        judge: Callable[[Credentials], Peer | None],
        *,
        most: int = MOST,
    ) -> None:
        """`judge` says who a peer is, or None to refuse it."""
        self._listener = listener
        self._sessions = sessions
        self._judge = judge
        self._most = most
        self._channels: dict[WebSocketChannel, Role] = {}
        self._acceptor = Acceptor(listener, self._welcome)
        self._empty: asyncio.Event | None = None

    @property
    def fd(self) -> int:
        return self._listener.fileno()

    def start(self) -> None:
        self._acceptor.start()

    def stop(self) -> None:
        """Accepts no more. Clients that connect now wait in the queue of the socket, if anybody
        else holds a duplicate of it; open connections go on."""
        self._acceptor.stop()

    def drop(
        self, credentials: Container[str], code: int = 4401, reason: str = "Access was changed"
    ) -> None:
        """Closes the connections of these credentials: told at once, cut in half a second."""
        for channel in tuple(self._channels):
            if channel.peer.credential in credentials:
                channel.dismiss(code, reason, CUT_S)

    def close(self) -> None:
        """Closes this process's descriptor; never shuts the socket down for others."""
        self.stop()
        self._listener.close()

    async def wait_closed(self, timeout_s: float) -> None:
        """Until all connections are gone, or the time is over."""
        if self._channels:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._empty.wait()

    def _gone(self, channel: WebSocketChannel) -> None:
        self._channels.pop(channel, None)
        if not self._channels and self._empty is not None:
            self._empty.set()

    def _welcome(self, connection: socket.socket, _: object) -> None:
        try:
            credentials = credentials_of(connection)
            peer = self._judge(credentials)
        except OSError as error:
            log.warning("cannot tell who connects: %s", error)
            peer = None
        if peer is None:
            turn_away(connection, _REFUSED)
            return
        if not self._has_room(peer):
            turn_away(connection, _FULL)
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        channel = WebSocketChannel.welcome(connection, peer, self._sessions, self._gone)
        self._channels[channel] = peer.role

    def _has_room(self, peer: Peer) -> bool:
        if peer.role is Role.AGENT:
            of_agents = sum(role is Role.AGENT for role in self._channels.values())
            if of_agents >= MOST_OF_AGENTS:
                return False
        return len(self._channels) < self._most
