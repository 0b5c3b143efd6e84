"""Sessions that were begun outside Sereno: listing them, and taking one over (wire 6.6.6)."""

from __future__ import annotations

import anyio
import anyio.to_thread

from sereno.core.agents import adoption
from sereno.core.agents.errors import AgentError
from sereno.core.protocol.importing import (
    AgentResumed,
    ImportAgent,
    ListProviderSessions,
    ProviderSession,
    ProviderSessions,
    SessionsProblem,
)
from sereno.core.protocol.messages import AgentCreateFailed
from sereno.core.protocol.values import UNSET, given, iso
from sereno.core.providers.catalog import Provider
from sereno.core.providers.kept import keepers, model
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.store.errors import StoreError
from sereno.core.workspaces.errors import WorkspaceError

__all__ = ["table"]

table = Table()
MOST = 1_000
Explained = (AgentError, StoreError, WorkspaceError)


@table.handles(ListProviderSessions)
async def sessions(call: Call, request: ListProviderSessions) -> ProviderSessions:
    """Starts the programs, side by side: seconds may pass."""
    wanted = given(request.provider, None)
    limit = max(1, min(request.limit, MOST))
    found: list[tuple[Provider, model.KeptSession]] = []
    problems: list[SessionsProblem] = []

    async def ask(provider: Provider, keeper: model.Keeper) -> None:
        try:
            kept = await anyio.to_thread.run_sync(
                keeper.sessions, provider, call.services.providers.env, request.cwd, limit
            )
        except model.KeptError as error:
            step = error.next_step or UNSET
            problem = SessionsProblem(provider=provider.name, error=error.message, next_step=step)
            problems.append(problem)
        else:
            found.extend((provider, one) for one in kept)

    asked = await call.services.providers.installed()
    async with anyio.create_task_group() as group:
        for provider in asked:
            keeper = keepers.keeper_of(provider)
            if keeper is not None and wanted in (None, provider.name):
                group.start_soon(ask, provider, keeper)
    found.sort(key=lambda one: one[1].updated_ms or 0, reverse=True)
    return ProviderSessions(
        request_id=request.request_id,
        cwd=request.cwd,
        sessions=[_shown(call, provider, one) for provider, one in found[:limit]],
        problems=problems,
    )


def _shown(call: Call, provider: Provider, session: model.KeptSession) -> ProviderSession:
    updated = session.updated_ms
    return ProviderSession(
        provider=provider.name,
        session_id=session.session_id,
        title=session.title,
        cwd=session.cwd,
        updated_at=None if updated is None else iso(updated),
        agent_id=call.services.fleet.having(provider.name, session.session_id) or UNSET,
    )


@table.handles(ImportAgent)
async def adopt(call: Call, request: ImportAgent) -> AgentResumed | AgentCreateFailed:
    try:
        wanted = await _adoption(call, request)
        view = await call.services.fleet.adopt(wanted, by=call.by)
    except model.KeptError as error:
        return _failed(request, error.code, error.message, error.next_step)
    except Explained as error:
        return _failed(request, error.code, error.message, error.next_step)
    return AgentResumed(
        request_id=request.request_id,
        agent_id=view.snapshot.id,
        agent=view.snapshot,
        timeline_size=len(wanted.history),
    )


async def _adoption(call: Call, request: ImportAgent) -> adoption.Adoption:
    provider = call.services.providers.find(request.provider)
    keeper = None if provider is None or not provider.enabled else keepers.keeper_of(provider)
    if provider is None or keeper is None:
        raise AgentError(
            "not_supported",
            f"{request.provider} has no sessions that could be imported.",
            "`sereno provider ls` shows the providers; Claude, Codex and OpenCode keep sessions.",
        )
    call.services.fleet.refuse_known(provider.name, request.session_id)
    env, cwd = call.services.providers.env, given(request.cwd, None)
    session, history = await anyio.to_thread.run_sync(
        keeper.take, provider, env, request.session_id, cwd
    )
    return adoption.Adoption(provider.name, session, history, given(request.labels, {}))


def _failed(request: ImportAgent, code: str, message: str, next_step: str) -> AgentCreateFailed:
    return AgentCreateFailed(
        request_id=request.request_id,
        error=message,
        error_code=code,
        next_step=next_step or UNSET,
    )
