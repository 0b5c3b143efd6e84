"""What the screens ask a daemon besides acts: logs, processes, files, history, sessions elsewhere.

A part of DaemonLink in a file of its own; each raises ActError where the daemon refuses or is gone.
"""

from __future__ import annotations

from sereno.core.protocol.additions import (
    InspectAgent,
    InspectAgentResult,
    ReadLog,
    ReadLogResult,
)
from sereno.core.protocol.agents import AgentSnapshot, Model
from sereno.core.protocol.importing import ListProviderSessions, ProviderSessions
from sereno.core.protocol.messages import DirectorySuggestionsResult, FetchAgentHistoryResult
from sereno.core.protocol.providers import ProviderModels
from sereno.core.protocol.requests import (
    DirectorySuggestions,
    FetchAgentHistory,
    ListProviderModels,
    Page,
)
from sereno.core.protocol.values import UNSET, Wire, given
from sereno.tui.link_api import ActError

__all__ = ["Questions"]

MODELS_SECONDS = 60.0
HISTORY = 1000
"""Agents at most, of which the archived ones are shown."""
SESSIONS = 100
SESSIONS_SECONDS = 60.0
"""Programs may have to be started to tell what they have."""


class Questions:
    """Over `_ask`, which the link has."""

    async def _ask(self, request: Wire, timeout_s: float | None = None) -> Wire:
        raise NotImplementedError

    async def ask(self, request: Wire) -> Wire:
        """See Link."""
        return await self._ask(request)

    async def archived(self) -> list[AgentSnapshot]:
        """The archived agents, newest first."""
        found: list[AgentSnapshot] = []
        cursor: str | None = None
        while True:
            page = Page(limit=200, cursor=UNSET if cursor is None else cursor)
            reply = await self._ask(FetchAgentHistory(request_id="", page=page))
            assert isinstance(reply, FetchAgentHistoryResult)
            found += [each.agent for each in reply.entries if given(each.agent.archived_at, None)]
            cursor = reply.page_info.next_cursor
            if cursor is None or len(found) >= HISTORY:
                return sorted(found, key=lambda each: each.updated_at, reverse=True)

    async def sessions(self, folder: str) -> ProviderSessions:
        """What agent programs have for a folder, begun outside Sereno. May take a while."""
        request = ListProviderSessions(request_id="", cwd=folder, limit=SESSIONS)
        reply = await self._ask(request, SESSIONS_SECONDS)
        assert isinstance(reply, ProviderSessions)
        return reply

    async def read_log(
        self, source: str, direction: str, cursor: int | None, limit: int
    ) -> ReadLogResult:
        """A page of the daemon's log, or of an agent's stderr. Raises ActError."""
        request = ReadLog(
            request_id="",
            source=source,
            direction=direction,  # type: ignore[arg-type]
            cursor=UNSET if cursor is None else cursor,
            limit=limit,
        )
        reply = await self._ask(request)
        assert isinstance(reply, ReadLogResult)
        return reply

    async def models(self, provider: str, folder: str) -> list[Model]:
        """Which models a program has; it may have to be started for that."""
        request = ListProviderModels(request_id="", provider=provider, cwd=folder)
        reply = await self._ask(request, MODELS_SECONDS)
        assert isinstance(reply, ProviderModels)
        error = given(reply.error, None)
        if error is not None:
            raise ActError(error)
        return given(reply.models, [])

    async def inspect(self, agent_id: str) -> InspectAgentResult:
        """What stands behind an agent. Raises ActError."""
        reply = await self._ask(InspectAgent(request_id="", agent_id=agent_id))
        assert isinstance(reply, InspectAgentResult)
        return reply

    async def find_files(self, folder: str, query: str, limit: int) -> list[str]:
        """Paths below a folder that match. Raises ActError."""
        request = DirectorySuggestions(
            request_id="",
            query=query,
            cwd=folder,
            include_files=True,
            include_directories=True,
            limit=limit,
        )
        reply = await self._ask(request)
        assert isinstance(reply, DirectorySuggestionsResult)
        if reply.error:
            raise ActError(reply.error)
        return [entry.path for entry in reply.entries]
