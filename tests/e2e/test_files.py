"""Files of an agent's folder, on the real daemon: fetched with curl by a one-time token, looked at
through a relay; and an agent's own process that tries the same."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from websockets.sync.client import connect

from sereno.core.protocol.files import ExploredFiles
from sereno.tui.cli import exits
from tests.core.daemon.net import bearer, port_of
from tests.e2e.harness import World, until
from tests.e2e.relay import relay_for
from tests.relay_client.app import Apps

pytestmark = pytest.mark.timeout(120)

HELLO = {"type": "hello", "clientId": "c", "clientType": "mobile", "protocolVersion": 1}
Ask = Callable[..., Any]


def asking(port: int) -> Iterator[Ask]:
    """Asks one request over a WebSocket; gives the payload."""
    with connect(f"ws://127.0.0.1:{port}/ws", open_timeout=20, max_size=None) as client:
        client.send(json.dumps(HELLO))
        client.recv(20)

        def ask(kind: str, **fields: Any) -> Any:
            message = {"type": kind, "requestId": "r", **fields}
            client.send(json.dumps({"type": "session", "message": message}))
            while True:
                payload = json.loads(client.recv(20))["message"]["payload"]
                if payload.get("requestId") == "r":
                    return payload

        yield ask


@pytest.fixture
def ask(world: World) -> Iterator[Ask]:
    """Of a daemon whose agent works in the world's folder."""
    world.serve()
    world.sereno("wait", world.run("say hello"))
    yield from asking(port_of(world.home))


def curl(folder: Path, url: str, *options: str) -> int:
    """Fetches into a folder, under the name that the daemon says; the status."""
    command = ["curl", "--silent", "--max-time", "20", "--write-out", "%{http_code}"]
    command += ["--remote-name", "--remote-header-name", *options, url]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.curl
def test_c77_c78_t70_t74_curl_fetches_what_was_named_and_nothing_else(
    world: World, ask: Ask, tmp_path: Path
) -> None:
    folder, cwd = tmp_path / "fetched", str(world.work)
    folder.mkdir()
    here = f"http://127.0.0.1:{port_of(world.home)}/api/files/download"
    large = os.urandom(3 * 2**20)
    (world.work / "large.bin").write_bytes(large)
    (world.work / 'a"b;c.txt').write_text("quoted")
    (world.work / "out").symlink_to(world.home.root / "auth_token")
    tokens = []
    for path, name, data in (
        ("large.bin", "large.bin", large),
        ('a"b;c.txt', "a_b;c.txt", b"quoted"),
    ):
        told = ask("file_download_token_request", cwd=cwd, path=path)
        assert (told["error"], told["size"]) == (None, len(data))
        tokens.append(told["token"])
        assert curl(folder, f"{here}?token={told['token']}") == 200
        (found,) = folder.iterdir()
        assert found.name == name
        assert found.read_bytes() == data
        found.unlink()
        assert curl(folder, f"{here}?token={told['token']}") == 403
        (found,) = folder.iterdir()
        assert json.loads(found.read_text())["error"] == "Invalid or expired token"
        found.unlink()
    told = ask("file_download_token_request", cwd=cwd, path="large.bin")
    tokens.append(told["token"])
    strange = ("--header", "Host: rebound.example")
    assert curl(folder, f"{here}?token={told['token']}", *strange) == 403
    for cwd_, path in (
        (cwd, "out"),
        (cwd, "../home/auth_token"),
        (str(world.home.root), "auth_token"),
        ("/etc", "passwd"),
    ):
        told = ask("file_download_token_request", cwd=cwd_, path=path)
        assert told["token"] == "", path
        assert told["error"]
    logs = world.log() + (world.root / "daemon.out").read_text()
    assert [token for token in tokens if token in logs] == []
    with sqlite3.connect(world.home.database) as database:
        rows = database.execute("SELECT * FROM audit").fetchall()
    database.close()
    assert [token for token in tokens if token in str(rows)] == []
    assert {"file.offer", "file.fetch"} <= {row[3] for row in rows}
    assert world.json("audit", "verify")["ok"] is True


CHILD = """
import http.client, json, sys
sys.path[:] = json.loads(sys.argv[2])
from pathlib import Path
from sereno.core.client.blocking import SyncClient, RpcError
from sereno.core.home import Home
from sereno.core.protocol.files import ExploreFiles, RequestDownload
home, port, secret, token = Home(Path(sys.argv[1])), int(sys.argv[3]), sys.argv[4], sys.argv[5]
found = []
for message in (
    ExploreFiles(request_id="", cwd=str(Path.cwd()), path=".", mode="list"),
    ExploreFiles(request_id="", cwd=str(Path.cwd()), path="notes.txt", mode="file"),
    RequestDownload(request_id="", cwd=str(Path.cwd()), path="notes.txt"),
):
    with SyncClient.open(home) as client:
        try:
            found.append(type(client.request(message)).__name__)
        except RpcError as error:
            found.append(error.code)
for headers in ({}, {"Authorization": secret}):
    http_ = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    http_.request("GET", "/api/files/download?token=" + token, headers=headers)
    found.append(str(http_.getresponse().status))
Path("tried").write_text(" ".join(found))
"""


@pytest.mark.linux
@pytest.mark.curl
def test_c77_t46_an_agents_own_connection_reads_no_files(
    world: World, ask: Ask, tmp_path: Path
) -> None:
    """By the socket, and over TCP with the token of this home and a token for a file."""
    (world.work / "child.py").write_text(CHILD)
    (world.work / "notes.txt").write_text("for the person")
    port, secret = port_of(world.home), bearer(world.home)
    fields = {"cwd": str(world.work), "path": "notes.txt"}
    token = ask("file_download_token_request", **fields)["token"]
    paths = json.dumps([entry for entry in sys.path if entry])
    words = ["child.py", str(world.home.root), paths, str(port), secret, token]
    agent = world.run("run " + shlex.join([sys.executable, *words]))
    world.sereno("wait", agent, code=exits.ASKS)
    world.sereno("permit", "allow", agent)
    tried = world.work / "tried"
    until(tried.exists, "the attempts")
    until(tried.read_text, "their results")
    assert tried.read_text() == "forbidden forbidden forbidden 403 403"
    url = f"http://127.0.0.1:{port}/api/files/download?token={token}"
    assert curl(tmp_path, url) == 200, "the person's own token was not used up by that"
    assert (tmp_path / "notes.txt").read_text() == "for the person"


async def test_c05_c77_c78_files_are_looked_at_through_a_relay(world: World) -> None:
    """As an official app does; it is a device, which is an operator."""
    data = bytes(range(256)) * 2_000

    def begin() -> str:
        world.serve()
        world.sereno("wait", world.run("say hello"))
        (world.work / "notes.txt").write_text("hello from afar")
        (world.work / "data.bin").write_bytes(data)
        return str(world.json("pair", "--for", "app", "--yes")["url"])

    with relay_for(world):
        link = await anyio.to_thread.run_sync(begin)
        async with Apps() as apps:
            app = await apps.scan(link)
            await app.greet()
            cwd = str(world.work)
            found = await app.ask("file_explorer_request", cwd=cwd, path="notes.txt", mode="file")
            assert isinstance(found, ExploredFiles)
            assert found.file is not None
            assert found.file.content == "hello from afar"
            assert await app.file(cwd=cwd, path="data.bin") == data
            for where, path in ((cwd, "../home/auth_token"), (str(world.home.root), "auth_token")):
                no = await app.ask("file_explorer_request", cwd=where, path=path, mode="file")
                assert isinstance(no, ExploredFiles)
                assert no.file is None
                assert no.error
