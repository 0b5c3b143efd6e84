"""What a daemon is made of once its database is open, built in order and bound together.

No life of its own: daemon.py starts and stops it. Nothing is decided here that a part could decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Protocol

import anyio.abc
import msgspec

from sereno.core.agents.auditing import add_entry
from sereno.core.agents.fleet import Fleet
from sereno.core.config import Config
from sereno.core.daemon import desk as desks
from sereno.core.daemon import warden as wardens
from sereno.core.daemon.greeting import greeting, new_server_id
from sereno.core.daemon.pairing import Pairings
from sereno.core.daemon.remote import Remote
from sereno.core.home import Home
from sereno.core.providers.catalog import Catalog
from sereno.core.sessions.files import Files
from sereno.core.sessions.handlers import TABLES
from sereno.core.sessions.providers import ProviderDirectory
from sereno.core.sessions.registry import Sessions
from sereno.core.sessions.services import Services
from sereno.core.sessions.workspaces import Workspaces
from sereno.core.store import meta
from sereno.core.store.audit import Entry
from sereno.core.store.database import Database
from sereno.core.workspaces.suggestions import Suggestions

__all__ = ["Parts", "build", "now_ms"]


class Whole(desks.DaemonLike, wardens.Ward, Protocol):
    """What the parts need of the daemon itself."""

    def let_app_in(self, paired: bool) -> None:
        """Official apps are paired, or none any more: so is the origin of the hosted one."""


class Parts(msgspec.Struct, frozen=True):
    """`server_id`: the daemon's own."""

    server_id: str
    sessions: Sessions
    fleet: Fleet
    providers: ProviderDirectory
    pairings: Pairings
    remote: Remote
    services: Services

    async def start(self, tasks: anyio.abc.TaskGroup) -> None:
        """All but what lets clients in; they are ready when this returns."""
        await tasks.start(self.sessions.run, self.services, TABLES)
        await tasks.start(self.fleet.run)
        await tasks.start(self.providers.run)
        await tasks.start(self.pairings.run)


async def build(
    home: Home,
    config: Config,
    database: Database,
    daemon: Whole,
    identity: desks.Identity,
    *,
    env: Mapping[str, str],
    password_forced: bool,
) -> Parts:
    """Raises StoreError, and HomeError for a damaged key file."""
    server_id = await database.write(
        lambda connection: meta.set_once(connection, "server_id", new_server_id())
    )
    note = _noting(database)
    pairings = Pairings(home, database, daemon, note, env=env, now_ms=now_ms)
    pairings.app_paired = daemon.let_app_in
    await pairings.open()

    def greet(client_id: str, known_as: str | None) -> bytes:
        # A paired app drops a host that calls itself otherwise, on a direct socket too.
        known_as = known_as or pairings.server_id_of(client_id)
        return greeting(known_as or server_id, identity.version)

    sessions = Sessions(greeting=greet)
    remote = Remote(pairings, sessions, config.daemon.relay)
    pairings.changed, pairings.drop, pairings.relay = remote.look, remote.drop, remote.status
    pairings.again = remote.again
    catalog = Catalog(config)
    fleet = Fleet(
        database=database,
        catalog=catalog,
        publisher=sessions,
        home=home,
        config=config,
        server_id=server_id,
    )
    providers = ProviderDirectory(catalog, dict(env), sessions.tell, now_ms)
    workspaces = _workspaces(home, database, fleet, sessions)
    desk = desks.Desk(home, identity, fleet, sessions, database, daemon)
    services = Services(
        fleet=fleet,
        providers=providers,
        suggestions=Suggestions(),
        files=Files(fleet, home.root, note, opened=workspaces.folders),
        workspaces=workspaces,
        daemon=desk,
        security=_warden(home, daemon, sessions, desk, env, forced=password_forced),
        pairing=pairings,
        user_home=Path.home(),
        now_ms=now_ms,
        note=note,
    )
    return Parts(server_id, sessions, fleet, providers, pairings, remote, services)


def _workspaces(home: Home, database: Database, fleet: Fleet, sessions: Sessions) -> Workspaces:
    return Workspaces(
        database,
        fleet.list,
        sessions.publish,
        lambda: sessions.workspaces_watched,
        state=home.root,
        now_ms=now_ms,
    )


def _warden(
    home: Home,
    daemon: Whole,
    sessions: Sessions,
    desk: desks.Desk,
    env: Mapping[str, str],
    *,
    forced: bool,
) -> wardens.Warden:
    return wardens.Warden(
        home,
        daemon,
        lambda: sessions.peers,
        desk.verify_audit,
        env,
        now_ms,
        password_forced=forced,
    )


def _noting(
    database: Database,
) -> Callable[[str, str, str, dict[str, str]], Coroutine[None, None, None]]:
    """What writes an entry into the audit."""

    async def note(actor: str, action: str, subject: str, details: dict[str, str]) -> None:
        text = msgspec.json.encode(details).decode()
        await add_entry(database, Entry(now_ms(), actor, action, subject, text))

    return note


def now_ms() -> int:
    return time.time_ns() // 1_000_000
