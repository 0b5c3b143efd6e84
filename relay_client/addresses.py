"""Connects to the first of a name's addresses that answers: each next one is tried as well, after a
quarter of a second or as soon as one refused (RFC 8305).

asyncio can do that too, but loses the socket when it is cancelled at the wrong moment.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import anyio

__all__ = ["NEXT_S", "connect_tcp"]

NEXT_S = 0.25
_Address = tuple[int, int, int, str, Any]


async def connect_tcp(host: str, port: int) -> socket.socket:
    """A connected socket that does not block; the caller's to close. Raises OSError, and
    UnicodeError for what cannot be a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    race = _Race()
    try:
        await race.run(found)
    except BaseException:
        if race.winner is not None:
            race.winner.close()
        raise
    if race.winner is None:
        raise race.errors[0] if race.errors else OSError("the name has no address")
    return race.winner


class _Race:
    def __init__(self) -> None:
        self.winner: socket.socket | None = None
        self.errors: list[OSError] = []

    async def run(self, addresses: Sequence[_Address]) -> None:
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                over = anyio.Event()
                tasks.start_soon(self._try, address, over, tasks.cancel_scope)
                with anyio.move_on_after(NEXT_S):
                    await over.wait()

    async def _try(self, address: _Address, over: anyio.Event, others: anyio.CancelScope) -> None:
        family, kind, protocol, _, where = address
        connection: socket.socket | None = None
        try:
            connection = socket.socket(family, kind, protocol)
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connection, where)
        except OSError as error:
            self.errors.append(error)
        else:
            if self.winner is None:
                self.winner, connection = connection, None
                others.cancel()
        finally:
            if connection is not None:
                connection.close()
            over.set()
