"""A TCP address: what is served to whom, and what is said of the rest."""

from __future__ import annotations

import json

import pytest

from tests.core.listeners.house import RawClient
from tests.core.listeners.street import (
    PASSWORD,
    ask,
    get,
    hashed,
    settings,
    status_of,
    street,
)

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
