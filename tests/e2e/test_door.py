"""The front door of the real program: other people's clients over TCP, who gets in and who does
not, and what happens to those inside when the rules, the certificate or the daemon change."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sereno.core.security.passwords import hash_new
from tests import certificates
from tests.core.daemon.net import bearer, get, port_of
from tests.e2e.harness import World, terminal, until

pytestmark = pytest.mark.timeout(120)

HELLO = {"type": "hello", "clientId": "c", "clientType": "cli", "protocolVersion": 1}
OURS = [Subprotocol("sereno.v1")]
PASSWORD = "a-long-password.of-ours"


@contextlib.contextmanager
def greeted(port: int, **options: Any) -> Iterator[ClientConnection]:
    """A client of the websockets library that has heard server_info."""
    scheme = "wss" if "ssl" in options else "ws"
    url = f"{scheme}://127.0.0.1:{port}/ws"
    with connect(url, open_timeout=20, close_timeout=1, **options) as client:
        client.send(json.dumps(HELLO))
        assert '"server_info"' in str(client.recv(20))
        yield client


def agents(client: ClientConnection) -> Any:
    request = {"type": "fetch_agents_request", "requestId": "f"}
    client.send(json.dumps({"type": "session", "message": request}))
    while True:
        answer = json.loads(client.recv(20))["message"]
        if answer["payload"].get("requestId") == "f":
            return answer


def refusal(port: int, **options: Any) -> tuple[int, str]:
    """Status of the upgrade, or code of the close after it; with the reason."""
    try:
        with connect(f"ws://127.0.0.1:{port}/ws", open_timeout=20, **options) as client:
            client.recv(20)
    except InvalidStatus as error:
        return error.response.status_code, error.response.body.decode()
    except ConnectionClosed as error:
        return _told(error)
    raise AssertionError("it was let in")


def _told(error: ConnectionClosed) -> tuple[int, str]:
    return (1006, "") if error.rcvd is None else (error.rcvd.code, error.rcvd.reason)


def closed(client: ClientConnection) -> int:
    """Waits for the daemon's close; gives its code."""
    try:
        while True:
            client.recv(20)
    except ConnectionClosed as error:
        return _told(error)[0]


def set_password(world: World, password: str | None) -> None:
    """As the file stands after `daemon set-password`; a cheap hash for the sake of time."""
    words = "" if password is None else f'[daemon.auth]\npassword = "{hash_new(password, 4)}"\n'
    world.configure(words)


def test_c39_who_gets_in_on_loopback_and_who_does_not(world: World) -> None:
    """C-41, T21, T22, T37 and the same-user rule, by the program as installed."""
    world.serve()
    port, token = port_of(world.home), bearer(world.home)
    assert get(port, "/api/health") == (200, b'{"status":"ok"}')
    status, body = get(port)
    assert status == 200
    assert json.loads(body)["listen"] == f"127.0.0.1:{port}"
    assert get(port, Host="rebound.example.com")[0] == 403
    assert get(port, Host="localhost.:80")[0] == 200
    assert get(port, X_Forwarded_For="192.0.2.1")[0] == 401
    assert get(port, X_Forwarded_For="192.0.2.1", Authorization=token)[0] == 200
    with greeted(port) as client:
        assert agents(client)["payload"]["entries"] == []
    assert refusal(port, origin="https://evil.example.com")[0] == 403
    assert refusal(port, additional_headers={"X-Forwarded-For": "::1"})[0] == 4401
    with greeted(port, additional_headers={"Authorization": token}, subprotocols=OURS):
        pass


AS_NOBODY = """
import os, sys, encodings.idna, http.client, socket
os.setgroups([]); os.setgid(65534); os.setuid(65534)
port, token = int(sys.argv[1]), sys.argv[2]
def get(**headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    c.request("GET", "/api/status", headers=headers)
    return c.getresponse().status
print(get(), get(Authorization=token))
"""


@pytest.mark.linux
def test_c39_another_user_of_this_machine_needs_a_credential(world: World) -> None:
    world.serve()
    port, token = port_of(world.home), bearer(world.home)
    if os.geteuid() == 0:
        command = [sys.executable, "-c", AS_NOBODY, str(port), token]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert done.stdout.split() == ["401", "200"]
    else:
        # Nobody else can be made: one that no process of ours seems to hold is as strange to it.
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            client.sendall(b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100).startswith(b"HTTP/1.1 401")
    assert get(port)[0] == 200


def test_c40_t39_a_password_that_is_set_closes_who_had_none_within_a_second(world: World) -> None:
    daemon = world.serve()
    port = port_of(world.home)
    official = {"subprotocols": [f"paseo.bearer.{PASSWORD}"]}
    with greeted(port) as before, greeted(port, **official) as echoed:
        assert echoed.subprotocol == official["subprotocols"][0]
        set_password(world, PASSWORD)
        daemon.send_signal(signal.SIGHUP)
        assert closed(before) == 4401
        assert closed(echoed) == 4401
    assert refusal(port) == (4401, "Password required")
    wrong = {"subprotocols": ["paseo.bearer.wrong"]}
    assert refusal(port, **wrong) == (4401, "Incorrect password")
    ours = refusal(port, subprotocols=OURS)
    assert ours[0] == 401
    assert get(port)[0] == 401
    assert get(port, "/api/health")[0] == 200
    assert get(port, Authorization=f"Bearer {PASSWORD}")[0] == 200
    assert get(port, Authorization=bearer(world.home))[0] == 200
    with greeted(port, **official) as client, world.client():
        assert client.subprotocol == official["subprotocols"][0]
        set_password(world, "another-password-of-ours")
        began = time.monotonic()
        daemon.send_signal(signal.SIGHUP)
        assert closed(client) == 4401
        assert time.monotonic() - began < 5, "a second, on a machine that has one"
        set_password(world, None)
        daemon.send_signal(signal.SIGHUP)
        until(lambda: let_in(port), "no password any more")


def let_in(port: int) -> bool:
    """Whoever is being judged while the rules change is cut off and has to come again."""
    try:
        return get(port)[0] == 200
    except (OSError, HTTPException):
        return False


def test_a_reload_leaves_clients_connected(world: World) -> None:
    daemon = world.serve()
    port = port_of(world.home)
    with greeted(port) as client:
        world.configure('[daemon]\nhostnames = [".example.com"]\n')
        daemon.send_signal(signal.SIGHUP)
        until(lambda: get(port, Host="box.example.com")[0] == 200, "the new rule")
        assert agents(client)["type"] == "fetch_agents_response"


def test_c42_t74_the_password_of_a_container_is_a_variable_and_no_agent_sees_it(
    world: World,
) -> None:
    world.env["SERENO_PASSWORD"] = PASSWORD
    world.env["SERENO_LISTEN"] = "0.0.0.0:0"
    daemon = world.serve()
    port = port_of(world.home)
    assert get(port)[0] == 401
    assert get(port, Authorization=f"Bearer {PASSWORD}")[0] == 200
    status = world.json("daemon", "status")
    assert "every network" in status["doors"][0]["warning"]
    world.sereno("run", "--provider", "demo", "help")
    for pid in world.processes():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            assert pid == daemon.pid or PASSWORD.encode() not in file.read()
    assert PASSWORD not in world.log()
    assert PASSWORD not in (world.root / "daemon.out").read_text()


def test_t25_tls_and_a_new_certificate_without_a_restart(world: World) -> None:
    first = certificates.made(world.root / "tls", "IP:127.0.0.1")
    world.configure(f'[daemon.tls]\ncert = "{first.cert}"\nkey = "{first.key}"\n')
    daemon = world.serve()
    port = port_of(world.home)
    trust_first = ssl.create_default_context(cafile=str(first.cert))
    with greeted(port, ssl=trust_first) as client:
        certificates.made(world.root / "tls", "IP:127.0.0.1")
        trust_second = ssl.create_default_context(cafile=str(first.cert))
        daemon.send_signal(signal.SIGHUP)

        def renewed() -> bool:
            try:
                with greeted(port, ssl=trust_second):
                    return True
            except ssl.SSLError:
                return False

        until(renewed, "the new certificate")
        with pytest.raises(ssl.SSLError):
            connect(f"wss://127.0.0.1:{port}/ws", ssl=trust_first)
        assert agents(client)["type"] == "fetch_agents_response"
        first.key.write_text("no key")
        daemon.send_signal(signal.SIGHUP)
        until(lambda: "the encryption is kept as it was" in world.log(), "the refusal")
        assert "go on with the certificate of before" in world.log()
        assert renewed()


class Comer(threading.Thread):
    """A client that connects again whenever it is cut off, as people's clients do."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.over = threading.Event()
        self.greeted = 0
        self.refused: list[str] = []
        self.codes: list[int] = []

    def run(self) -> None:
        while not self.over.is_set():
            try:
                with greeted(self._port) as client:
                    self.greeted += 1
                    while not self.over.is_set():
                        with contextlib.suppress(TimeoutError):
                            client.recv(0.05)
            except ConnectionRefusedError as error:
                self.refused.append(str(error))
            except ConnectionClosed as error:
                self.codes.append(error.rcvd.code if error.rcvd else 1006)
            except (OSError, EOFError, InvalidStatus):
                continue  # It was accepted by the one that went.


def test_a_client_on_tcp_comes_back_over_kill_9_and_restarts(world: World) -> None:
    world.start()
    port = port_of(world.home)
    comer = Comer(port)
    comer.start()
    try:
        for times in (1, 2, 3):
            until(lambda times=times: comer.greeted >= times, "the greeting")  # type: ignore[misc]
            if times == 2:
                world.sereno("daemon", "restart")
            else:
                world.kill_daemon()
        until(lambda: comer.greeted >= 4, "the last greeting")
    finally:
        comer.over.set()
        comer.join(30)
    assert comer.refused == []
    assert 4401 not in comer.codes
    assert port_of(world.home) == port


TRY = """
import http.client, json, sys
from websockets.sync.client import connect
port, victim, request = int(sys.argv[1]), sys.argv[2], sys.argv[3]
token = {"Authorization": "Bearer " + open(sys.argv[4]).read().strip()}
said = []
for more in ({}, {"additional_headers": token, "subprotocols": ["sereno.v1"]}):
    with connect(f"ws://127.0.0.1:{port}/ws", **more) as client:
        client.send(json.dumps({"type": "hello", "clientId": "evil", "clientType": "cli",
                                "protocolVersion": 1}))
        client.recv(20)
        for message in (
            {"type": "agent_permission_response", "agentId": victim, "requestId": request,
             "response": {"behavior": "allow"}},
            {"type": "shutdown_server_request", "requestId": "s"},
        ):
            client.send(json.dumps({"type": "session", "message": message}))
            answer = json.loads(client.recv(20))["message"]
            said.append(answer["payload"].get("code") or answer["type"])
open("said.tmp", "w").write(" ".join(said))
import os; os.rename("said.tmp", "said")
"""


def test_t46_an_agent_is_one_over_tcp_too_whatever_it_knows(world: World) -> None:
    """Also with the daemon's own token, which a process of the same user can read."""
    world.serve()
    port = port_of(world.home)
    victim = world.run("run echo dangerous")
    world.sereno("wait", victim, code=7)
    [asked] = world.json("permit", "ls")
    (world.work / "try.py").write_text(TRY)
    token = world.home.root / "auth_token"
    words = f"{sys.executable} try.py {port} {victim} {asked['id']} {token}"
    evil = world.run(f"run {words}")
    world.sereno("wait", evil, code=7)
    world.sereno("permit", "allow", evil, "--all")
    until((world.work / "said").exists, "the attempts")
    assert (world.work / "said").read_text().split() == ["forbidden"] * 4
    assert [one["id"] for one in world.json("permit", "ls")] == [asked["id"]]


@pytest.mark.tmux
def test_the_screen_starts_without_an_address_that_is_taken(world: World) -> None:
    """A Paseo daemon on the same port must not keep anybody from working."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        world.env["SERENO_LISTEN"] = taken = f"127.0.0.1:{other.getsockname()[1]}"
        with terminal(world) as window:
            until(lambda: world.json("daemon", "status", code=None)["running"], "the daemon")
            status = world.json("daemon", "status")
            assert status["embedded"] is True
            assert status["listen"] == [str(world.home.socket)]
            [door] = status["doors"]
            assert f"{taken} cannot be opened" in door["error"]
            assert f"{taken} cannot be opened" in world.sereno("daemon", "status").stdout
            assert f"{taken} cannot be opened" in world.sereno("doctor", code=None).stdout
            assert window.screen().strip()
