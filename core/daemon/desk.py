"""What clients may ask of the daemon itself: its status, its log, its audit, and to stop.

Implements the sessions' DaemonControl on the parts that daemon.py built.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import anyio.to_thread
import msgspec

from sereno.core.agents.auditing import verify_audit
from sereno.core.daemon.encryption import what_is_kept
from sereno.core.daemon.logs import read_page
from sereno.core.home import Home, HomeError
from sereno.core.protocol.additions import (
    AuditVerifyResult,
    DaemonStatusResult,
    DoorStatus,
    MakeOfferResult,
    ReadLogResult,
    ReloadDaemonResult,
)

if TYPE_CHECKING:
    from sereno.core.agents.fleet import Fleet
    from sereno.core.sessions.registry import Sessions
    from sereno.core.store.database import Database

__all__ = ["Desk", "Identity"]

log = logging.getLogger("sereno.daemon")

REPLY_S = 0.05
"""Seconds between the reply to a stop and the stop, so that the reply goes out."""


class Identity(msgspec.Struct, frozen=True):
    """What is true of this daemon from its start to its end."""

    version: str
    started_at: str
    embedded: bool


class DaemonLike(Protocol):
    """What the desk needs of the daemon itself."""

    @property
    def open_texts(self) -> list[str]: ...

    def door_states(self) -> list[DoorStatus]: ...

    async def reload(self) -> None: ...

    def offer(self, request_id: str) -> MakeOfferResult: ...

    def asked(self, reason: Literal["stop", "restart"]) -> None: ...


class Desk:
    """Belongs to the daemon's loop."""

    def __init__(
        self,
        home: Home,
        identity: Identity,
        fleet: Fleet,
        sessions: Sessions,
        database: Database,
        daemon: DaemonLike,
    ) -> None:
        self._home = home
        self._identity = identity
        self._fleet = fleet
        self._sessions = sessions
        self._database = database
        self._daemon = daemon

    def stop(self, reason: Literal["stop", "restart"], by: str) -> None:
        del by
        asyncio.get_running_loop().call_later(REPLY_S, self._daemon.asked, reason)

    async def status(self, request_id: str) -> DaemonStatusResult:
        views = self._fleet.list()
        schema = await self._database.read(
            lambda connection: int(connection.execute("PRAGMA user_version").fetchone()[0])
        )
        return DaemonStatusResult(
            request_id=request_id,
            version=self._identity.version,
            pid=os.getpid(),
            started_at=self._identity.started_at,
            home=str(self._home.root),
            listen=self._daemon.open_texts,
            embedded=self._identity.embedded,
            agents=dict(Counter(view.snapshot.status for view in views)),
            open_requests=sum(len(view.snapshot.pending_permissions) for view in views),
            sessions=self._sessions.count,
            memory_kib=_memory_kib(),
            schema_version=schema,
            doors=self._daemon.door_states(),
        )

    async def reload(self, request_id: str) -> ReloadDaemonResult:
        try:
            await self._daemon.reload()
        except HomeError as error:
            log.error("%s: %s", what_is_kept(error), error)
            return ReloadDaemonResult(
                request_id=request_id, error=error.message, next_step=error.next_step
            )
        return ReloadDaemonResult(request_id=request_id)

    def offer(self, request_id: str) -> MakeOfferResult:
        return self._daemon.offer(request_id)

    async def verify_audit(self, request_id: str) -> AuditVerifyResult:
        verdict = await verify_audit(self._database)
        return AuditVerifyResult(
            request_id=request_id,
            entries=verdict.entries,
            ok=verdict.ok,
            first_bad=verdict.first_bad,
        )

    async def read_log(
        self,
        request_id: str,
        direction: Literal["tail", "before", "after"],
        cursor: int | None,
        limit: int,
    ) -> ReadLogResult:
        return await anyio.to_thread.run_sync(
            read_page, self._home.daemon_log, request_id, direction, cursor, limit
        )


def _memory_kib() -> int:
    """Resident memory; the largest it was, where the system does not say what it is."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGESIZE") // 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
