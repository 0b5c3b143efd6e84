"""A TCP address: what is given up, closed, refused or kept quiet about once somebody is there."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import anyio
import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from sereno.core.listeners.tcp import TcpListener
from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from tests.core.listeners.house import PING, RawClient
from tests.core.listeners.street import (
    PASSWORD,
    TOKEN,
    ask,
    get,
    hashed,
    listening,
    peers,
    settings,
    status_of,
    street,
    until,
)

OURS = [SERENO_V1, bearer64(PASSWORD)]


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
