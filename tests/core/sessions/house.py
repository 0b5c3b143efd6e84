"""A door without a house: sessions with stand-in services, and channels that keep what they get."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import msgspec

from sereno.core.agents.errors import AgentError, UnknownAgent
from sereno.core.agents.views import AgentView
from sereno.core.protocol.agents import AgentSnapshot, Capabilities, Checkout, ProjectPlacement
from sereno.core.protocol.frames import decode_daemon_frame, encode_payload
from sereno.core.protocol.messages import (
    AgentEntry,
    AgentUpserted,
    ServerFeatures,
    ServerInfo,
    TimelinePage,
)
from sereno.core.protocol.outgoing import Kind, Outgoing
from sereno.core.protocol.requests import FetchTimeline
from sereno.core.protocol.timeline import Window
from sereno.core.protocol.values import Wire, iso
from sereno.core.security.roles import Role
from sereno.core.sessions.batch import Batch
from sereno.core.sessions.channel import Door as Judge
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.connection import Connection
from sereno.core.sessions.files import Files
from sereno.core.sessions.handlers import TABLES
from sereno.core.sessions.registry import Sessions
from sereno.core.sessions.services import Services
from sereno.core.sessions.workspaces import Workspaces

OWNER = Peer("unix:owner", Role.OWNER, "unix")
AGENT = Peer("unix:agent", Role.AGENT, "unix")
NOW_MS = 1_777_000_000_000


def snapshot(agent_id: str, **fields: Any) -> AgentSnapshot:
    values: dict[str, Any] = {
        "provider": "demo",
        "cwd": "/p",
        "model": None,
        "created_at": iso(1_000),
        "updated_at": iso(2_000),
        "last_user_message_at": None,
        "status": "idle",
        "capabilities": Capabilities(),
        "current_mode_id": None,
        "available_modes": [],
        "pending_permissions": [],
        "persistence": None,
        "title": None,
        "labels": {},
    }
    return AgentSnapshot(id=agent_id, **(values | fields))


def placement(key: str = "/p") -> ProjectPlacement:
    checkout = Checkout(
        cwd="/p",
        is_git=False,
        current_branch=None,
        remote_url=None,
        is_paseo_owned_worktree=False,
        main_repo_root=None,
    )
    return ProjectPlacement(project_key=key, project_name="p", checkout=checkout)


def view(
    agent_id: str, *, project: str = "/p", updated_ms: int = 2_000, **fields: Any
) -> AgentView:
    agent = snapshot(agent_id, updated_at=iso(updated_ms), **fields)
    entry = AgentEntry(agent=agent, project=placement(project))
    return AgentView(agent, entry.project, msgspec.json.encode(entry), updated_ms, True)


def upsert(shown: AgentView) -> Outgoing:
    payload = AgentUpserted(agent=shown.snapshot, project=shown.project)
    agent_id = shown.snapshot.id
    return Outgoing(
        Kind.STATE, agent_id, encode_payload(payload), agent_id=agent_id, needs="agents"
    )


@dataclass
class StubFleet:
    """Keeps views; `acts` records what was asked; `blocked` holds `interrupt` until it is set."""

    views: dict[str, AgentView] = field(default_factory=dict)
    acts: list[tuple[str, ...]] = field(default_factory=list)
    blocked: anyio.Event | None = None
    error: Exception | None = None

    def list(self) -> list[AgentView]:
        return list(self.views.values())

    def view(self, agent_id: str) -> AgentView:
        try:
            return self.views[agent_id]
        except KeyError:
            raise UnknownAgent(agent_id) from None

    def resolve(self, identifier: str) -> str:
        return self.view(identifier).snapshot.id

    async def interrupt(self, agent_id: str, *, by: str) -> AgentView:
        self.acts.append(("interrupt", agent_id, by))
        if self.blocked is not None:
            await self.blocked.wait()
        if self.error is not None:
            raise self.error
        return self.view(agent_id)

    async def _act(self, name: str, agent_id: str, **fields: Any) -> AgentView:
        """Like `interrupt`: refused with `error`, else recorded, and shown with these fields."""
        shown = self.view(agent_id)
        if self.error is not None:
            raise self.error
        self.acts.append((name, agent_id))
        agent = msgspec.structs.replace(shown.snapshot, **fields)
        self.views[agent_id] = msgspec.structs.replace(shown, snapshot=agent)
        return self.views[agent_id]

    async def park(self, agent_id: str, *, by: str) -> None:
        await self._act("park", agent_id, status="closed")

    async def end(self, agent_id: str, *, by: str) -> None:
        await self._act("end", agent_id, status="closed")

    async def start(self, agent_id: str, *, by: str) -> AgentView:
        return await self._act("start", agent_id, status="initializing")

    async def archive(self, agent_id: str, *, by: str) -> AgentView:
        return await self._act("archive", agent_id, archived_at=iso(3_000))

    async def unarchive(self, agent_id: str, *, by: str) -> AgentView:
        return await self._act("unarchive", agent_id, archived_at=None)

    async def timeline(self, request: FetchTimeline) -> bytes:
        """A page of a timeline of seven rows, of which none is given."""
        self.view(request.agent_id)
        return encode_payload(
            TimelinePage(
                request_id=request.request_id,
                agent_id=request.agent_id,
                agent=None,
                direction="tail",
                projection="canonical",
                epoch="e",
                reset=False,
                stale_cursor=False,
                gap=False,
                window=Window(min_seq=1, max_seq=7, next_seq=8),
                start_cursor=None,
                end_cursor=None,
                has_older=True,
                has_newer=False,
                entries=[],
                error=None,
            )
        )

    async def answer(self, agent_id: str, request_id: str, response: Wire, *, by: str) -> None:
        self.acts.append(("answer", agent_id, request_id, by))
        raise AgentError("request_gone", "Request gone", "Look again.")


class StubDatabase:
    """The table of small facts, in memory."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")

    async def read(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return work(self.connection)

    write = read


@dataclass
class StubDaemon:
    stops: list[tuple[str, str]] = field(default_factory=list)

    def stop(self, reason: str, by: str) -> None:
        self.stops.append((reason, by))


@dataclass
class Door:
    sessions: Sessions
    fleet: StubFleet
    daemon: StubDaemon
    notes: list[tuple[str, str, str]]
    files: Files
    refuse_notes: Exception | None = None

    def knock(self, peer: Peer = OWNER, judge: Judge | None = None) -> FakeSocket:
        socket = FakeSocket()
        socket.connection = self.sessions.connect(socket, peer, judge)
        return socket

    def enter(self, client_id: str = "c1", peer: Peer = OWNER, **fields: Any) -> FakeSocket:
        """A socket that said hello and was greeted."""
        socket = self.knock(peer)
        socket.hello(client_id, **fields)
        assert isinstance(socket.taken()[-1], ServerInfo)
        return socket


class FakeSocket:
    """A client's socket as a listener gives it to the sessions."""

    connection: Connection

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.writes = 0
        self.closed: tuple[int, str] | None = None
        self.paused = False

    # Channel

    def send(self, batch: Batch) -> None:
        self.writes += 1
        self.frames += [message.data for message in batch.messages]

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    # The client

    def say(self, frame: dict[str, Any] | str) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self.connection.receive(text.encode())

    def ask(self, kind: str, request_id: str = "r1", **fields: Any) -> None:
        message = {"type": kind, "requestId": request_id, **fields}
        self.say({"type": "session", "message": message})

    def hello(self, client_id: str = "c1", **fields: Any) -> None:
        values = {"clientId": client_id, "clientType": "cli", "protocolVersion": 1}
        self.say({"type": "hello", **(values | fields)})

    def taken(self) -> list[Wire]:
        """Everything that came since the last look, decoded by the protocol itself."""
        frames, self.frames = self.frames, []
        return [decode_daemon_frame(frame) for frame in frames]

    async def until(self, wanted: Callable[[list[bytes]], bool]) -> list[Wire]:
        with anyio.fail_after(5):
            while not wanted(self.frames):
                await anyio.sleep(0.001)
        return self.taken()


@asynccontextmanager
async def door(
    *,
    pairing: object = None,
    providers: object = None,
    state: Path | None = None,
    **settings: Any,
) -> AsyncIterator[Door]:
    """Sessions that run, with stand-ins behind them. `state`: what to take for Sereno's home."""
    features = ServerFeatures(providers_snapshot=True, sereno=1)

    def greeting(client_id: str, known_as: str | None) -> bytes:
        return encode_payload(ServerInfo(server_id=known_as or "srv_test", features=features))

    sessions = Sessions(greeting=greeting, **settings)
    fleet, daemon = StubFleet(), StubDaemon()
    notes: list[tuple[str, str, str]] = []

    async def note(actor: str, action: str, subject: str, details: dict[str, str]) -> None:
        if house.refuse_notes is not None:
            raise house.refuse_notes
        notes.append((actor, action, subject))

    state = state or Path("/nonexistent")
    workspaces = Workspaces(
        cast(Any, StubDatabase()),
        fleet.list,
        sessions.publish,
        lambda: sessions.workspaces_watched,
        state=state,
        now_ms=lambda: NOW_MS,
    )
    files = Files(fleet, state, note, opened=workspaces.folders)
    services = Services(
        fleet=cast(Any, fleet),
        providers=cast(Any, providers),
        suggestions=cast(Any, None),
        files=files,
        workspaces=workspaces,
        daemon=cast(Any, daemon),
        security=cast(Any, None),
        pairing=cast(Any, pairing),
        user_home=Path("/"),
        now_ms=lambda: NOW_MS,
        note=note,
    )
    house = Door(sessions, fleet, daemon, notes, files)
    async with anyio.create_task_group() as group:
        await group.start(sessions.run, services, TABLES)
        yield house
        group.cancel_scope.cancel()
