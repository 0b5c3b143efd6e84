"""Providers, models, modes, commands, and paths for composers (wire reference 6.9, 6.11.2)."""

from __future__ import annotations

import anyio

from sereno.core.protocol.agents import Command
from sereno.core.protocol.messages import (
    AvailableProvider,
    AvailableProviders,
    CommandsList,
    DirectorySuggestion,
    DirectorySuggestionsResult,
    ProviderModels,
    ProviderModes,
    ProvidersRefreshed,
    ProvidersSnapshot,
)
from sereno.core.protocol.requests import (
    DirectorySuggestions,
    GetProvidersSnapshot,
    ListAvailableProviders,
    ListCommands,
    ListProviderModels,
    ListProviderModes,
    RefreshProvidersSnapshot,
)
from sereno.core.protocol.values import UNSET, UnsetType, given, iso
from sereno.core.security.confinement import PathRefused
from sereno.core.security.roles import may
from sereno.core.sessions.dispatch import Call, Table

__all__ = ["table"]

table = Table()

MODELS_S = 40.0
"""Seconds for a program to say its models: official clients give up after 45."""


@table.handles(GetProvidersSnapshot)
async def snapshot(call: Call, request: GetProvidersSnapshot) -> ProvidersSnapshot:
    entries = await call.services.providers.entries()
    # Apps offer the models of this answer; our own clients ask for them when they need them.
    models = call.connection.client_type != "cli"
    call.services.providers.look_closer(given(request.cwd, None), again=False, models=models)
    return ProvidersSnapshot(
        request_id=request.request_id, entries=entries, generated_at=_now(call)
    )


@table.handles(RefreshProvidersSnapshot)
def refresh(call: Call, request: RefreshProvidersSnapshot) -> ProvidersRefreshed:
    """The news follows as a push."""
    call.services.providers.look_closer(given(request.cwd, None), again=True, models=True)
    return ProvidersRefreshed(request_id=request.request_id, acknowledged=True)


@table.handles(ListProviderModels)
async def models(call: Call, request: ListProviderModels) -> ProviderModels:
    """Starts the program where it has not said yet what it has: seconds may pass."""
    provider = call.services.providers.find(request.provider)
    error = _unknown(call, request.provider)
    if provider is not None:
        with anyio.move_on_after(MODELS_S) as waiting:
            error = await call.services.providers.models(provider, given(request.cwd, None)) or ""
        if waiting.cancelled_caught:
            error = f"{provider.label} has not said yet which models it has. Ask again in a moment."
    return ProviderModels(
        request_id=request.request_id,
        provider=request.provider,
        fetched_at=_now(call),
        models=UNSET if error else list(provider.models) if provider is not None else UNSET,
        error=error or None,
    )


@table.handles(ListProviderModes)
def modes(call: Call, request: ListProviderModes) -> ProviderModes:
    provider = call.services.providers.find(request.provider)
    return ProviderModes(
        request_id=request.request_id,
        provider=request.provider,
        fetched_at=_now(call),
        modes=UNSET if provider is None else list(provider.modes),
        error=_unknown(call, request.provider) if provider is None else None,
    )


@table.handles(ListAvailableProviders)
async def available(call: Call, request: ListAvailableProviders) -> AvailableProviders:
    entries = await call.services.providers.entries()
    return AvailableProviders(
        request_id=request.request_id,
        providers=[
            AvailableProvider(
                provider=entry.provider,
                available=entry.status == "ready" and given(entry.enabled, True),
                error=entry.error,
            )
            for entry in entries
        ],
        fetched_at=_now(call),
    )


@table.handles(ListCommands)
def commands(call: Call, request: ListCommands) -> CommandsList:
    """What the running program reported; a draft has no program yet, so no commands."""
    found: list[Command] = []
    for view in call.services.fleet.list():
        extra = view.snapshot.sereno
        if view.snapshot.id == request.agent_id and not isinstance(extra, UnsetType):
            found = extra.commands
    return CommandsList(
        request_id=request.request_id, agent_id=request.agent_id, commands=found, error=None
    )


@table.handles(DirectorySuggestions)
async def suggest(call: Call, request: DirectorySuggestions) -> DirectorySuggestionsResult:
    suggestions = call.services.suggestions
    limit = given(request.limit, 30)
    cwd = given(request.cwd, "")
    error: str | None = None
    try:
        if not may(call.session.role, "create_agent_request"):
            # Who starts no agent chooses no folder for one: names of an agent's own only (C-77).
            cwd = call.services.files.known(cwd)
        if cwd:
            found = await suggestions.inside(
                cwd,
                request.query,
                files=given(request.include_files, False),
                directories=given(request.include_directories, True),
                limit=limit,
            )
        else:
            found = await suggestions.folders(request.query, call.services.user_home, limit)
    except PathRefused as refused:
        found, error = [], refused.words
    except OSError as refused:
        found, error = [], f"{cwd} cannot be read: {refused.strerror or refused}"
    return DirectorySuggestionsResult(
        request_id=request.request_id,
        directories=[one.path for one in found if one.kind == "directory"],
        entries=[DirectorySuggestion(path=one.path, kind=one.kind) for one in found],
        error=error,
    )


def _now(call: Call) -> str:
    return iso(call.services.now_ms())


def _unknown(call: Call, name: str) -> str:
    known = ", ".join(call.services.providers.names())
    return f"There is no provider {name!r}. Known ones: {known}."
