"""Everything between a client behind a relay and the handlers, in one loop and for real: relay,
connectors, channels, pairings over a database, sessions. What agents do is a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from sereno.core.config import load_config
from sereno.core.daemon.remote import Remote
from tests.core.daemon import pairing_house
from tests.core.sessions.house import Door, door
from tests.relay_server.running import Running
from tests.relay_server.running import relay as running

__all__ = ["Relayed", "relayed"]


@dataclass
class Relayed:
    relay: Running
    pairing: pairing_house.House
    sessions: Door
    remote: Remote

    async def link(self, kind: str, *, confirm: bool = False, **fields: Any) -> str:
        """Of a new offer that can be reached."""
        made = await self.pairing.offer(kind=kind, confirm=confirm, **fields)
        assert made.url is not None, made.error
        await self.until_state("ready")
        return made.url

    async def until_state(self, wanted: str) -> None:
        with anyio.fail_after(15):
            while self.remote.status().state != wanted:
                await anyio.sleep(0.005)

    async def say(self, allow: bool) -> None:
        """To whoever asks next."""
        await self.pairing.answer(await self.pairing.question(), allow)


@asynccontextmanager
async def relayed(root: Path) -> AsyncIterator[Relayed]:
    async with running() as relay, door() as sessions:
        config = f'[daemon.relay]\nenabled = true\nendpoint = "{relay.url}"\n'
        async with pairing_house.house(root, config=config) as pairing:
            pairings = pairing.pairings
            settings = load_config(pairing.home, {}).daemon.relay
            remote = Remote(pairings, sessions.sessions, settings)
            pairings.changed, pairings.drop = remote.look, remote.drop
            pairings.relay, pairings.again = remote.status, remote.again
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(remote.run)
                yield Relayed(relay, pairing, sessions, remote)
                tasks.cancel_scope.cancel()
