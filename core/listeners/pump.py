"""Moves bytes between one non-blocking socket and the loop; knows nothing of what they mean.

It exists beside asyncio's transports for one reason: after a failed write they throw away what the
peer had sent before it closed, and a client may send an answer and close at once (wire reference
appendix A, 12). Here everything that arrived is read before the end is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import Protocol

__all__ = ["CHUNK", "HIGH", "SIP", "Pump", "Reader", "Wire"]

HIGH = 256 * 1024
"""Bytes that wait for the socket, beyond which its owner is told `busy`."""
LOW = 64 * 1024
CHUNK = 256 * 1024
SIP = 16 * 1024
"""Bytes read at once from somebody who has not shown who they are."""
_PIECES = 64


class Reader(Protocol):
    """Who is told what the socket does."""

    def received(self, data: bytes) -> None: ...

    def ended(self) -> None:
        """Nothing more will come; the socket is closed. Called once."""

    def busy(self) -> None: ...

    def drained(self) -> None: ...


class Wire(Protocol):
    """What readers know of a pump; the one with TLS (tls.py) looks the same."""

    reader: Reader

    def write(self, data: bytes) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def trust(self) -> None:
        """Reads in large pieces from now on."""

    def look(self) -> None:
        """Reads at once what may be there already."""

    def finish(self) -> None:
        """Sends what waits, then says that nothing more comes; still reads."""

    def close(self) -> None: ...

    def abort(self) -> None: ...


class Pump:
    """Owns the socket from now on. All calls on the loop's thread."""

    def __init__(self, connection: socket.socket, reader: Reader, *, chunk: int = CHUNK) -> None:
        connection.setblocking(False)
        self._socket = connection
        # By number: asked about a socket that it does not know yet, the loop would describe it in
        # words first, which takes two calls of the system.
        self._number = connection.fileno()
        self._chunk = chunk
        self.reader = reader
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[memoryview] = deque()
        self._size = 0
        self._busy = False
        self._deaf = False
        self._mute = False
        self._finishing = False
        self._closing = False
        self._closed = False
        self._loop.add_reader(self._number, self._readable)

    # Out

    def write(self, data: bytes) -> None:
        """Sends, or keeps what the socket does not take. What cannot arrive is dropped."""
        if self._mute or self._finishing or self._closing or self._closed:
            return
        if self._waiting:
            self._keep(memoryview(data))
            return
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._lose()
            return
        if sent < len(data):
            self._keep(memoryview(data)[sent:])

    def _keep(self, piece: memoryview) -> None:
        if not self._waiting:
            self._loop.add_writer(self._number, self._writable)
        self._waiting.append(piece)
        self._size += len(piece)
        if self._size > HIGH and not self._busy:
            self._busy = True
            self.reader.busy()

    def _writable(self) -> None:
        try:
            sent = self._socket.sendmsg(list(self._waiting)[:_PIECES])
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._lose()
            return
        self._size -= sent
        while sent:
            piece = self._waiting.popleft()
            if sent < len(piece):
                self._waiting.appendleft(piece[sent:])
                break
            sent -= len(piece)
        if not self._waiting:
            self._loop.remove_writer(self._number)
        if self._busy and self._size <= LOW:
            self._busy = False
            self.reader.drained()
        if self._closing and not self._waiting:
            self.abort()
        elif self._finishing and not self._waiting:
            self._shut()

    def _lose(self) -> None:
        """The peer reads no more. It may have written before it went: reading goes on."""
        self._mute = True
        if self._waiting:
            self._loop.remove_writer(self._number)
        self._waiting.clear()
        self._size = 0
        if self._closing:
            self.abort()
            return
        self.resume()
        if self._busy:
            self._busy = False
            self.reader.drained()

    # In

    def pause(self) -> None:
        """Reads no more for a while, unless the peer has closed already."""
        if not (self._deaf or self._mute or self._closed):
            self._deaf = True
            self._loop.remove_reader(self._number)

    def resume(self) -> None:
        if self._deaf and not self._closed:
            self._deaf = False
            self._loop.add_reader(self._number, self._readable)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(self._chunk)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self.reader.received(data)
        else:
            self.abort()

    def look(self) -> None:
        """Reads at once what may be there already."""
        if not (self._deaf or self._closed):
            self._readable()

    def trust(self) -> None:
        """Reads in large pieces from now on."""
        self._chunk = CHUNK

    # The end

    def finish(self) -> None:
        """Sends what waits, then says that nothing more comes; what the peer still sends is read,
        for closing with something unread would take from it what it was sent."""
        self._finishing = True
        if not self._waiting and not self._closed:
            self._shut()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):  # The peer may be gone already.
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Sends what waits, then closes."""
        self._closing = True
        if not self._waiting:
            self.abort()

    def abort(self) -> None:
        """Closes now; what was not sent is lost."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._number)
        self._loop.remove_writer(self._number)
        self._socket.close()
        self._waiting.clear()
        self.reader.ended()
