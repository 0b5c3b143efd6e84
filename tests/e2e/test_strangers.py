"""Programs of other people at the front door of the real daemon: curl, the `websockets` library of
Python, and the `ws` library and wscat of Node with exactly what the official clients send."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from sereno.core.security.passwords import hash_new
from tests import certificates
from tests.conftest import AGENTS
from tests.core.daemon.net import bearer, port_of
from tests.e2e.harness import World

PASSWORD = "a-long-password.of-ours"
HELLO = json.dumps({"type": "hello", "clientId": "c", "clientType": "cli", "protocolVersion": 1})
PING = json.dumps({"type": "session", "message": {"type": "ping", "requestId": "p"}})


def guard(world: World) -> None:
    """From its start the daemon wants PASSWORD; the hash is a cheap one, for the sake of time."""
    world.configure(f'[daemon.auth]\npassword = "{hash_new(PASSWORD, 4)}"\n')


@dataclass(frozen=True)
class Answer:
    """`status`: 0 where curl heard no HTTP; `code`: of curl itself."""

    status: int
    body: str
    code: int


def curl(url: str, *options: str) -> Answer:
    command = ["curl", "--silent", "--max-time", "20", "--write-out", "\n%{http_code}"]
    done = subprocess.run([*command, *options, url], capture_output=True, text=True, timeout=30)
    body, _, status = done.stdout.rpartition("\n")
    return Answer(int(status), body, done.returncode)


@pytest.mark.curl
def test_curl(world: World) -> None:
    world.serve()
    port = port_of(world.home)
    here = f"http://127.0.0.1:{port}"
    assert curl(f"{here}/api/health") == Answer(200, '{"status":"ok"}', 0)
    status = curl(f"{here}/api/status")
    assert status.status == 200
    assert json.loads(status.body)["listen"] == f"127.0.0.1:{port}"
    # By a name: it sends the name and finds the same machine.
    assert curl(f"http://localhost:{port}/api/status").status == 200
    rebound = ("--resolve", f"evil.test:{port}:127.0.0.1")
    assert curl(f"http://evil.test:{port}/api/status", *rebound) == Answer(
        403, '{"error":"Invalid Host header"}', 0
    )
    foreign = ("--header", "Origin: http://evil.test")
    assert curl(f"{here}/api/status", *foreign).status == 403
    upgrade = (
        *("--header", "Connection: Upgrade", "--header", "Upgrade: websocket"),
        *("--header", "Sec-WebSocket-Version: 13"),
        *("--header", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    )
    assert curl(f"{here}/ws", *upgrade, *foreign) == Answer(403, "Origin not allowed\n", 0)
    # Let in: 101, and then nothing that curl can read, until it has waited long enough.
    entered = curl(f"{here}/ws", *upgrade, "--http1.1", "--max-time", "0.5")
    assert entered.status == 101
    assert curl(f"{here}/ws").status == 426
    assert curl(f"{here}/nothing").status == 404
    assert curl(f"{here}/api/status", "--head").status == 200
    assert curl(f"{here}/api/status", "--data", "a=b").status == 415
    assert curl(f"{here}/api/status", "--request", "DELETE").status == 405
    assert curl(f"{here}/api/status", "--request", "OPTIONS").status == 204
    # What it does not speak it says, or goes on in HTTP/1.1, but never hangs.
    assert curl(f"{here}/api/status", "--http2").status == 200
    assert curl(f"{here}/api/status", "--http2-prior-knowledge").code != 0
    assert curl(f"{here}/api/status", "--http1.0").status in (200, 400, 505)
    assert curl(f"https://127.0.0.1:{port}/api/status").code == 35
    assert curl(f"{here}/api/health").status == 200


@pytest.mark.curl
def test_curl_with_a_password_over_tls(world: World) -> None:
    made = certificates.made(world.root / "tls", "IP:127.0.0.1", "DNS:localhost")
    tls = f'[daemon.tls]\ncert = "{made.cert}"\nkey = "{made.key}"\n'
    world.configure(f'[daemon.auth]\npassword = "{hash_new(PASSWORD, 4)}"\n{tls}')
    world.serve()
    place = f"https://localhost:{port_of(world.home)}/api/status"
    trusting = ("--cacert", str(made.cert))
    assert curl(place).code == 60, "nobody vouches for the certificate"
    assert curl(place, *trusting) == Answer(
        401, '{"error":"Unauthorized","message":"Password required"}', 0
    )
    password = ("--header", f"Authorization: Bearer {PASSWORD}")
    assert curl(place, *trusting, *password).status == 200
    assert curl(place, *trusting, *password, "--http2", "--tls-max", "1.2").status == 200
    token = ("--header", f"Authorization: {bearer(world.home)}")
    assert curl(place, *trusting, *token).status == 200
    wrong = ("--header", "Authorization: Bearer wrong")
    assert curl(place, *trusting, *wrong).status == 401
    assert curl(place, *trusting, "--tls-max", "1.1").code == 35
    plain = curl(place.replace("https", "http"))
    assert (plain.status, plain.body.partition(":")[0]) == (400, "This address speaks TLS")


def official(url: str, password: str) -> Any:
    """By the `ws` library of Node; see agents/client.mjs for what it gives."""
    return json.loads(node("client.mjs", url, password))


def node(*command: str) -> str:
    done = subprocess.run(
        ["node", *command], cwd=AGENTS, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


@pytest.mark.node
def test_the_ws_library_with_the_headers_of_the_official_clients(world: World) -> None:
    guard(world)
    world.serve()
    url = f"ws://127.0.0.1:{port_of(world.home)}/ws"
    entered = official(url, PASSWORD)
    assert entered["protocol"] == f"paseo.bearer.{PASSWORD}"
    assert entered["extensions"] == ""
    assert entered["heard"][0] == "server_info"
    assert entered["heard"][-1] == "pong"
    assert entered["code"] == 1000
    refused = official(url, "wrong")
    assert refused["heard"] == []
    assert (refused["code"], refused["reason"]) == (4401, "Incorrect password")


@pytest.mark.node
def test_wscat(world: World) -> None:
    guard(world)
    world.serve()
    url = f"ws://127.0.0.1:{port_of(world.home)}/ws"
    assert "pong" in wscat(url, "--subprotocol", f"paseo.bearer.{PASSWORD}")
    token = ("--header", f"Authorization: {bearer(world.home)}")
    assert "pong" in wscat(url, "--subprotocol", "sereno.v1", *token)
    assert wscat(url, "--subprotocol", "paseo.bearer.wrong") == []
    assert wscat(url, "--subprotocol", "sereno.v1") == []


def wscat(url: str, *options: str) -> Sequence[str]:
    """What it printed, as types of messages, until a pong or its end."""
    command = ["node_modules/.bin/wscat", "--connect", url, "--wait", "-1", *options]
    process = subprocess.Popen(
        [*command, "--execute", HELLO, "--execute", PING],
        cwd=AGENTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    heard: list[str] = []
    limit = threading.Timer(30, process.kill)
    limit.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                heard.append(json.loads(line)["message"]["type"])
            if heard[-1:] == ["pong"]:
                break
    finally:
        process.communicate()
        limit.cancel()
    assert limit.finished.is_set()
    return heard


def test_the_websockets_library_with_the_headers_of_the_official_clients(world: World) -> None:
    guard(world)
    world.serve()
    # A name in the address, and an offer of compression, which is declined.
    with connect(
        f"ws://localhost:{port_of(world.home)}/ws",
        subprotocols=[Subprotocol(f"paseo.bearer.{PASSWORD}")],
        additional_headers={"Authorization": f"Bearer {PASSWORD}"},
        compression="deflate",
        open_timeout=20,
    ) as client:
        assert client.subprotocol == f"paseo.bearer.{PASSWORD}"
        assert client.protocol.extensions == []
        client.send(HELLO)
        assert '"server_info"' in str(client.recv(20))
        client.send(PING.encode())
        assert '"pong"' in str(client.recv(20))
        assert client.ping(b"are you there").wait(20)
        client.send(["", PING[:9], PING[9:]])
        assert '"pong"' in str(client.recv(20))
