"""What the daemon says: the payload of each message, named by `wire_type` (section 6).

`status` payloads carry their kind in `status` (section 6.16). Sereno's own payloads are in
additions.py; frames.py puts payloads into frames and takes them out again.
"""

from typing import Any, ClassVar, Literal

from sereno.core.protocol.agents import (
    AgentSnapshot,
    ProjectPlacement,
)
from sereno.core.protocol.events import StreamEvent
from sereno.core.protocol.permissions import PermissionRequest, PermissionResponse
from sereno.core.protocol.providers import (
    AvailableProvider,
    AvailableProviders,
    CommandsList,
    ProviderModels,
    ProviderModes,
    ProvidersRefreshed,
    ProvidersSnapshot,
    ProvidersSnapshotUpdate,
)
from sereno.core.protocol.timeline import Cursor, Direction, Entry, Projection, Window
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "ActivityLog",
    "AgentArchived",
    "AgentCreateFailed",
    "AgentCreated",
    "AgentDeleted",
    "AgentEntry",
    "AgentRemoved",
    "AgentStream",
    "AgentUpserted",
    "AttentionCleared",
    "AvailableProvider",
    "AvailableProviders",
    "CancelResult",
    "CommandsList",
    "DirectorySuggestion",
    "DirectorySuggestionsResult",
    "FetchAgentHistoryResult",
    "FetchAgentResult",
    "FetchAgentsResult",
    "PageInfo",
    "PermissionPush",
    "PermissionResolvedPush",
    "Pong",
    "ProviderModels",
    "ProviderModes",
    "ProvidersRefreshed",
    "ProvidersSnapshot",
    "ProvidersSnapshotUpdate",
    "RestartRequested",
    "RpcError",
    "SendMessageResult",
    "ServerFeatures",
    "ServerInfo",
    "SetModeResult",
    "SetModelResult",
    "SetThinkingResult",
    "ShutdownRequested",
    "Status",
    "StatusError",
    "TimelinePage",
    "UpdateAgentResult",
    "WaitResult",
]


class RpcError(Wire):
    wire_type: ClassVar[str] = "rpc_error"
    request_id: str
    error: str
    request_type: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    next_step: str | UnsetType = UNSET
    """Sereno's addition: what the person can do about it."""


class Pong(Wire):
    wire_type: ClassVar[str] = "pong"
    request_id: str
    server_received_at: int
    server_sent_at: int
    client_sent_at: int | UnsetType = UNSET


class ActivityLog(Wire):
    wire_type: ClassVar[str] = "activity_log"
    id: str
    timestamp: str
    type: Literal["transcript", "assistant", "tool_call", "tool_result", "error", "system"]
    content: str
    metadata: dict[str, Any] | UnsetType = UNSET


class AgentEntry(Wire):
    agent: AgentSnapshot
    project: ProjectPlacement


class PageInfo(Wire):
    next_cursor: str | None
    prev_cursor: str | None
    has_more: bool


class FetchAgentsResult(Wire):
    wire_type: ClassVar[str] = "fetch_agents_response"
    request_id: str
    entries: list[AgentEntry]
    page_info: PageInfo
    subscription_id: str | UnsetType | None = UNSET


class FetchAgentHistoryResult(Wire):
    wire_type: ClassVar[str] = "fetch_agent_history_response"
    request_id: str
    entries: list[AgentEntry]
    page_info: PageInfo


class FetchAgentResult(Wire):
    wire_type: ClassVar[str] = "fetch_agent_response"
    request_id: str
    agent: AgentSnapshot | None
    error: str | None
    project: ProjectPlacement | UnsetType | None = UNSET


class AgentUpserted(Wire, tag_field="kind", tag="upsert"):
    wire_type: ClassVar[str] = "agent_update"
    agent: AgentSnapshot
    project: ProjectPlacement | UnsetType | None = UNSET


class AgentRemoved(Wire, tag_field="kind", tag="remove"):
    """`reason` is Sereno's addition: "deleted" where it is gone for good; absent where it only does
    not match the subscription any more (it was archived, for one)."""

    wire_type: ClassVar[str] = "agent_update"
    agent_id: str
    reason: Literal["deleted"] | UnsetType = UNSET


class AgentStream(Wire):
    wire_type: ClassVar[str] = "agent_stream"
    agent_id: str
    event: StreamEvent
    timestamp: str
    seq: int | UnsetType = UNSET
    epoch: str | UnsetType = UNSET


class SendMessageResult(Wire):
    """`queued_as` is Sereno's addition: the prompt waits for the running turn under this id."""

    wire_type: ClassVar[str] = "send_agent_message_response"
    request_id: str
    agent_id: str
    accepted: bool
    error: str | None
    queued_as: str | UnsetType = UNSET


class WaitResult(Wire):
    wire_type: ClassVar[str] = "wait_for_finish_response"
    request_id: str
    status: Literal["idle", "error", "permission", "timeout"]
    final: AgentSnapshot | None
    error: str | None
    last_message: str | None


class CancelResult(Wire):
    wire_type: ClassVar[str] = "cancel_agent_response"
    request_id: str
    agent_id: str
    agent: AgentSnapshot | None


class AgentArchived(Wire):
    wire_type: ClassVar[str] = "agent_archived"
    request_id: str
    agent_id: str
    archived_at: str


class AgentDeleted(Wire):
    wire_type: ClassVar[str] = "agent_deleted"
    request_id: str
    agent_id: str


class UpdateAgentResult(Wire):
    wire_type: ClassVar[str] = "update_agent_response"
    request_id: str
    agent_id: str
    accepted: bool
    error: str | None


class SetModeResult(Wire):
    wire_type: ClassVar[str] = "set_agent_mode_response"
    request_id: str
    agent_id: str
    accepted: bool
    error: str | None


class SetModelResult(Wire):
    wire_type: ClassVar[str] = "set_agent_model_response"
    request_id: str
    agent_id: str
    accepted: bool
    error: str | None


class SetThinkingResult(Wire):
    wire_type: ClassVar[str] = "set_agent_thinking_response"
    request_id: str
    agent_id: str
    accepted: bool
    error: str | None


class AttentionCleared(Wire):
    wire_type: ClassVar[str] = "clear_agent_attention_response"
    request_id: str
    agent_id: str | list[str]
    agents: list[AgentSnapshot]


class TimelinePage(Wire):
    wire_type: ClassVar[str] = "fetch_agent_timeline_response"
    request_id: str
    agent_id: str
    agent: AgentSnapshot | None
    direction: Direction
    projection: Projection
    epoch: str
    reset: bool
    stale_cursor: bool
    gap: bool
    window: Window
    start_cursor: Cursor | None
    end_cursor: Cursor | None
    has_older: bool
    has_newer: bool
    entries: list[Entry]
    error: str | None


class PermissionPush(Wire):
    wire_type: ClassVar[str] = "agent_permission_request"
    agent_id: str
    request: PermissionRequest


class PermissionResolvedPush(Wire):
    """Sereno's additions: `answered_by`: who gave the answer, in words. `withdrawn`: nobody did,
    the request is void, and why, in words that go on after "withdrawn: "; the resolution is then
    the denial that other clients understand.
    """

    wire_type: ClassVar[str] = "agent_permission_resolved"
    agent_id: str
    request_id: str
    resolution: PermissionResponse
    answered_by: str | UnsetType = UNSET
    withdrawn: str | UnsetType = UNSET


class DirectorySuggestion(Wire):
    path: str
    kind: Literal["file", "directory"]


class DirectorySuggestionsResult(Wire):
    wire_type: ClassVar[str] = "directory_suggestions_response"
    request_id: str
    directories: list[str]
    entries: list[DirectorySuggestion]
    error: str | None


class ServerFeatures(Wire):
    providers_snapshot: bool = True
    sereno: int | UnsetType = UNSET
    """Version of Sereno's additions; absent on other daemons."""


class ServerInfo(Wire, tag_field="status", tag="server_info"):
    wire_type: ClassVar[str] = "status"
    server_id: str
    hostname: str | UnsetType | None = UNSET
    version: str | UnsetType | None = UNSET
    capabilities: dict[str, Any] | UnsetType = UNSET
    features: ServerFeatures | UnsetType = UNSET


class AgentCreated(Wire, tag_field="status", tag="agent_created"):
    wire_type: ClassVar[str] = "status"
    request_id: str
    agent_id: str
    agent: AgentSnapshot


class AgentCreateFailed(Wire, tag_field="status", tag="agent_create_failed"):
    wire_type: ClassVar[str] = "status"
    request_id: str
    error: str
    error_code: str | UnsetType = UNSET
    next_step: str | UnsetType = UNSET


class RestartRequested(Wire, tag_field="status", tag="restart_requested"):
    wire_type: ClassVar[str] = "status"
    client_id: str
    request_id: str
    reason: str | UnsetType = UNSET


class ShutdownRequested(Wire, tag_field="status", tag="shutdown_requested"):
    wire_type: ClassVar[str] = "status"
    client_id: str
    request_id: str


class StatusError(Wire, tag_field="status", tag="error"):
    """A frame that could not be read and has no request id (section 7.1)."""

    wire_type: ClassVar[str] = "status"
    message: str


Status = (
    ServerInfo
    | AgentCreated
    | AgentCreateFailed
    | RestartRequested
    | ShutdownRequested
    | StatusError
)
