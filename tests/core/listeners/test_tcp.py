"""A TCP address: the upgrade, the routes, and who is let in by which proof."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from sereno.core.listeners.tcp import TcpListener
from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from sereno.core.security.roles import Role
from sereno.core.security.same_user import Owner, Sight
from sereno.core.sessions.channel import Peer
from tests.core.listeners.house import PING, RawClient
from tests.core.listeners.street import (
    PASSWORD,
    TOKEN,
    Street,
    ask,
    get,
    hang_up,
    hashed,
    listening,
    settings,
    status_of,
    street,
)

OURS = [SERENO_V1, bearer64(PASSWORD)]


def peers(place: Street) -> list[Peer]:
    return [channel.peer for channel in place.listener._channels]


async def until(wanted: Any) -> None:
    with anyio.fail_after(5):
        while not wanted():
            await anyio.sleep(0.005)


# Coming in


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


# The routes


GUARDED = ["/", "/api/status", "/api/healthz", "/API/HEALTH", "/api/health/", "//api/health"]
GUARDED += ["/ws", "/api/files/download", "/mcp/agents", "/public/x", "/metrics", "/%61pi/health"]


async def test_c41_t38_health_alone_needs_no_credential_and_says_nothing() -> None:
    async with street(settings(password_hash=hashed())) as place:
        bodies = set()
        for path in ("/api/health", "/health", "/api/health?x=1"):
            answer = await ask(place.address, get(path))
            assert status_of(answer) == 200
            bodies.add(answer.split(b"\r\n\r\n")[1])
        assert bodies == {b'{"status":"ok"}'}
        guarded = [
            "/",
            "/api/status",
            "/api/healthz",
            "/API/HEALTH",
            "/api/health/",
            "//api/health",
        ]
        guarded += [
            "/ws",
            "/api/files/download",
            "/mcp/agents",
            "/public/x",
            "/metrics",
            "/%61pi/health",
        ]
        for path in guarded:
            assert status_of(await ask(place.address, get(path))) == 401, path
            known = await ask(place.address, get(path, Authorization=f"Bearer {PASSWORD}"))
            others = {"/api/status": 200, "/ws": 426, "/api/files/download": 400}
            assert status_of(known) == others.get(path, 404), path


async def test_status_names_the_address_that_was_asked() -> None:
    async with street() as place:
        answer = await ask(place.address, get())
        body = json.loads(answer.split(b"\r\n\r\n")[1])
        assert body["serverId"] == "srv_test"
        assert body["listen"] == f"127.0.0.1:{place.address[1]}"
        assert b"no-store" in answer
        head = await ask(place.address, get().replace("GET", "HEAD"))
        assert status_of(head) == 200
        assert head.endswith(b"\r\n\r\n")


async def test_c40_an_http_refusal_is_401_without_a_challenge() -> None:
    async with street(settings(password_hash=hashed())) as place:
        for header in ("", "bearer " + PASSWORD, "Bearer", "Bearer a b", "Basic " + PASSWORD):
            more = {"Authorization": header} if header else {}
            answer = await ask(place.address, get(**more))
            assert status_of(answer) == 401, header
            assert b'"error":"Unauthorized"' in answer
            assert b"WWW-Authenticate" not in answer


ABSENT = [
    ("GET", "/api/files/download", 400, b"Missing download token"),
    ("GET", "/api/files/download?token=", 400, b"Missing download token"),
    ("GET", "/api/files/download?x=1&token=abc", 403, b"Invalid or expired token"),
    ("HEAD", "/api/files/download?token=abc", 403, b""),
    ("POST", "/api/files/download?token=abc", 405, b"Only GET here"),
    ("GET", "/mcp/agents?callerAgentId=1", 404, b"no MCP server"),
    ("POST", "/mcp/agents", 404, b"no MCP server"),
    ("DELETE", "/mcp/agents", 404, b"no MCP server"),
    ("GET", "/public/x", 404, b"Nothing is here"),
]


@pytest.mark.parametrize(("method", "path", "status", "words"), ABSENT)
async def test_c41_routes_that_are_not_served_are_said_only_to_who_may_come_in(
    method: str, path: str, status: int, words: bytes
) -> None:
    """The official app asks for files, agents for MCP (wire 4.4): a stranger hears the same 401 of
    all of them, and whoever may come in why there is nothing."""
    async with street(settings(password_hash=hashed())) as place:
        stranger = await ask(place.address, get(path).replace("GET", method, 1))
        assert status_of(stranger) == 401
        assert not words or words not in stranger
        known = get(path, Authorization=f"Bearer {PASSWORD}").replace("GET", method, 1)
        answer = await ask(place.address, known)
        assert status_of(answer) == status
        assert words in answer.split(b"\r\n\r\n")[1]
        # A body is refused whatever it is for, before anybody looks where it should go.
        more = known.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}")
        assert status_of(await ask(place.address, more)) == 415


async def test_what_is_not_known_is_said_in_words() -> None:
    async with street() as place:
        answer = await ask(place.address, get("/nothing"))
        assert status_of(answer) == 404
        assert b"/ws" in answer
        answer = await ask(place.address, get("/ws"))
        assert status_of(answer) == 426
        answer = await ask(place.address, get().replace("GET", "DELETE"))
        assert status_of(answer) == 405
        client = RawClient(place.address, place.ws + "/other")
        await client.upgrade()
        assert "400" in str(client.protocol.handshake_exc)
        client.close()


async def test_one_connection_is_one_request() -> None:
    """A proxy may send somebody else's request on a connection that was let in before."""
    async with street() as place:
        answer = await ask(place.address, get("/api/health") + get("/api/status"))
        assert answer.count(b"HTTP/1.1") == 1
        assert b"srv_test" not in answer
        assert b"Connection: close" in answer


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


# What is given up


async def test_t39_a_changed_credential_closes_its_sockets_within_a_second() -> None:
    async with street() as place:
        polite, deaf = place.client(), place.client()
        await polite.enter("c1")
        await deaf.enter("c2")
        token = place.client(subprotocols=[SERENO_V1, bearer64(TOKEN)])
        await token.enter("c3")
        place.listener.drop(place.gate.use(settings(password_hash=hashed())))
        with anyio.fail_after(1):
            assert (await polite.closed())[0] == 4401
            await until(lambda: len(peers(place)) == 1)  # the deaf one is cut
        assert peers(place)[0].credential == "token:owner"
        await token.say(PING)
        assert b"pong" in await token.next()
        for one in (polite, deaf, token):
            one.close()


async def test_t39_nothing_is_taken_from_a_socket_that_was_given_up() -> None:
    async with street() as place:
        client = place.client()
        await client.enter()
        place.listener.drop(place.gate.use(settings(password_hash=hashed())))
        with anyio.fail_after(2):
            await client.say(PING)
            assert (await client.closed())[0] == 4401
        assert not client.frames
        client.close()


async def test_who_is_judged_while_the_rules_change_has_to_come_again() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def verify(_: str, __: str) -> bool:
        asked.set()
        await go.wait()
        return True

    async with street(settings(password_hash=hashed()), verify=verify) as place:
        client = place.client(subprotocols=OURS)
        request = asyncio.create_task(client.upgrade())
        with anyio.fail_after(5):
            await asked.wait()
        place.listener.drop(place.gate.use(settings(password_hash=hashed("another-password"))))
        go.set()
        with contextlib.suppress(OSError, EOFError):  # cut, or told to come again
            await request
        assert client.ended or client.protocol.handshake_exc is not None
        assert not peers(place)
        client.close()


async def test_t33_compression_is_never_agreed() -> None:
    async with street() as place:
        client = place.client(extensions=[ClientPerMessageDeflateFactory()])
        await client.upgrade()
        assert client.protocol.extensions == []
        client.close()


async def test_t31_no_hello_ends_after_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from sereno.core.listeners import tcp

    assert tcp.HELLO_S == 10
    monkeypatch.setattr(tcp, "HELLO_S", 0.05)
    async with street() as place:
        client = place.client()
        await client.upgrade()
        assert await client.closed() == (4001, "Hello timeout")
        client.close()


async def test_t74_secrets_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with street(settings(password_hash=hashed())) as place:
        for secret in ("wrong-secret-9", PASSWORD):
            client = place.client(subprotocols=[f"paseo.bearer.{secret}"])
            await client.upgrade()
            client.close()
            await ask(place.address, get(Authorization=f"Bearer {secret}"))
    server = [one.getMessage() for one in caplog.records if one.name != "websockets.client"]
    assert server
    assert not [one for one in server if PASSWORD in one or "wrong-secret-9" in one]


@pytest.mark.linux
async def test_t46_an_agent_that_knows_the_password_is_an_agent() -> None:
    rules = settings(password_hash=hashed())
    async with street(rules, is_agent=lambda _: True) as place:
        client = place.client(subprotocols=OURS)
        await client.enter()
        assert peers(place) == [Peer("password:agent", Role.AGENT, "tcp")]
        client.close()


async def test_a_comparison_that_breaks_lets_nobody_in_and_the_next_try_is_made() -> None:
    broken = True

    async def verify(_: str, __: str) -> bool:
        if broken:
            raise RuntimeError("no thread is left")
        return True

    async with street(settings(password_hash=hashed()), verify=verify) as place:
        right = get(Authorization=f"Bearer {PASSWORD}")
        assert status_of(await ask(place.address, right)) == 500
        broken = False
        assert status_of(await ask(place.address, right)) == 200


async def test_t31_one_count_of_places_for_all_addresses_of_a_daemon() -> None:
    async with street(most=1) as place:
        other = listening()
        second = TcpListener(other, place.front)
        second.start()
        client = place.client()
        await client.enter()
        late = RawClient(other.getsockname(), place.ws)
        await late.upgrade()
        assert "503" in str(late.protocol.handshake_exc)
        for one in (client, late):
            one.close()
        second.stop()
        await second.wait_closed(5)
        other.close()


async def test_a_door_that_stops_lets_clients_stay_and_newcomers_wait() -> None:
    async with street() as place:
        client, waiting = place.client(), RawClient(place.address, place.ws)
        await client.enter()
        place.listener.stop()
        late = place.client()
        await client.say(PING)
        assert b"pong" in await client.next()
        place.listener.start()
        await late.enter("late")
        for one in (client, waiting, late):
            one.close()
