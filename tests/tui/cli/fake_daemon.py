"""A scripted daemon on a unix socket or TCP, for what a real one cannot be made to do at will.

It answers each request by a function of its type; what has none gets `unknown_schema`. Data goes
out as given, hostile text included.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve, unix_serve
from websockets.typing import Subprotocol

from sereno.core.protocol.subprotocols import SERENO_V1, bearer64

Message = dict[str, Any]
Answer = Callable[[Message], list[Message]]

SERVER_INFO = {
    "status": "server_info",
    "serverId": "srv_test",
    "version": "9.9.9",
    "features": {"providersSnapshot": True, "sereno": 1},
}


def message(kind: str, payload: Message) -> Message:
    return {"type": kind, "payload": payload}


class FakeDaemon:
    """`answers` maps a request's type to what is sent back; `seen` keeps what was asked."""

    def __init__(self, socket: Path | None, secret: str | None = None) -> None:
        """`socket`: None listens on a free port, where `secret`, if given, has to be shown."""
        self.answers: dict[str, Answer] = {}
        self.seen: list[Message] = []
        self.hellos: list[Message] = []
        self.connections: list[ServerConnection] = []
        self.secret = secret
        self.refused = 0
        self._server = (
            unix_serve(self._handle, str(socket))
            if socket is not None
            else serve(
                self._handle,
                "127.0.0.1",
                0,
                process_request=self._judge,
                subprotocols=[Subprotocol(SERENO_V1)],
            )
        )
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def host(self) -> str:
        """What `--host` takes, over TCP."""
        return f"127.0.0.1:{self._server.socket.getsockname()[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        for connection in self.connections:
            connection.close()
        self._server.shutdown()
        self._thread.join(10)

    def push(self, kind: str, payload: Message) -> None:
        """Send to everybody who is connected."""
        for connection in self.connections:
            self._send(connection, message(kind, payload))

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        shown = request.headers.get("Sec-WebSocket-Protocol", "").split(", ")
        if self.secret is None or bearer64(self.secret) in shown:
            return None
        self.refused += 1
        return connection.respond(HTTPStatus.UNAUTHORIZED, "Incorrect password\n")

    def _handle(self, connection: ServerConnection) -> None:
        try:
            self.hellos.append(json.loads(connection.recv()))
            self._send(connection, message("status", SERVER_INFO))
            self.connections.append(connection)
            for text in connection:
                request = json.loads(text)["message"]
                self.seen.append(request)
                answer = self.answers.get(request["type"], _unknown)
                for reply in answer(request):
                    self._send(connection, reply)
        except ConnectionClosed:
            return

    @staticmethod
    def _send(connection: ServerConnection, content: Message) -> None:
        connection.send(json.dumps({"type": "session", "message": content}))


def _unknown(request: Message) -> list[Message]:
    payload = {
        "requestId": request.get("requestId", ""),
        "requestType": request["type"],
        "error": "Unknown request schema",
        "code": "unknown_schema",
    }
    return [message("rpc_error", payload)]


@contextmanager
def fake_daemon(home: Path) -> Iterator[FakeDaemon]:
    run = home / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    daemon = FakeDaemon(run / "daemon.sock")
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()
