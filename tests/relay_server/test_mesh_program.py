"""`sereno relay --nats` as programs that are killed: as installed, a session is back in 10 s."""

from __future__ import annotations

import re
import time
from pathlib import Path

import anyio
import pytest
from websockets.asyncio.client import ClientConnection, connect

from sereno.tui.cli.entry import main
from tests.relay_server.nodes import broker
from tests.relay_server.running import ended, heard
from tests.relay_server.test_program import lines_to, started


async def dialed(url: str, role: str, connection: str | None = None) -> ClientConnection:
    more = "" if connection is None else f"&connectionId={connection}"
    return await connect(f"{url}/ws?serverId=s&v=2&role={role}{more}", proxy=None)


async def announced(url: str, control: ClientConnection) -> ClientConnection:
    """A client of the daemon on another node. One that comes before that node knows of the daemon
    is closed when it does, and dials again."""
    while True:
        client = await dialed(url, "client", "c")
        with anyio.move_on_after(0.5):
            assert await heard(control) == {"type": "connected", "connectionId": "c"}
            return client
        await client.close()


@pytest.mark.nats
async def test_a_client_comes_back_when_the_node_of_its_daemon_is_killed(tmp_path: Path) -> None:
    with broker() as nats:
        await nats.answers()
        words = ("--listen", "127.0.0.1:0", "--nats", nats.url, "--node")
        async with started(tmp_path, *words, "one") as one, started(tmp_path, *words, "two") as two:
            urls = []
            for process, other in ((one, "'two' joined"), (two, "'one' joined")):
                said = await lines_to(process, "listening on")
                found = re.search(r"ws://\S+", said)
                assert found is not None
                urls.append(found[0])
                if other not in said:
                    await lines_to(process, other)
            control = await dialed(urls[0], "server")
            await heard(control)
            client = await announced(urls[1], control)
            one.kill()
            began = time.monotonic()
            assert await ended(client) == (1012, "Node lost")
            control = await dialed(urls[1], "server")
            client = await dialed(urls[1], "client", "d")
            data = await dialed(urls[1], "server", "d")
            await client.send("back")
            assert await heard(data) == "back"
            assert time.monotonic() - began < 10
            await control.close()


@pytest.mark.parametrize(
    "url", ["http://broker", "nats://", "nats://user:secret@:4222", "nats://h:x"]
)
def test_a_broker_s_address_is_refused_in_words(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["relay", "--nats", url]) == 2
    said = capsys.readouterr().err
    assert "The address of the NATS server cannot be read." in said
    assert "secret" not in said


async def test_without_a_broker_it_serves_alone_and_says_so(tmp_path: Path) -> None:
    words = ("--listen", "127.0.0.1:0", "--nats", "nats://127.0.0.1:1")
    with anyio.fail_after(20):
        async with started(tmp_path, *words) as process:
            said = await lines_to(process, "listening on")
            assert "no broker answers" in said
