"""Other people's clients at a TCP address: Python's websockets, curl, and the WebSocket of Node."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import anyio
import anyio.to_thread
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Subprotocol

from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from tests.core.listeners.house import HELLO, PING
from tests.core.listeners.street import PASSWORD, hashed, settings, street

TEXT = (HELLO % (b"c1", b"cli")).decode()


async def test_c05_c40_python_websockets_connects_asks_and_is_refused() -> None:
    async with street(settings(password_hash=hashed())) as place:
        right = [Subprotocol(f"paseo.bearer.{PASSWORD}")]
        async with connect(place.ws, subprotocols=right, proxy=None) as client:
            assert client.subprotocol == right[0]
            await client.send(TEXT)
            assert "server_info" in str(await client.recv())
            await client.send(PING.decode())
            assert "pong" in str(await client.recv())
        async with connect(
            place.ws, subprotocols=[Subprotocol("paseo.bearer.x")], proxy=None
        ) as wrong:
            with pytest.raises(ConnectionClosedError) as closed:
                await wrong.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
                4401,
                "Incorrect password",
            )
        strange: tuple[dict[str, Any], ...] = (
            {"subprotocols": [SERENO_V1, bearer64("x")]},
            {"origin": "https://evil.example"},
            {"additional_headers": {"Host": "evil.example"}},
        )
        for more in strange:
            with pytest.raises(InvalidStatus):
                await connect(place.ws, proxy=None, **more)


def curl(*words: str) -> tuple[int, str]:
    """Status and body."""
    command = ["curl", "-sS", "--noproxy", "*", "-m", "10", "-w", "\n%{http_code}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.curl
async def test_c05_c40_curl_asks_every_route() -> None:
    async with street(settings(password_hash=hashed())) as place:

        async def asked(path: str, *words: str) -> tuple[int, str]:
            return await anyio.to_thread.run_sync(lambda: curl(place.url + path, *words))

        bearer = ("-H", f"Authorization: Bearer {PASSWORD}")
        assert await asked("/api/health") == (200, '{"status":"ok"}')
        status, body = await asked("/api/status")
        assert (status, json.loads(body)["error"]) == (401, "Unauthorized")
        status, body = await asked("/api/status", *bearer)
        assert (status, json.loads(body)["serverId"]) == (200, "srv_test")
        assert (await asked("/api/status", "-I", *bearer))[0] == 200
        assert (await asked("/api/health", "-H", "Host: evil.example"))[0] == 403
        assert (await asked("/api/health", "-H", "Origin: https://evil.example"))[0] == 403
        assert (await asked("/api/status", "--http1.0", *bearer))[0] == 200
        # A form of a page (T22); and a body that is larger than what anybody reads.
        assert (await asked("/api/status", "-d", "a=b"))[0] == 415
        large = ("-X", "POST", "-H", "Expect:", "--data-binary", "x" * 100_000)
        assert (await asked("/api/status", *large))[0] == 415


NODE = """
const [url, secret] = process.argv.slice(1);
const socket = new WebSocket(url, ["paseo.bearer." + secret]);
socket.onopen = () => socket.send(JSON.stringify(
  {type: "hello", clientId: "c1", clientType: "cli", protocolVersion: 1}));
socket.onmessage = (event) => {
  const kind = JSON.parse(event.data).message.payload.status;
  console.log(kind + " " + (socket.protocol === "paseo.bearer." + secret));
  socket.close(1000, "Client closed");
};
socket.onclose = (event) => console.log(event.code + " " + event.reason);
"""


def _node(url: str, secret: str) -> list[str]:
    command = ["node", "--no-warnings", "--experimental-websocket", "-e", NODE, url, secret]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.splitlines()


@pytest.mark.node
async def test_c05_c40_the_websocket_of_node_and_browsers() -> None:
    async with street(settings(password_hash=hashed())) as place:
        right = await anyio.to_thread.run_sync(_node, place.ws, PASSWORD)
        assert right == ["server_info true", "1000 Client closed"]
        wrong = await anyio.to_thread.run_sync(_node, place.ws, "wrong")
        assert wrong == ["4401 Incorrect password"]
