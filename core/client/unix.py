"""The way to the home's unix socket on asyncio: who is there, and the short handshake.

Made by Client.connect_unix only; what follows the handshake is transport.py's.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

from sereno.core.client.errors import ClientError, ConnectionLost, NoDaemon
from sereno.core.client.frames import FrameError, read_upgrade, upgrade_request
from sereno.core.client.transport import FrameTransport, upgraded
from sereno.core.home import connect_path

__all__ = ["open_unix"]


async def open_unix(
    path: Path, received: Callable[[list[bytes]], None], ended: Callable[[int, str], None]
) -> FrameTransport:
    """Connects and upgrades. Raises NoDaemon, ConnectionLost; waits for ever if nobody answers."""
    return await upgraded(await _connect(path), lambda: FrameTransport(_Upgrade(), received, ended))


async def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        while True:
            try:
                with connect_path(path) as name:
                    connection.connect(name)
            except BlockingIOError:  # The listener's queue is full: Linux does not wait.
                await asyncio.sleep(0.005)
            else:
                return connection
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        connection.close()
        raise NoDaemon(
            "no_daemon",
            "no daemon runs for this home",
            "Start one with `sereno daemon start`, or open `sereno`",
        ) from None
    except PermissionError:
        connection.close()
        raise NoDaemon(
            "not_allowed",
            f"{path} belongs to another user",
            "Set SERENO_HOME to a home of your own",
        ) from None
    except BaseException:
        connection.close()
        raise


class _Upgrade:
    """The Opening of a home's own socket, where nobody can stand between."""

    def __init__(self) -> None:
        self._head = bytearray()

    def request(self) -> bytes:
        return upgrade_request(os.urandom(16))

    def feed(self, data: bytes) -> bytes | None:
        self._head += data
        try:
            return bytes(self._head) if read_upgrade(self._head) else None
        except FrameError as error:
            raise _refused(str(error)) from error

    def ended(self, error: Exception | None) -> ClientError:
        del error
        return _refused("the connection was closed during the upgrade")


def _refused(words: str) -> ConnectionLost:
    return ConnectionLost(
        f"the daemon refused the connection: {words}", "Look into its log: `sereno doctor`"
    )
