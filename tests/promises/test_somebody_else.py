"""Somebody else listens where a daemon was expected: what they are told, and what they are not."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.home import Home, prepare
from sereno.core.home.token import load_or_make

REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Listener(threading.Thread):
    """Takes connections on loopback, writes down what they say, and asks for a credential."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.heard: list[bytes] = []

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                connection, _ = self._server.accept()
                with connection:
                    connection.settimeout(20)
                    said = b""
                    while b"\r\n\r\n" not in said and (more := connection.recv(65_536)):
                        said += more
                    self.heard.append(said)
                    connection.sendall(REFUSAL)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.join(20)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    made.start()
    yield made
    made.close()


@pytest.mark.parametrize("by_name", [False, True], ids=["by option", "by variable"])
def test_t36_who_listens_elsewhere_is_not_sent_this_home_s_token(
    listener: Listener, tmp_path: Path, by_name: bool
) -> None:
    home = Home(tmp_path / "home")
    prepare(home)
    token = load_or_make(home).text
    environment = {**os.environ, "SERENO_HOME": str(home.root)}
    environment |= {"SERENO_HOST": listener.host} if by_name else {}
    command = [sys.executable, "-P", "-m", "sereno", "ls"]
    done = subprocess.run(
        command if by_name else [*command, "--host", listener.host],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    assert done.returncode == 9, done.stderr
    assert listener.heard
    assert [said for said in listener.heard if token.encode() in said or b"bearer" in said] == []
    assert [said for said in listener.heard if b"authorization" in said.lower()] == []
    assert token not in done.stdout + done.stderr
