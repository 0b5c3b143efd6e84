"""Clients over TCP, as plain as they come: what a request gets, and one that never stops trying."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from pathlib import Path

from sereno.core.client.blocking import SyncClient
from sereno.core.home import Home
from sereno.core.protocol.additions import DaemonStatus, DaemonStatusResult

PATIENCE = 20.0


def status_of(home: Home) -> DaemonStatusResult:
    """What the daemon says of itself, asked through its own socket."""
    with SyncClient.open(home) as client:
        found = client.request(DaemonStatus(request_id=""))
    assert isinstance(found, DaemonStatusResult)
    return found


def port_of(home: Home) -> int:
    """Of the first TCP address, as the status file says it."""
    record = json.loads(home.status.read_bytes())
    ports = [re.fullmatch(r"[\[\]0-9.:]+:(\d+)", text) for text in record["listen"]]
    return next(int(port[1]) for port in ports if port)


def get(port: int, path: str = "/api/status", **headers: str) -> tuple[int, bytes]:
    """One request on loopback: status and body. Raises OSError when it is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={k.replace("_", "-"): headers[k] for k in headers})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def bearer(home: Home) -> str:
    return f"Bearer {Path(home.root / 'auth_token').read_text().strip()}"


class Caller(threading.Thread):
    """Asks for the health page again and again; counts who was refused a connection."""

    def __init__(self, port: int, pause_s: float = 0.005) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._pause_s = pause_s
        self._over = threading.Event()
        self.answered = 0
        self.refused: list[str] = []
        self.others: list[int] = []
        """What was answered by one that was about to go: it says so and lets them call again."""
        self.worst_s = 0.0

    def run(self) -> None:
        while not self._over.wait(self._pause_s):
            began = time.monotonic()
            try:
                status, _ = get(self._port, "/api/health")
            except ConnectionRefusedError as error:
                self.refused.append(str(error))
            except (OSError, http.client.HTTPException):
                continue  # It was accepted by the one that went: not refused, and calls again.
            else:
                if status != 200:
                    self.others.append(status)
                    continue
                self.answered += 1
                self.worst_s = max(self.worst_s, time.monotonic() - began)

    def __enter__(self) -> Caller:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(PATIENCE)
        assert not self.is_alive()
