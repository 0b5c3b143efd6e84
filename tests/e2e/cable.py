"""A cable between a client and a daemon that can be pulled: a TCP forwarder on a thread."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Self

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: closing resets the connection, as a router that lost its memory does."""


class Cable:
    """Forwards 127.0.0.1:`port` to another port of this machine, for as long as it is whole."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.said: list[int] = []
        """For each connection the number of times that its client spoke."""
        self._begin()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Whoever is connected is reset, whoever calls is refused."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                    one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._thread.join(10)

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return  # Cut.
            number = len(self.said)
            self.said.append(0)
            try:
                far = socket.create_connection(("127.0.0.1", self._to), 10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            pair = _Pair(self, number, near, far)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=pair.pump, args=(source, sink), daemon=True).start()

    def forget(self, *gone: socket.socket) -> None:
        with self._lock:
            self._open.difference_update(gone)
            for one in gone:
                one.close()


class _Pair:
    def __init__(self, cable: Cable, number: int, near: socket.socket, far: socket.socket) -> None:
        self._cable = cable
        self._number = number
        self._near = near
        self._far = far
        self._lock = threading.Lock()
        self._left = 2

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
                if source is self._near:
                    self._cable.said[self._number] += 1
        except OSError:
            pass  # One of them is gone; the other is told below.
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._cable.forget(self._near, self._far)
