"""What the daemon says of providers: which there are, their models, modes, commands (section 6.9).

Part of messages.py, from which clients import them. How an entry looks is in agents.py.
"""

from typing import ClassVar

from sereno.core.protocol.agents import Command, Mode, Model, ProviderEntry
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AvailableProvider",
    "AvailableProviders",
    "CommandsList",
    "ProviderModels",
    "ProviderModes",
    "ProvidersRefreshed",
    "ProvidersSnapshot",
    "ProvidersSnapshotUpdate",
]


class ProvidersSnapshot(Wire):
    wire_type: ClassVar[str] = "get_providers_snapshot_response"
    request_id: str
    entries: list[ProviderEntry]
    generated_at: str


class ProvidersSnapshotUpdate(Wire):
    wire_type: ClassVar[str] = "providers_snapshot_update"
    entries: list[ProviderEntry]
    generated_at: str
    cwd: str | UnsetType = UNSET


class ProvidersRefreshed(Wire):
    wire_type: ClassVar[str] = "refresh_providers_snapshot_response"
    request_id: str
    acknowledged: bool


class ProviderModels(Wire):
    wire_type: ClassVar[str] = "list_provider_models_response"
    request_id: str
    provider: str
    fetched_at: str
    models: list[Model] | UnsetType = UNSET
    error: str | UnsetType | None = UNSET


class ProviderModes(Wire):
    wire_type: ClassVar[str] = "list_provider_modes_response"
    request_id: str
    provider: str
    fetched_at: str
    modes: list[Mode] | UnsetType = UNSET
    error: str | UnsetType | None = UNSET


class AvailableProvider(Wire):
    provider: str
    available: bool
    error: str | UnsetType | None = UNSET


class AvailableProviders(Wire):
    wire_type: ClassVar[str] = "list_available_providers_response"
    request_id: str
    providers: list[AvailableProvider]
    fetched_at: str
    error: str | UnsetType | None = UNSET


class CommandsList(Wire):
    wire_type: ClassVar[str] = "list_commands_response"
    request_id: str
    agent_id: str
    commands: list[Command]
    error: str | None
