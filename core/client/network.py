"""A blocking connection to the daemon of a Target, upgraded: TCP, TLS, or a named unix socket.

For core/client/blocking.py, which loads it only when a host was given. Certificates are always
verified: by the system's trust store, or by the file that the target names.
"""

from __future__ import annotations

import os
import socket
import ssl
import time

from sereno.core.client.frames import FrameError
from sereno.core.client.keepalive import keep_alive
from sereno.core.client.refusals import (
    of_answer,
    of_broken,
    of_network,
    of_nonsense,
    of_tls,
    timed_out,
)
from sereno.core.client.target import Target
from sereno.core.client.trust import context_of
from sereno.core.client.upgrade import Answer, Handshake
from sereno.core.home import connect_path

__all__ = ["open_network"]

_CHUNK = 65_536
_EACH_S = 5.0
"""For one of several addresses of a name, so that the next one has a turn too."""


def open_network(target: Target, deadline: float) -> tuple[socket.socket, bytes]:
    """Connects, agrees TLS and upgrades; gives the socket, and what came behind the 101.

    `deadline`: of time.monotonic(). Raises ClientError.
    """
    context = context_of(target) if target.tls else None
    connection = _unix(target, deadline) if target.local else _tcp(target, deadline)
    try:
        if context is not None:
            connection = _with_tls(context, connection, target, deadline)
        return connection, _upgrade(connection, target, deadline)
    except BaseException:
        connection.close()
        raise


def _left(deadline: float) -> float:
    return max(0.01, deadline - time.monotonic())


def _unix(target: Target, deadline: float) -> socket.socket:
    from pathlib import Path

    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_left(deadline))
        with connect_path(Path(target.path)) as name:
            connection.connect(name)
    except OSError as error:
        connection.close()
        raise of_network(error, target) from error
    return connection


def _tcp(target: Target, deadline: float) -> socket.socket:
    """To the first address of the name that answers."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise of_network(error, target) from error
    last: OSError = TimeoutError()
    for number, (family, kind, protocol, _, address) in enumerate(found):
        if time.monotonic() > deadline:
            break
        alone = number == len(found) - 1
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(deadline) if alone else min(_EACH_S, _left(deadline)))
            connection.connect(address)
            keep_alive(connection)
        except OSError as error:
            connection.close()
            last = error
        else:
            return connection
    raise of_network(last, target) from last


def _with_tls(
    context: ssl.SSLContext, connection: socket.socket, target: Target, deadline: float
) -> ssl.SSLSocket:
    try:
        connection.settimeout(_left(deadline))
        return context.wrap_socket(connection, server_hostname=target.server_name)
    except OSError as error:
        raise of_tls(error, target) from error


def _upgrade(connection: socket.socket, target: Target, deadline: float) -> bytes:
    handshake = Handshake(target, os.urandom(16))
    try:
        connection.settimeout(_left(deadline))
        connection.sendall(handshake.request())
        while True:
            connection.settimeout(_left(deadline))
            data = connection.recv(_CHUNK)
            got = handshake.feed(data) if data else handshake.ended()
            if isinstance(got, Answer):
                raise of_answer(got, target)
            if got is not None:
                return got
    except FrameError as error:
        raise of_nonsense(error, target) from error
    except TimeoutError:
        raise timed_out(target) from None
    except OSError as error:
        raise of_broken(error, target) from error
