"""C.3.2 at a TCP door: a stage that refuses is the last one that is entered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest
from websockets.server import ServerProtocol

from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from sereno.core.security.same_user import Owner, Sight
from sereno.core.security.sockets import sights_of
from tests.core.listeners.house import HELLO
from tests.core.listeners.street import PASSWORD, ask, get, hashed, settings, status_of, street

BAD_TARGET = "GET http://localhost/ws HTTP/1.1\r\nHost: evil.example\r\nOrigin: null\r\n\r\n"


class Watched:
    """Which stages behind the request were entered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered: list[str] = []
        accept = ServerProtocol.accept

        def accepting(protocol: ServerProtocol, request: object) -> object:
            self.entered.append("upgrade")
            return accept(protocol, request)  # type: ignore[arg-type]

        monkeypatch.setattr(ServerProtocol, "accept", accepting)

    def sights(self, connections: Sequence[socket.socket]) -> list[Owner | Sight]:
        self.entered.append("who")
        return sights_of(connections)

    async def verify(self, password: str, _: str) -> bool:
        self.entered.append("password")
        return password == PASSWORD

    def taken(self) -> list[str]:
        entered, self.entered = self.entered, []
        return entered


async def test_c46_no_stage_is_entered_behind_one_that_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)
    rules = settings(password_hash=hashed())
    async with street(rules, sights=watched.sights, verify=watched.verify) as place:
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
        key = {"Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        ours = {"Sec_WebSocket_Protocol": f"{SERENO_V1}, {bearer64('wrong')}"}
        right = {"Sec_WebSocket_Protocol": f"{SERENO_V1}, {bearer64(PASSWORD)}"}
        everything = {"Origin": "null", **upgrade, **ours}
        for head, status, entered in (
            (BAD_TARGET, 400, []),
            (get("/ws", host="evil.example", **everything), 403, []),
            (get("/ws", **everything), 403, []),
            (get("/other", **upgrade, **ours), 400, []),
            (get("/api/health"), 200, []),
            (get("/ws", **upgrade, Sec_WebSocket_Protocol="a b"), 400, []),
            (get("/ws", **upgrade, Sec_WebSocket_Protocol=SERENO_V1), 401, ["who"]),
            (get("/ws", **upgrade, **ours), 401, ["who", "password"]),
            (get("/ws", **upgrade, **right), 400, ["who", "password", "upgrade"]),
        ):
            assert status_of(await ask(place.address, head)) == status, head
            assert watched.taken() == entered, head
        assert not place.door.sessions._connections
        reader_head = get("/ws", **upgrade, **key, **right)
        assert status_of(await _first(place.address, reader_head)) == 101


async def _first(address: tuple[str, int], head: str) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(head.encode())
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


async def test_t32_what_is_no_sane_message_is_answered_and_the_client_stays() -> None:
    envelope = b'{"type":"session","message":{"type":"fetch_agent_request","requestId":"r",%s}}'
    insane = [
        envelope % b'"agentId":"a","agentId":"b"',
        envelope % (b'"x":' + b"[" * 100 + b"]" * 100),
        envelope % (b'"x":[' + b"0," * 30_000 + b"0]"),
        envelope % (b'"agentId":1' + b"0" * 5_000),
        envelope % b'"agentId":NaN',
        envelope % b'"agentId":"\\ud800"',
        b"[" * 1_000_000,
        b"\xff\xfe",
        b"",
    ]
    async with street() as place:
        client = place.client()
        await client.enter()
        for message in insane:
            client.protocol.send_binary(message)
            await client.flush()
            assert b"error" in await client.next(), message[:80]
        await client.say(envelope % b'"agentId":"a"')
        assert b"Agent not found" in await client.next()
        client.close()


async def test_t31_a_hello_is_small() -> None:
    async with street() as place:
        client = place.client()
        await client.upgrade()
        await client.say(HELLO % (b"x" * 70_000, b"cli"))
        assert await client.closed() == (4002, "Invalid hello")
        client.close()
