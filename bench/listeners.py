"""Many clients in one process, as cheap as can be: they shake hands, then only count frames.

They count by walking the frame headers, so that the process under test is the one that works.
Run as a program: `python bench/listeners.py PLACE CLIENTS NEEDLE COUNT` prints a line `ready`, and
then, when each client has seen COUNT messages that hold NEEDLE, a JSON line with the figures. PLACE
is a unix socket, or `tcp:PORT` on this machine.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

from websockets.client import ClientProtocol
from websockets.uri import parse_uri


class Listener:
    """One client: counts whole unmasked frames, and those that hold the needle."""

    def __init__(self, path: str, needle: bytes, hello: bytes | None) -> None:
        self.needle = needle
        self.seen = 0
        self.buffer = bytearray()
        if path.startswith("tcp:"):
            self.socket = socket.create_connection(("127.0.0.1", int(path[4:])))
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(path)
        protocol = ClientProtocol(parse_uri("ws://localhost/ws"), max_size=None)
        protocol.send_request(protocol.connect())
        if hello is not None:
            self._exchange(protocol)
            protocol.send_text(hello)
            self.socket.sendall(b"".join(protocol.data_to_send()))
        else:
            self._exchange(protocol)
        self.socket.setblocking(False)

    def _exchange(self, protocol: ClientProtocol) -> None:
        self.socket.sendall(b"".join(protocol.data_to_send()))
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(65536)
        top, rest = head.split(b"\r\n\r\n", 1)
        protocol.receive_data(top + b"\r\n\r\n")
        self.buffer += rest

    def read(self) -> bool:
        """Takes what is there; False when the other side has closed."""
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.buffer += data
        self._walk()
        return True

    def _walk(self) -> None:
        view, at, size = self.buffer, 0, len(self.buffer)
        while size - at >= 2:
            length, head = view[at + 1] & 0x7F, 2
            if length == 126:
                if size - at < 4:
                    break
                length, head = int.from_bytes(view[at + 2 : at + 4], "big"), 4
            elif length == 127:
                if size - at < 10:
                    break
                length, head = int.from_bytes(view[at + 2 : at + 10], "big"), 10
            if size - at < head + length:
                break
            if view.find(self.needle, at + head, at + head + length) >= 0:
                self.seen += 1
            at += head + length
        del view[:at]


def main() -> int:
    path, clients, needle, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    greet = len(sys.argv) < 6 or sys.argv[5] != "bare"
    waiting = selectors.DefaultSelector()
    everybody = []
    for number in range(clients):
        hello = None
        if greet:
            hello = json.dumps(
                {
                    "type": "hello",
                    "clientId": f"bench-{number}",
                    "clientType": "cli",
                    "protocolVersion": 1,
                    "appVersion": "0.1.65",
                }
            ).encode()
        one = Listener(path, needle.encode(), hello)
        everybody.append(one)
        waiting.register(one.socket, selectors.EVENT_READ, one)
    print("ready", flush=True)
    first = last = 0.0
    end = time.monotonic() + 120
    open_clients = clients
    while open_clients and any(one.seen < count for one in everybody):
        if time.monotonic() > end:
            break
        for key, _ in waiting.select(1.0):
            one = key.data
            if not one.read():
                waiting.unregister(one.socket)
                open_clients -= 1
            now = time.perf_counter()
            if one.seen and not first:
                first = now
            last = now
    seen = [one.seen for one in everybody]
    print(json.dumps({"seconds": last - first, "seen": sum(seen), "least": min(seen)}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
