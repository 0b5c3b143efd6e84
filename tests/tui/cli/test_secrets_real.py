"""Password, token and one-time codes against a real daemon: who is let in, who is cut off."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sereno.core.security.passwords import matches
from tests.core.daemon.net import bearer, get, port_of
from tests.e2e.harness import SERENO, World

PASSWORD = "correct-horse-battery"
HELLO = {"type": "hello", "clientId": "c1", "clientType": "cli", "protocolVersion": 1}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    daemon = None
    try:
        daemon = made.serve()
        yield made
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    finally:
        made.end()
        if daemon is not None:
            daemon.wait(20)


@contextmanager
def opened(port: int, secret: str | None = None) -> Iterator[ClientConnection]:
    """As the official clients come: the secret is a subprotocol."""
    offered = None if secret is None else [Subprotocol(f"paseo.bearer.{secret}")]
    with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=offered, proxy=None) as socket:
        with suppress(ConnectionClosed):  # It may have been sent away by now.
            socket.send(json.dumps(HELLO))
        yield socket


def is_greeted(socket: ClientConnection) -> bool:
    return "server_info" in str(socket.recv(20))


def end_of(socket: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the daemon closed it."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(20)
    return socket.close_code or 0, socket.close_reason or ""


def test_c42_t39_a_password_shuts_the_door_behind_it(world: World) -> None:
    port = port_of(world.home)
    assert get(port)[0] == 200  # the same user needs nothing
    with opened(port) as before:
        assert is_greeted(before)
        secret = world.root / "secret"
        secret.write_text(PASSWORD)
        said = world.sereno("daemon", "set-password", "--file", str(secret))
        assert "older ones are closed" in said.stdout
        assert end_of(before)[0] == 4401
    assert get(port)[0] == 401
    assert get(port, Authorization=f"Bearer {PASSWORD}x")[0] == 401
    assert get(port, Authorization=f"Bearer {PASSWORD}")[0] == 200
    with opened(port) as stranger:
        assert end_of(stranger) == (4401, "Password required")
    with opened(port, PASSWORD) as friend:
        assert is_greeted(friend)
    assert PASSWORD not in world.home.config.read_text() + world.log()

    old = bearer(world.home)
    assert get(port, Authorization=old)[0] == 200
    with opened(port, old.removeprefix("Bearer ")) as holder:
        assert is_greeted(holder)
        code = urlsplit(world.json("token", "qr", "--force", "--at", "127.0.0.1")["url"])
        (once,) = parse_qs(code.query)["password"]
        assert (code.hostname, code.port) == ("127.0.0.1", port)
        assert once not in old
        with opened(port, once) as guest:
            assert is_greeted(guest)
            with opened(port, once) as second:
                assert end_of(second) == (4401, "Incorrect password")
            world.sereno("token", "rotate")
            assert end_of(guest)[0] == 4401
        assert end_of(holder)[0] == 4401
    assert get(port, Authorization=old)[0] == 401
    assert get(port, Authorization=bearer(world.home))[0] == 200
    assert get(port, Authorization=f"Bearer {PASSWORD}")[0] == 200


ON_TERMINAL = "import os, sys; os.login_tty(int(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])"


def heard(terminal: int, words: bytes) -> bytes:
    """What a terminal shows until these words; all the rest for b""."""
    shown = b""
    with suppress(OSError):  # so a terminal says that its program has ended
        while (not words or words not in shown) and (more := os.read(terminal, 1024)):
            shown += more
    assert words in shown, shown
    return shown


def test_c42_what_is_typed_is_not_shown(tmp_path: Path) -> None:
    world = World(tmp_path)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", ON_TERMINAL, str(theirs), *SERENO, "daemon", "set-password"]
    with subprocess.Popen(command, env=world.env, pass_fds=[theirs]) as child:
        os.close(theirs)
        shown = heard(ours, b"New password: ")
        os.write(ours, PASSWORD.encode() + b"\n")
        shown += heard(ours, b"The same again: ")
        os.write(ours, PASSWORD.encode() + b"\n")
        shown += heard(ours, b"")
    os.close(ours)
    assert child.returncode == 0, shown
    assert b"The password is set." in shown
    assert PASSWORD.encode() not in shown
    kept = tomllib.loads(world.home.config.read_text())["daemon"]["auth"]["password"]
    assert matches(PASSWORD, kept)
