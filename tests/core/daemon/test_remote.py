"""Who can be reached through the relay: a real relay in the same loop, real channels, a stand-in
for the pairings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import msgspec
import pytest

from sereno.core.config.model import RelayConfig
from sereno.core.daemon.remote import Remote
from sereno.core.protocol.messages import Pong, ServerInfo
from sereno.core.security.roles import Role
from sereno.relay_client.connector import Connector, RelayError, SocketClosed
from sereno.relay_client.endpoints import parse_endpoint
from sereno.relay_client.keypair import KeyPair
from tests.core.sessions.house import Door, door
from tests.relay_client.app import App, Apps
from tests.relay_server.running import Running
from tests.relay_server.running import relay as running


class Live(msgspec.Struct, frozen=True):
    server_id: str
    place: str
    kind: str = "app"


class Entry(msgspec.Struct, frozen=True):
    device_id: str
    role: Role
    server_id: str


class Pairings:
    """Everybody who comes by a server id is a device of that name."""

    def __init__(self, *server_ids: str) -> None:
        self.pairs = {one: KeyPair.of(os.urandom(32)) for one in server_ids}
        self.here: list[str] = []
        self.changes = 0
        self._used: set[bytes] = set()

    def live(self) -> list[Any]:
        return [Live(one, one) for one in self.pairs]

    def secret(self, server_id: str) -> bytes:
        return self.pairs[server_id].secret

    async def claim(self, server_id: str, fingerprint: bytes) -> bool:
        is_new = fingerprint not in self._used
        self._used.add(fingerprint)
        return is_new

    async def knock(self, server_id: str, *_: object) -> Any:
        return Entry(f"device-{server_id}", Role.OPERATOR, server_id)

    def arrived(self, device_id: str, way: str) -> None:
        self.here.append(device_id)

    def touched(self) -> None:
        self.changes += 1

    def left(self, device_id: str) -> None:
        self.here.remove(device_id)


@pytest.fixture
async def apps() -> AsyncIterator[Apps]:
    async with Apps() as made:
        yield made


@asynccontextmanager
async def remote_of(
    house: Door, book: Pairings, relay: Running, *, enabled: bool = True
) -> AsyncIterator[Remote]:
    config = RelayConfig(enabled=enabled, endpoint=relay.url)
    remote = Remote(cast(Any, book), house.sessions, config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(remote.run)
        yield remote
        tasks.cancel_scope.cancel()


async def until_state(remote: Remote, wanted: str) -> None:
    with anyio.fail_after(15):
        while remote.status().state != wanted:
            await anyio.sleep(0.005)


async def until_closed(app: App, within_s: float) -> None:
    with anyio.fail_after(within_s), pytest.raises(SocketClosed):
        await app.hear()


async def scanned(apps: Apps, relay: Running, book: Pairings, server_id: str) -> App:
    app = await apps.dial(parse_endpoint(relay.url), server_id, book.pairs[server_id].public)
    info = await app.greet()
    assert isinstance(info, ServerInfo)
    assert info.server_id == server_id
    return app


async def test_an_app_comes_in_by_its_offer(apps: Apps) -> None:
    book = Pairings("srv_a")
    async with running() as relay, door() as house, remote_of(house, book, relay) as remote:
        await until_state(remote, "ready")
        app = await scanned(apps, relay, book, "srv_a")
        assert book.here == ["device-srv_a"]
        assert isinstance(await app.ask("ping"), Pong)


async def test_c54_a_dropped_device_is_gone_within_a_second_and_the_other_stays(apps: Apps) -> None:
    book = Pairings("srv_a", "srv_b")
    async with running() as relay, door() as house, remote_of(house, book, relay) as remote:
        await until_state(remote, "ready")
        a, b = await scanned(apps, relay, book, "srv_a"), await scanned(apps, relay, book, "srv_b")
        remote.drop("device-srv_a")
        await until_closed(a, 1)
        assert isinstance(await b.ask("ping"), Pong)
        assert [one.credential for one in house.sessions.peers] == ["device:device-srv_b"]


async def test_a_dropped_pairing_is_dialled_no_more(apps: Apps) -> None:
    book = Pairings("srv_a")
    async with running() as relay, door() as house, remote_of(house, book, relay) as remote:
        await until_state(remote, "ready")
        a = await scanned(apps, relay, book, "srv_a")
        book.pairs.clear()
        remote.drop("srv_a")
        await until_closed(a, 1)
        await until_state(remote, "idle")
        assert book.here == []


async def test_nobody_is_dialled_while_the_relay_is_off() -> None:
    book = Pairings("srv_a")
    async with (
        running() as relay,
        door() as house,
        remote_of(house, book, relay, enabled=False) as remote,
    ):
        assert remote.status().state == "off"
        await anyio.wait_all_tasks_blocked()
        assert relay.server.listening  # It is there; nobody came, as the next line shows.
        remote.apply(RelayConfig(enabled=True, endpoint=relay.url))
        await until_state(remote, "ready")
        remote.apply(RelayConfig(enabled=False, endpoint=relay.url))
        await until_state(remote, "off")


async def test_a_relay_that_is_not_there_is_told_with_the_next_try() -> None:
    book = Pairings("srv_a")
    async with door() as house:
        remote = Remote(
            cast(Any, book),
            house.sessions,
            RelayConfig(enabled=True, endpoint="ws://127.0.0.1:9"),
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(remote.run)
            await until_state(remote, "waiting")
            status = remote.status()
            assert status.error
            assert "127.0.0.1:9" in status.error
            assert status.next_try_s is not None
            tasks.cancel_scope.cancel()


async def test_a_new_pairing_is_reachable_without_a_restart(apps: Apps) -> None:
    book = Pairings()
    async with running() as relay, door() as house, remote_of(house, book, relay) as remote:
        assert remote.status().state == "idle"
        book.pairs["srv_new"] = KeyPair.of(os.urandom(32))
        remote.look()
        await until_state(remote, "ready")
        await scanned(apps, relay, book, "srv_new")


async def test_a_line_that_breaks_says_so_and_harms_nothing_else(
    apps: Apps, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected of a relay must not end the daemon, and with it every agent."""

    def broken(self: Connector) -> None:
        raise LookupError("nobody thought of that")

    book = Pairings("srv_a")
    async with running() as relay, door() as house:
        with monkeypatch.context() as patched:
            patched.setattr(Connector, "run", broken)
            async with remote_of(house, book, relay) as remote:
                await until_state(remote, "waiting")
                assert "nobody thought of that" in (remote.status().error or "")
                patched.undo()
                book.pairs["srv_b"] = KeyPair.of(os.urandom(32))
                remote.look()
                b = await scanned(apps, relay, book, "srv_b")
                assert isinstance(await b.ask("ping"), Pong)
    assert "broke" in caplog.text


async def test_a_relay_that_is_away_for_long_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not at each try: a log that is full of one line hides every other."""
    tried = 0

    async def away(self: Connector) -> None:
        nonlocal tried
        for _ in range(3):
            self._tell("connecting", error if tried else None)
            self._tell("waiting", error, 1.0)
            tried += 1
        await anyio.sleep_forever()

    error = RelayError("relay_unreachable", "No relay listens there.", "Look.")
    monkeypatch.setattr(Connector, "run", away)
    caplog.set_level("INFO", "sereno.relay")
    async with (
        running() as relay,
        door() as house,
        remote_of(house, Pairings("srv_a"), relay) as remote,
    ):
        await until_state(remote, "waiting")
        with anyio.fail_after(5):
            while tried < 3:
                await anyio.sleep(0.001)
    said = [line.getMessage() for line in caplog.records if line.name == "sereno.relay"]
    assert [one.partition(": ")[2] for one in said] == ["connecting", str(error)]
