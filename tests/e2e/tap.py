"""What stands between a browser and a daemon, on one port: a page, and a wire that is listened to.

`/page` is answered by the tap and `/report` is taken by it, under whatever name it is called;
everything else goes to the daemon as it came, and is written down together with what the daemon
answered. So one knows that a request was sent at all, and who refused it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import threading
from dataclasses import dataclass, field
from typing import Any, Self

_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LIMIT_S = 30.0


@dataclass
class Seen:
    """A request that reached the daemon. `statuses`: of all answers that it got to it."""

    method: str
    target: str
    headers: dict[str, str]
    statuses: list[int] = field(default_factory=list)

    @property
    def is_upgrade(self) -> bool:
        return "websocket" in self.headers.get("upgrade", "")


class Tap:
    """`daemon`: its port; may be set later than this is started."""

    def __init__(self, page: bytes, daemon: int = 0) -> None:
        self.daemon = daemon
        self.seen: list[Seen] = []
        self.reports: queue.Queue[Any] = queue.Queue()
        self._page = page
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(10)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # It is over.
            near.settimeout(_LIMIT_S)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        """A browser may open a connection and say nothing on it, or leave at any time."""
        with near, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = near.recv(65_536)
                if not piece:
                    return
                head += piece
            top, _, body = head.partition(b"\r\n\r\n")
            seen = _read(top.decode("latin-1"))
            match seen.target.partition("?")[0]:
                case "/page":
                    near.sendall(_response("200 OK", self._page))
                case "/report":
                    while len(body) < int(seen.headers["content-length"]):
                        body += near.recv(65_536)
                    near.sendall(_response("204 No Content", b""))
                    self.reports.put(json.loads(body))
                case _:
                    self.seen.append(seen)
                    self._forward(near, seen, head)

    def _forward(self, near: socket.socket, seen: Seen, head: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self.daemon), _LIMIT_S) as far:
            far.sendall(head)
            back = threading.Thread(target=_pump, args=(near, far), daemon=True)
            back.start()
            heard = b""
            while data := far.recv(65_536):
                heard += data
                seen.statuses[:] = [int(one) for one in _ANSWER.findall(heard)]
                near.sendall(data)
            with contextlib.suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)
            back.join(10)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _read(top: str) -> Seen:
    first, *lines = top.split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return Seen(method, target, {name.lower(): value.strip() for name, _, value in pairs})


def _response(status: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
