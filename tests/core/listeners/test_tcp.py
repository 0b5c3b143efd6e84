"""A TCP address: the upgrade, and who is let in by which proof."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Sequence

import anyio
import pytest

from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from sereno.core.security.roles import Role
from sereno.core.security.same_user import Owner, Sight
from sereno.core.sessions.channel import Peer
from tests.core.listeners.house import PING
from tests.core.listeners.street import (
    PASSWORD,
    TOKEN,
    Street,
    ask,
    get,
    hang_up,
    hashed,
    peers,
    settings,
    status_of,
    street,
)

OURS = [SERENO_V1, bearer64(PASSWORD)]


async def test_c39_hello_and_ping_of_the_same_user() -> None:
    async with street() as place:
        client = place.client()
        await client.enter()
        await client.say(PING)
        assert b"pong" in await client.next()
        assert peers(place) == [Peer("same-user:owner", Role.OWNER, "tcp")]
        client.close()


async def test_ipv6_is_served_as_ipv4_is() -> None:
    async with street(host="::1") as place:
        client = place.client()
        await client.enter()
        assert peers(place)[0].role is Role.OWNER
        client.close()


async def test_c40_the_official_subprotocol_is_echoed_and_opens() -> None:
    async with street(settings(password_hash=hashed())) as place:
        shown = f"paseo.bearer.{PASSWORD}"
        client = place.client(subprotocols=["other", shown])
        await client.enter()
        assert client.protocol.subprotocol == shown
        assert peers(place) == [Peer("password:owner", Role.OWNER, "tcp")]
        client.close()


@pytest.mark.parametrize(
    ("offered", "echoed", "reason"),
    [
        ([], None, "Password required"),
        (["paseo.bearer.wrong"], "paseo.bearer.wrong", "Incorrect password"),
    ],
)
async def test_c40_c49_who_is_wrong_gets_101_and_4401(
    offered: list[str], echoed: str | None, reason: str
) -> None:
    async with street(settings(password_hash=hashed())) as place:
        client = place.client(subprotocols=offered or None)
        await client.upgrade()
        assert client.protocol.handshake_exc is None
        assert client.protocol.subprotocol == echoed
        assert await client.closed() == (4401, reason)
        client.close()


async def test_c40_our_own_subprotocol_gets_401_and_never_comes_back() -> None:
    async with street(settings(password_hash=hashed())) as place:
        wrong = place.client(subprotocols=[SERENO_V1, bearer64("wrong")])
        await wrong.upgrade()
        assert "401" in str(wrong.protocol.handshake_exc)
        wrong.close()
        right = place.client(subprotocols=OURS)
        await right.enter()
        assert right.protocol.subprotocol == SERENO_V1
        right.close()
        head = get("/ws", Upgrade="websocket", Connection="Upgrade")
        for offered in (OURS, [bearer64("wrong"), SERENO_V1]):
            more = f"Sec-WebSocket-Protocol: {', '.join(offered)}\r\n"
            more += (
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            reader, writer = await asyncio.open_connection(*place.address)
            writer.write(head.removesuffix("\r\n").encode() + more.encode())
            async with asyncio.timeout(5):
                answer = await reader.readuntil(b"\r\n\r\n")
            assert b"bearer64" not in answer
            await hang_up(writer)


async def test_the_token_opens_where_no_password_is_set_and_where_one_is() -> None:
    rules = settings(loopback="token")
    async with street(rules) as place:
        bare = place.client()
        await bare.upgrade()
        assert (await bare.closed())[0] == 4401
        client = place.client(subprotocols=[SERENO_V1, bearer64(TOKEN)])
        await client.enter()
        place.gate.use(settings(password_hash=hashed()))
        second = place.client(subprotocols=[f"paseo.bearer.{TOKEN}"])
        await second.enter("c2")
        assert {peer.credential for peer in peers(place)} == {"token:owner"}
        for one in (bare, client, second):
            one.close()


async def test_a_refusal_in_judging_admits_nobody_and_ends_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def blind(_: Sequence[socket.socket]) -> list[Owner]:
        raise RuntimeError("the table is gone")

    async with street(sights=blind) as place:
        client = place.client()
        await client.upgrade()
        assert (await client.closed())[0] == 1011
        assert status_of(await ask(place.address, get())) == 500
        assert status_of(await ask(place.address, get("/api/health"))) == 200
        client.close()
    assert "the table is gone" in caplog.text


# Who is at the other end


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
async def test_c44_t37_a_proxied_connection_is_never_the_same_user(header: str) -> None:
    async with street() as place:
        for value in ("for=127.0.0.1", "", "::1"):
            answer = await ask(place.address, get()[:-2] + f"{header}: {value}\r\n\r\n")
            assert status_of(answer) == 401
        known = get(Authorization=f"Bearer {TOKEN}")[:-2] + f"{header}: for=1.2.3.4\r\n\r\n"
        assert status_of(await ask(place.address, known)) == 200


async def test_c44_t37_a_forwarded_host_is_not_believed() -> None:
    async with street() as place:
        head = get(host="evil.example", X_Forwarded_Host="localhost")
        assert status_of(await ask(place.address, head)) == 403


@pytest.mark.linux
async def test_c39_a_half_closed_client_is_refused_whatever_it_shows() -> None:
    """Its row in the kernel's table shows uid 0, and anybody might have made it."""
    async with street(settings(password_hash=hashed())) as place:
        raw = socket.create_connection(place.address)
        raw.sendall(get(Authorization=f"Bearer {PASSWORD}").encode())
        raw.shutdown(socket.SHUT_WR)
        raw.setblocking(False)
        data = b""
        async with asyncio.timeout(5):
            while piece := await asyncio.get_running_loop().sock_recv(raw, 4096):
                data += piece
        assert status_of(data) == 401
        assert b"half-closed" in data
        raw.close()


OTHER_USER = """
import encodings.idna, os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
s.sendall(b"GET /api/status HTTP/1.1\\r\\nHost: localhost\\r\\n" + sys.argv[3].encode() + b"\\r\\n")
print(s.makefile("rb").read().decode())
"""


@pytest.mark.linux
async def test_c39_another_user_of_this_machine_is_refused_without_a_credential() -> None:
    """As root with a real second uid; elsewhere the daemon's own uid is the one that differs."""

    async def status(place: Street, header: str) -> int:
        if os.geteuid() == 0:
            command = [sys.executable, "-c", OTHER_USER, *map(str, place.address), header]
            done = await anyio.run_process(command)
            return status_of(done.stdout)
        return status_of(await ask(place.address, get()[:-2] + header + "\r\n"))

    uid = os.geteuid() if os.geteuid() == 0 else os.geteuid() + 1
    async with street(settings(uid=uid)) as place:
        assert await status(place, "") == 401
        assert await status(place, f"Authorization: Bearer {TOKEN}\r\n") == 200
        assert await status(place, f"Authorization: Bearer {TOKEN}x\r\n") == 401


async def test_c39_where_the_platform_cannot_tell_the_token_is_asked_for() -> None:
    async with street(sights=lambda many: [Sight.UNTOLD] * len(many)) as place:
        answer = await ask(place.address, get())
        assert status_of(answer) == 401
        assert b"sereno token show" in answer
        assert status_of(await ask(place.address, get(Authorization=f"Bearer {TOKEN}"))) == 200


@pytest.mark.linux
async def test_t46_an_agents_process_is_an_agent_whatever_it_shows() -> None:
    me = os.getpid()
    async with street(is_agent=lambda pid: pid == me) as place:
        client = place.client(subprotocols=[SERENO_V1, bearer64(TOKEN)])
        await client.enter()
        assert peers(place)[0].role is Role.AGENT
        client.close()
        assert status_of(await ask(place.address, get())) == 403
