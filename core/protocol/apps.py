"""What official apps and the official command line ask besides agents, as far as it is answered:
settings, features, lists of what Sereno does not have (wire reference 6.6.6, 6.9, 6.10, 6.12).

An empty list is the truth here, not a place-holder: there are no terminals, editors or worktrees of
Sereno's. Making one is a request that Sereno does not know, and it is refused in words.
"""

from typing import Any, ClassVar, Literal

from sereno.core.protocol.agents import Feature
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AgentRefreshed",
    "CloseItems",
    "CloseItemsResult",
    "ClosedAgent",
    "ClosedTerminal",
    "DaemonConfig",
    "DictationError",
    "DictationFinish",
    "DictationStart",
    "EditorsList",
    "GetDaemonConfig",
    "GetDaemonConfigResult",
    "ListEditors",
    "ListProviderFeatures",
    "ListTerminals",
    "ListWorktrees",
    "McpConfig",
    "ProviderConfig",
    "ProviderFeatures",
    "RefreshAgent",
    "SetAgentFeature",
    "SetFeatureResult",
    "SubscribeTerminals",
    "TerminalsChanged",
    "TerminalsList",
    "UnsubscribeTerminals",
    "WorktreesList",
]


class RefreshAgent(Wire, tag_field="type", tag="refresh_agent_request"):
    """Start the program again, with its session; for an archived agent: take it back."""

    request_id: str
    agent_id: str


class AgentRefreshed(Wire, tag_field="status", tag="agent_refreshed"):
    """`timeline_size`: rows of its timeline."""

    wire_type: ClassVar[str] = "status"
    request_id: str
    agent_id: str
    timeline_size: int | UnsetType = UNSET


class CloseItems(Wire, tag_field="type", tag="close_items_request"):
    request_id: str
    agent_ids: list[str] = []
    terminal_ids: list[str] = []


class ClosedAgent(Wire):
    agent_id: str
    archived_at: str


class ClosedTerminal(Wire):
    terminal_id: str
    success: bool


class CloseItemsResult(Wire):
    wire_type: ClassVar[str] = "close_items_response"
    request_id: str
    agents: list[ClosedAgent]
    terminals: list[ClosedTerminal]


class GetDaemonConfig(Wire, tag_field="type", tag="get_daemon_config_request"):
    request_id: str


class McpConfig(Wire):
    inject_into_agents: bool = False


class ProviderConfig(Wire):
    enabled: bool


class DaemonConfig(Wire):
    mcp: McpConfig
    providers: dict[str, ProviderConfig]


class GetDaemonConfigResult(Wire):
    wire_type: ClassVar[str] = "get_daemon_config_response"
    request_id: str
    config: DaemonConfig


class ListProviderFeatures(Wire, tag_field="type", tag="list_provider_features_request"):
    request_id: str
    draft_config: dict[str, Any]


class ProviderFeatures(Wire):
    wire_type: ClassVar[str] = "list_provider_features_response"
    request_id: str
    provider: str
    fetched_at: str
    features: list[Feature]
    error: str | None = None


class SetAgentFeature(Wire, tag_field="type", tag="set_agent_feature_request"):
    request_id: str
    agent_id: str
    feature_id: str
    value: Any = None


class SetFeatureResult(Wire):
    wire_type: ClassVar[str] = "set_agent_feature_response"
    request_id: str
    agent_id: str
    accepted: bool
    error: str | None


class ListTerminals(Wire, tag_field="type", tag="list_terminals_request"):
    request_id: str
    cwd: str | UnsetType = UNSET


class TerminalsList(Wire):
    wire_type: ClassVar[str] = "list_terminals_response"
    request_id: str
    cwd: str | UnsetType = UNSET
    terminals: list[Any] = []


class SubscribeTerminals(Wire, tag_field="type", tag="subscribe_terminals_request"):
    cwd: str


class UnsubscribeTerminals(Wire, tag_field="type", tag="unsubscribe_terminals_request"):
    cwd: str


class TerminalsChanged(Wire):
    wire_type: ClassVar[str] = "terminals_changed"
    cwd: str
    terminals: list[Any] = []


class ListEditors(Wire, tag_field="type", tag="list_available_editors_request"):
    request_id: str


class EditorsList(Wire):
    wire_type: ClassVar[str] = "list_available_editors_response"
    request_id: str
    editors: list[Any] = []
    error: str | None = None


class ListWorktrees(Wire, tag_field="type", tag="paseo_worktree_list_request"):
    request_id: str
    cwd: str | UnsetType = UNSET
    repo_root: str | UnsetType = UNSET


class WorktreesList(Wire):
    wire_type: ClassVar[str] = "paseo_worktree_list_response"
    request_id: str
    worktrees: list[Any] = []
    error: None = None


class DictationStart(Wire, tag_field="type", tag="dictation_stream_start"):
    """No request id: the app waits for an acknowledgement or an error under `dictation_id`."""

    dictation_id: str
    format: str


class DictationFinish(Wire, tag_field="type", tag="dictation_stream_finish"):
    """As above; the app would wait for minutes."""

    dictation_id: str
    final_seq: int


class DictationError(Wire):
    wire_type: ClassVar[str] = "dictation_stream_error"
    dictation_id: str
    error: str
    retryable: bool = False
    reason_code: Literal["unsupported"] | UnsetType = UNSET
