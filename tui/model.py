"""The terminal's own copy of the daemon's state, fed by what the link receives.

Pure: messages and times come in as arguments, nothing goes out. The app asks `take_changes()` on
its timer and hands the answer to the screens; screens read and never write.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from sereno.core.protocol.additions import DoorStatus
from sereno.core.protocol.agents import (
    AgentSnapshot,
    Model,
    ProjectPlacement,
    ProviderEntry,
)
from sereno.core.protocol.events import TimelineEvent, TurnCanceled, TurnStarted
from sereno.core.protocol.messages import (
    AgentRemoved,
    AgentStream,
    AgentUpserted,
    FetchAgentsResult,
    PermissionResolvedPush,
    ProvidersSnapshot,
    ProvidersSnapshotUpdate,
)
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.values import Wire, given
from sereno.tui.agent_state import AgentState, Need, asked_at, by_need, matches
from sereno.tui.doors import Doors
from sereno.tui.timeline import Row, Taken, milliseconds

__all__ = [
    "ASKING",
    "AgentState",
    "Changes",
    "Connection",
    "Counts",
    "FleetModel",
    "Need",
    "OpenRequest",
    "Phase",
    "asked_at",
]

ASKING = "asking"
REMEMBERED = 50
Value = TypeVar("Value")


def remember(known: dict[str, Value], name: str, value: Value) -> None:
    """The newest REMEMBERED only."""
    known.pop(name, None)
    known[name] = value
    while len(known) > REMEMBERED:
        del known[next(iter(known))]


class Phase(enum.Enum):
    STARTING = "starting"
    READY = "ready"
    LOST = "lost"
    STOPPED = "stopped"


class Connection(msgspec.Struct, frozen=True):
    """The link to the daemon: its phase, and what to tell the person about it.

    LOST: it is being called again. STOPPED: none runs, and none comes by itself.
    """

    phase: Phase = Phase.STARTING
    words: str = "starting"
    embedded: bool = False
    remote: str = ""
    """The machine on which the daemon is; empty for this one."""

    @property
    def short(self) -> str:
        """The phase in a word or two, for a header; while all is well only which machine it is."""
        match self.phase:
            case Phase.READY:
                return self.remote
            case Phase.STARTING:
                return f"connecting to {self.remote} …" if self.remote else "starting the daemon …"
            case Phase.LOST | Phase.STOPPED:
                return f"no link to {self.remote}" if self.remote else "no daemon"


class OpenRequest(msgspec.Struct, frozen=True):
    """A request for permission that nobody answered yet."""

    agent_id: str
    request: PermissionRequest
    since_ms: int


class Counts(msgspec.Struct, frozen=True):
    agents: int
    asks: int
    failed: int
    busy: int
    done: int
    idle: int
    stopped: int


class Changes(msgspec.Struct, frozen=True):
    """What changed since the last look."""

    agents: frozenset[str] = frozenset()
    timelines: frozenset[str] = frozenset()
    requests: bool = False
    connection: bool = False
    providers: bool = False
    everything: bool = False

    def touches(self, agent_id: str) -> bool:
        return self.everything or agent_id in self.agents or agent_id in self.timelines

    def __bool__(self) -> bool:
        return bool(
            self.agents
            or self.timelines
            or self.requests
            or self.connection
            or self.providers
            or self.everything
        )


class FleetModel:
    """All agents, open requests, providers and the state of the link."""

    def __init__(self) -> None:
        self.agents: dict[str, AgentState] = {}
        self.providers: tuple[ProviderEntry, ...] = ()
        self.providers_known = False
        self.models_words: dict[str, str] = {}
        """By provider: ASKING, why it could not tell its models, or empty when it did."""
        self.connection = Connection()
        self.loaded = False
        """The list of agents was received at least once."""
        self.virgin = False
        """No agent was ever made in this home: the first run is due."""
        self.version = 0
        self.answers: dict[str, PermissionResolvedPush] = {}
        """The latest answers by request id: who gave them."""
        self.gone: dict[str, str] = {}
        """The latest agents that left the list, and why: "deleted" or "archived"."""
        self.doors = Doors()
        """The daemon's addresses that could not be opened."""
        self._requests: tuple[OpenRequest, ...] | None = None
        self._agents: set[str] = set()
        self._timelines: set[str] = set()
        self._flags: set[str] = set()

    # -- reading -------------------------------------------------------------------------------

    @property
    def requests(self) -> tuple[OpenRequest, ...]:
        """Open requests of all agents, oldest first."""
        if self._requests is None:
            found = [
                OpenRequest(state.id, request, asked_at(request) or state.since_ms)
                for state in self.agents.values()
                for request in state.snapshot.pending_permissions
            ]
            self._requests = tuple(sorted(found, key=lambda open_: open_.since_ms))
        return self._requests

    def requests_of(self, agent_id: str) -> tuple[OpenRequest, ...]:
        return tuple(open_ for open_ in self.requests if open_.agent_id == agent_id)

    def ordered(self, words: str = "") -> list[AgentState]:
        """Agents by need; `words` filters by title, provider, folder and state."""
        wanted = words.casefold().split()
        states = [state for state in self.agents.values() if matches(state, wanted)]
        return sorted(states, key=by_need)

    def counts(self) -> Counts:
        needs = [state.need for state in self.agents.values()]
        return Counts(
            agents=len(needs),
            asks=needs.count(Need.ASKS),
            failed=needs.count(Need.FAILED),
            busy=needs.count(Need.BUSY) + needs.count(Need.STARTING),
            done=needs.count(Need.DONE),
            idle=needs.count(Need.IDLE),
            stopped=needs.count(Need.STOPPED),
        )

    def provider_label(self, name: str) -> str:
        for entry in self.providers:
            if entry.provider == name:
                return given(entry.label, name)
        return name

    @property
    def settled(self) -> bool:
        """Whether all changes were taken."""
        return not (self._agents or self._timelines or self._flags)

    def take_changes(self) -> Changes:
        """What changed since the last call; reading forgets it."""
        changes = Changes(
            agents=frozenset(self._agents),
            timelines=frozenset(self._timelines),
            requests="requests" in self._flags,
            connection="connection" in self._flags,
            providers="providers" in self._flags,
            everything="everything" in self._flags,
        )
        self._agents.clear()
        self._timelines.clear()
        self._flags.clear()
        return changes

    # -- writing: the link only ----------------------------------------------------------------

    def apply(self, message: Wire) -> Taken | None:
        """A push or a reply. Returns what became of a timeline row, else None."""
        self.version += 1
        match message:
            case AgentStream(agent_id=agent_id, event=TimelineEvent(item=item)):
                seq, epoch = given(message.seq, 0), given(message.epoch, "")
                state = self.agents.get(agent_id)
                if state is None or not seq:
                    return None
                self._timelines.add(agent_id)
                row = Row(item, seq, seq, milliseconds(message.timestamp))
                return state.timeline.take(row, epoch)
            case AgentStream(agent_id=agent_id, event=TurnStarted() | TurnCanceled() as event):
                if agent_id in self.agents:
                    self.agents[agent_id].canceled = isinstance(event, TurnCanceled)
                    self._agents.add(agent_id)
            case AgentUpserted(agent=agent):
                self._upsert(agent, given(message.project, None))
            case AgentRemoved(agent_id=agent_id):
                self._remove(agent_id, given(message.reason, None) or "archived")
            case FetchAgentsResult(entries=entries):
                self._replace_all([(entry.agent, entry.project) for entry in entries])
            case ProvidersSnapshot(entries=entries) | ProvidersSnapshotUpdate(entries=entries):
                self.providers = tuple(entries)
                self.providers_known = True
                self._flags.add("providers")
            case PermissionResolvedPush():
                self._answered(message)
            case _:
                pass
        return None

    def connected(self, connection: Connection) -> None:
        if connection != self.connection:
            self.connection = connection
            self._flags.add("connection")

    def found_history(self, *, nothing: bool) -> None:
        """Whether any agent was ever made here: the first run is shown when none was."""
        self.virgin = nothing
        self._flags.add("everything")

    def doors_told(self, doors: Iterable[DoorStatus], *, seen: bool = False) -> None:
        """What became of the daemon's addresses; `seen`: the person looks at them just now."""
        before = self.doors.news
        self.doors.told(doors, seen=seen)
        if self.doors.news != before:
            self._flags.add("connection")

    def models_asked(self, provider: str, words: str) -> None:
        """A program is asked for its models (ASKING), or could not tell: why."""
        self.models_words[provider] = words
        self._flags.add("providers")

    def models_told(self, provider: str, models: Sequence[Model]) -> None:
        """What it answered: in its entry, as if the daemon had listed them at once."""
        self.models_words[provider] = ""
        self.providers = tuple(
            msgspec.structs.replace(entry, models=list(models))
            if entry.provider == provider
            else entry
            for entry in self.providers
        )
        self._flags.add("providers")

    def timeline_changed(self, agent_id: str) -> None:
        """The link changed a timeline itself: a page was loaded."""
        self.version += 1
        self._timelines.add(agent_id)

    def _upsert(self, agent: AgentSnapshot, project: ProjectPlacement | None) -> None:
        if given(agent.archived_at, None) is not None:
            self._remove(agent.id, "archived")
            return
        self.gone.pop(agent.id, None)
        state = self.agents.get(agent.id)
        if state is None:
            self.agents[agent.id] = AgentState(agent, project)
        elif agent.updated_at >= state.snapshot.updated_at:
            state.snapshot = agent
            state.project = project or state.project
        else:
            return
        self._agents.add(agent.id)
        self._requests_changed()

    def _remove(self, agent_id: str, why: str) -> None:
        if self.agents.pop(agent_id, None) is not None:
            remember(self.gone, agent_id, why)
            self._agents.add(agent_id)
            self._requests_changed()

    def _replace_all(
        self, entries: Iterable[tuple[AgentSnapshot, ProjectPlacement | None]]
    ) -> None:
        """The whole list, after a connect: the newest word on every agent, archived ones gone."""
        old = self.agents
        self.agents = {}
        for agent, project in entries:
            kept = old.get(agent.id)
            state = AgentState(agent, project)
            if kept is not None:
                if agent.updated_at >= kept.snapshot.updated_at:
                    kept.snapshot = agent
                kept.project, state = project, kept
            self.agents[agent.id] = state
        self.loaded = True
        self._requests = None
        self._flags |= {"everything", "requests"}

    def _answered(self, message: PermissionResolvedPush) -> None:
        remember(self.answers, message.request_id, message)
        self._agents.add(message.agent_id)
        self._flags.add("requests")

    def _requests_changed(self) -> None:
        before = self._requests
        self._requests = None
        if before is None or before != self.requests:
            self._flags.add("requests")
