"""Keeps a TCP connection from looking alive after the other end has gone without a word.

A laptop that slept or a router that forgot sends no goodbye. The kernel asks by itself, where it
can be told to; what it cannot be told is left as the system has it.
"""

from __future__ import annotations

import contextlib
import socket

__all__ = ["keep_alive"]

_OPTIONS = (
    ("TCP_KEEPIDLE", 20),  # Seconds of silence before it asks; Linux.
    ("TCP_KEEPALIVE", 20),  # The same; macOS.
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 4),
    ("TCP_USER_TIMEOUT", 40_000),  # Milliseconds for what was sent to be confirmed; Linux.
)


def keep_alive(connection: socket.socket) -> None:
    """Sets what this system knows of it, and sends small frames at once."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
