"""The way to the daemon of a Target on asyncio: TCP, TLS or a named unix socket.

The blocking twin is network.py; words for what goes wrong are refusals.py's. Made by
Client.connect_to only; what follows the handshake is transport.py's.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

from sereno.core.client.errors import ClientError
from sereno.core.client.frames import FrameError
from sereno.core.client.keepalive import keep_alive
from sereno.core.client.refusals import of_answer, of_broken, of_network, of_nonsense, of_tls
from sereno.core.client.target import Target
from sereno.core.client.transport import FrameTransport, upgraded
from sereno.core.client.trust import context_of
from sereno.core.client.upgrade import Answer, Handshake
from sereno.core.home import connect_path

__all__ = ["open_target"]

SILENCE_S = 20.0
"""Less than the minute after which proxies and routers forget a quiet connection."""
EACH_S = 5.0
"""For one of several addresses of a name, so that the next one has a turn too."""


async def open_target(
    target: Target, received: Callable[[list[bytes]], None], ended: Callable[[int, str], None]
) -> FrameTransport:
    """Connects, agrees TLS and upgrades. Raises ClientError; waits for ever if nobody answers."""
    context = context_of(target) if target.tls else None
    connection = await (_unix(target) if target.local else _tcp(target))
    try:
        return await upgraded(
            connection,
            lambda: FrameTransport(_Opening(target), received, ended, silence_s=SILENCE_S),
            context,
            target.server_name if context else None,
        )
    except OSError as error:
        raise (of_tls if target.tls else of_broken)(error, target) from error


async def _unix(target: Target) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        with connect_path(Path(target.path)) as name:
            await asyncio.get_running_loop().sock_connect(connection, name)
    except OSError as error:
        connection.close()
        raise of_network(error, target) from error
    except BaseException:
        connection.close()
        raise
    return connection


async def _tcp(target: Target) -> socket.socket:
    """To the first address of the name that answers."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise of_network(error, target) from error
    last: OSError = TimeoutError()
    for number, (family, kind, protocol, _, address) in enumerate(found):
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        alone = number == len(found) - 1
        try:
            async with asyncio.timeout(None if alone else EACH_S):
                await loop.sock_connect(connection, address)
            keep_alive(connection)
        except OSError as error:  # A TimeoutError is one.
            connection.close()
            last = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise of_network(last, target) from last


class _Opening:
    """The Opening over a network."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._handshake = Handshake(target, os.urandom(16))

    def request(self) -> bytes:
        return self._handshake.request()

    def feed(self, data: bytes) -> bytes | None:
        try:
            got = self._handshake.feed(data)
        except FrameError as error:
            raise of_nonsense(error, self._target) from error
        if isinstance(got, Answer):
            raise of_answer(got, self._target)
        return got

    def ended(self, error: Exception | None) -> ClientError:
        if isinstance(error, OSError):
            return of_broken(error, self._target)
        try:
            return of_answer(self._handshake.ended(), self._target)
        except FrameError as nonsense:
            return of_nonsense(nonsense, self._target)
