"""What a client asks, flat beside `type` (wire reference sections 6.5 to 6.9).

The subset of section 9.6 for the command line, plus ping, attention and heartbeat. Sereno's own
requests are in additions.py. Anything else is answered with `rpc_error` `unknown_schema`.
"""

from typing import Any, Literal

from sereno.core.protocol.agents import AgentStatus
from sereno.core.protocol.permissions import PermissionResponse
from sereno.core.protocol.timeline import Cursor, Direction, Projection
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AgentConfig",
    "AgentFilter",
    "ArchiveAgent",
    "CancelAgent",
    "ClearAttention",
    "ClientHeartbeat",
    "CreateAgent",
    "DeleteAgent",
    "DirectorySuggestions",
    "FetchAgent",
    "FetchAgentHistory",
    "FetchAgents",
    "FetchTimeline",
    "GetProvidersSnapshot",
    "Image",
    "ListAvailableProviders",
    "ListCommands",
    "ListProviderModels",
    "ListProviderModes",
    "Page",
    "PermissionAnswer",
    "Ping",
    "RefreshProvidersSnapshot",
    "RegisterPushToken",
    "RestartServer",
    "SendMessage",
    "SetAgentMode",
    "SetAgentModel",
    "SetAgentThinking",
    "ShutdownServer",
    "Sort",
    "Subscribe",
    "UpdateAgent",
    "WaitForFinish",
]


class Ping(Wire, tag_field="type", tag="ping"):
    request_id: str
    client_sent_at: int | UnsetType = UNSET


class AgentFilter(Wire):
    labels: dict[str, str] | UnsetType = UNSET
    project_keys: list[str] | UnsetType = UNSET
    statuses: list[AgentStatus] | UnsetType = UNSET
    include_archived: bool | UnsetType = UNSET
    requires_attention: bool | UnsetType = UNSET
    thinking_option_id: str | UnsetType | None = UNSET


class Sort(Wire):
    key: Literal["status_priority", "created_at", "updated_at", "title"]
    direction: Literal["asc", "desc"]


class Page(Wire):
    limit: int
    cursor: str | UnsetType = UNSET


class Subscribe(Wire):
    subscription_id: str | UnsetType = UNSET


class FetchAgents(Wire, tag_field="type", tag="fetch_agents_request"):
    request_id: str
    scope: Literal["active"] | UnsetType = UNSET
    filter: AgentFilter | UnsetType = UNSET
    sort: list[Sort] | UnsetType = UNSET
    page: Page | UnsetType = UNSET
    subscribe: Subscribe | UnsetType = UNSET


class FetchAgentHistory(Wire, tag_field="type", tag="fetch_agent_history_request"):
    request_id: str
    filter: AgentFilter | UnsetType = UNSET
    sort: list[Sort] | UnsetType = UNSET
    page: Page | UnsetType = UNSET


class FetchAgent(Wire, tag_field="type", tag="fetch_agent_request"):
    request_id: str
    agent_id: str
    """An agent identifier: id, unambiguous prefix, or title (section 6.2.1)."""


class AgentConfig(Wire):
    provider: str
    cwd: str
    mode_id: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    thinking_option_id: str | UnsetType = UNSET
    feature_values: dict[str, Any] | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    system_prompt: str | UnsetType = UNSET
    mcp_servers: dict[str, Any] | UnsetType = UNSET
    approval_policy: str | UnsetType = UNSET
    sandbox_mode: str | UnsetType = UNSET
    network_access: bool | UnsetType = UNSET
    web_search: bool | UnsetType = UNSET
    extra: dict[str, Any] | UnsetType = UNSET


class Image(Wire):
    data: str
    """Base64."""
    mime_type: str


class CreateAgent(Wire, tag_field="type", tag="create_agent_request"):
    request_id: str
    config: AgentConfig
    workspace_id: str | UnsetType = UNSET
    initial_prompt: str | UnsetType = UNSET
    client_message_id: str | UnsetType = UNSET
    images: list[Image] | UnsetType = UNSET
    attachments: list[dict[str, Any]] | UnsetType = UNSET
    output_schema: dict[str, Any] | UnsetType = UNSET
    git: dict[str, Any] | UnsetType = UNSET
    worktree_name: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET


class SendMessage(Wire, tag_field="type", tag="send_agent_message_request"):
    """`delivery` is Sereno's addition; absent means "queue": a running turn is not cut off."""

    request_id: str
    agent_id: str
    text: str
    message_id: str | UnsetType = UNSET
    images: list[Image] | UnsetType = UNSET
    attachments: list[dict[str, Any]] | UnsetType = UNSET
    delivery: Literal["queue", "interrupt"] | UnsetType = UNSET


class WaitForFinish(Wire, tag_field="type", tag="wait_for_finish_request"):
    request_id: str
    agent_id: str
    timeout_ms: int | UnsetType = UNSET


class CancelAgent(Wire, tag_field="type", tag="cancel_agent_request"):
    agent_id: str
    request_id: str | UnsetType = UNSET


class ArchiveAgent(Wire, tag_field="type", tag="archive_agent_request"):
    request_id: str
    agent_id: str


class DeleteAgent(Wire, tag_field="type", tag="delete_agent_request"):
    request_id: str
    agent_id: str


class UpdateAgent(Wire, tag_field="type", tag="update_agent_request"):
    request_id: str
    agent_id: str
    name: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET


class SetAgentMode(Wire, tag_field="type", tag="set_agent_mode_request"):
    request_id: str
    agent_id: str
    mode_id: str


class SetAgentModel(Wire, tag_field="type", tag="set_agent_model_request"):
    request_id: str
    agent_id: str
    model_id: str | None


class SetAgentThinking(Wire, tag_field="type", tag="set_agent_thinking_request"):
    request_id: str
    agent_id: str
    thinking_option_id: str | None


class ClearAttention(Wire, tag_field="type", tag="clear_agent_attention"):
    agent_id: str | list[str]
    request_id: str | UnsetType = UNSET


class FetchTimeline(Wire, tag_field="type", tag="fetch_agent_timeline_request"):
    request_id: str
    agent_id: str
    direction: Direction | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    projection: Projection | UnsetType = UNSET


class PermissionAnswer(Wire, tag_field="type", tag="agent_permission_response"):
    """`request_id` is the permission's id, not that of a call (section 6.8)."""

    agent_id: str
    request_id: str
    response: PermissionResponse


class GetProvidersSnapshot(Wire, tag_field="type", tag="get_providers_snapshot_request"):
    request_id: str
    cwd: str | UnsetType = UNSET


class RefreshProvidersSnapshot(Wire, tag_field="type", tag="refresh_providers_snapshot_request"):
    request_id: str
    cwd: str | UnsetType = UNSET
    providers: list[str] | UnsetType = UNSET


class ListProviderModels(Wire, tag_field="type", tag="list_provider_models_request"):
    request_id: str
    provider: str
    cwd: str | UnsetType = UNSET


class ListProviderModes(Wire, tag_field="type", tag="list_provider_modes_request"):
    request_id: str
    provider: str
    cwd: str | UnsetType = UNSET


class ListAvailableProviders(Wire, tag_field="type", tag="list_available_providers_request"):
    request_id: str


class ListCommands(Wire, tag_field="type", tag="list_commands_request"):
    request_id: str
    agent_id: str
    draft_config: dict[str, Any] | UnsetType = UNSET


class DirectorySuggestions(Wire, tag_field="type", tag="directory_suggestions_request"):
    request_id: str
    query: str
    cwd: str | UnsetType = UNSET
    include_files: bool | UnsetType = UNSET
    include_directories: bool | UnsetType = UNSET
    limit: int | UnsetType = UNSET


class ClientHeartbeat(Wire, tag_field="type", tag="client_heartbeat"):
    device_type: Literal["web", "mobile"]
    focused_agent_id: str | None
    last_activity_at: str
    app_visible: bool
    app_visibility_changed_at: str | UnsetType = UNSET


class RegisterPushToken(Wire, tag_field="type", tag="register_push_token"):
    token: str


class RestartServer(Wire, tag_field="type", tag="restart_server_request"):
    request_id: str
    reason: str | UnsetType = UNSET


class ShutdownServer(Wire, tag_field="type", tag="shutdown_server_request"):
    request_id: str
