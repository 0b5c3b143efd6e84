"""A TCP address: the upgrade, the routes, and who is let in by which proof."""

from __future__ import annotations

import json

from tests.core.listeners.house import PING
from tests.core.listeners.street import (
    PASSWORD,
    ask,
    get,
    hashed,
    settings,
    status_of,
    street,
)


async def test_hello_and_ping_of_the_same_user() -> None:
    async with street() as place:
        client = place.client()
        await client.enter()
        await client.say(PING)
        assert b"pong" in await client.next()
        client.close()


async def test_health_is_the_same_for_everybody() -> None:
    async with street(settings(password_hash=hashed())) as place:
        for path in ("/api/health", "/health"):
            answer = await ask(place.address, get(path))
            assert status_of(answer) == 200
            assert answer.endswith(b'\r\n\r\n{"status":"ok"}')


async def test_status_is_for_those_who_may_come_in() -> None:
    async with street(settings(password_hash=hashed())) as place:
        assert status_of(await ask(place.address, get())) == 401
        answer = await ask(place.address, get(Authorization=f"Bearer {PASSWORD}"))
        assert status_of(answer) == 200
        body = json.loads(answer.split(b"\r\n\r\n")[1])
        assert body["serverId"] == "srv_test"
        assert body["listen"] == f"127.0.0.1:{place.address[1]}"
