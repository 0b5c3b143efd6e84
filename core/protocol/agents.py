"""An agent as clients see it (wire reference sections 6.2 and 6.9).

Not here: the agent's life (core/agents). `AgentSnapshot.sereno` is our addition; clients that do
not know it ignore the key.
"""

from typing import Any, Literal

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AgentExtra",
    "AgentSnapshot",
    "AgentStatus",
    "AttentionReason",
    "Capabilities",
    "Checkout",
    "Command",
    "Feature",
    "Mode",
    "Model",
    "Persistence",
    "ProjectPlacement",
    "ProviderEntry",
    "QueuedPrompt",
    "RuntimeInfo",
    "SelectFeature",
    "SelectOption",
    "SignIn",
    "ToggleFeature",
    "Usage",
]

AgentStatus = Literal["initializing", "idle", "running", "error", "closed"]
AttentionReason = Literal["finished", "error", "permission"]


class Mode(Wire):
    id: str
    label: str
    description: str | UnsetType = UNSET
    icon: str | UnsetType = UNSET
    color_tier: str | UnsetType = UNSET
    """safe, moderate, dangerous or planning."""


class SelectOption(Wire):
    id: str
    label: str
    description: str | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Model(Wire):
    provider: str
    id: str
    label: str
    description: str | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    thinking_options: list[SelectOption] | UnsetType = UNSET
    default_thinking_option_id: str | UnsetType = UNSET


class ToggleFeature(Wire, tag_field="type", tag="toggle"):
    id: str
    label: str
    value: bool
    description: str | UnsetType = UNSET
    tooltip: str | UnsetType = UNSET
    icon: str | UnsetType = UNSET


class SelectFeature(Wire, tag_field="type", tag="select"):
    id: str
    label: str
    value: str | None
    options: list[SelectOption]
    description: str | UnsetType = UNSET
    tooltip: str | UnsetType = UNSET
    icon: str | UnsetType = UNSET


Feature = ToggleFeature | SelectFeature


class Command(Wire):
    """A slash command that the agent program reported."""

    name: str
    description: str
    argument_hint: str = ""


class Capabilities(Wire):
    supports_streaming: bool = False
    supports_session_persistence: bool = True
    supports_dynamic_modes: bool = False
    supports_mcp_servers: bool = False
    supports_reasoning_stream: bool = False
    supports_tool_invocations: bool = True


class Persistence(Wire):
    provider: str
    session_id: str
    native_handle: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class RuntimeInfo(Wire):
    provider: str
    session_id: str | None
    model: str | UnsetType | None = UNSET
    thinking_option_id: str | UnsetType | None = UNSET
    mode_id: str | UnsetType | None = UNSET
    extra: dict[str, Any] | UnsetType = UNSET


class Usage(Wire):
    input_tokens: float | UnsetType = UNSET
    cached_input_tokens: float | UnsetType = UNSET
    output_tokens: float | UnsetType = UNSET
    total_cost_usd: float | UnsetType = UNSET
    context_window_max_tokens: float | UnsetType = UNSET
    context_window_used_tokens: float | UnsetType = UNSET


class QueuedPrompt(Wire):
    """A prompt that waits for the running turn to end. `text` is cut at 2,000 characters here."""

    id: str
    text: str
    queued_at: str


class AgentExtra(Wire):
    """What Sereno's own clients show beyond the wire."""

    run: int
    """Counts the processes that this agent has had; 0: none yet."""
    queue: list[QueuedPrompt] = []
    turn_started_at: str | UnsetType = UNSET
    last_line: str | UnsetType = UNSET
    """The last thing it said or did, one line, for lists."""
    next_step: str | UnsetType = UNSET
    """With an error: what the person can do."""
    commands: list[Command] = []
    parked: bool | UnsetType = UNSET
    """Its program was ended because it had nothing to do; the next prompt goes on."""


class AgentSnapshot(Wire):
    id: str
    provider: str
    cwd: str
    model: str | None
    created_at: str
    updated_at: str
    last_user_message_at: str | None
    status: AgentStatus
    capabilities: Capabilities
    current_mode_id: str | None
    available_modes: list[Mode]
    pending_permissions: list[PermissionRequest]
    persistence: Persistence | None
    title: str | None
    labels: dict[str, str]
    features: list[Feature] | UnsetType = UNSET
    thinking_option_id: str | UnsetType | None = UNSET
    effective_thinking_option_id: str | UnsetType | None = UNSET
    runtime_info: RuntimeInfo | UnsetType = UNSET
    last_usage: Usage | UnsetType = UNSET
    last_error: str | UnsetType = UNSET
    requires_attention: bool | UnsetType = UNSET
    attention_reason: AttentionReason | UnsetType | None = UNSET
    attention_timestamp: str | UnsetType | None = UNSET
    archived_at: str | UnsetType | None = UNSET
    provider_unavailable: bool | UnsetType = UNSET
    sereno: AgentExtra | UnsetType = UNSET


class Checkout(Wire):
    """Where an agent works. Without git, all but `cwd` are null or false."""

    cwd: str
    is_git: bool
    current_branch: str | None
    remote_url: str | None
    is_paseo_owned_worktree: bool
    main_repo_root: str | None
    worktree_root: str | UnsetType | None = UNSET


class ProjectPlacement(Wire):
    project_key: str
    project_name: str
    checkout: Checkout


class SignIn(Wire):
    """What the program's own status command says. `words`: by what it is signed in, or why that is
    not known. `hint`: how to sign in."""

    state: Literal["yes", "no", "unknown"]
    words: str = ""
    hint: str | UnsetType = UNSET


class ProviderEntry(Wire):
    """One provider as the snapshot lists it (section 6.9.1)."""

    provider: str
    status: Literal["ready", "loading", "error", "unavailable"]
    enabled: bool | UnsetType = UNSET
    error: str | UnsetType = UNSET
    models: list[Model] | UnsetType = UNSET
    modes: list[Mode] | UnsetType = UNSET
    fetched_at: str | UnsetType = UNSET
    label: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    default_mode_id: str | UnsetType | None = UNSET
    command: list[str] | UnsetType = UNSET
    """Sereno's addition: what would be started."""
    path: str | UnsetType = UNSET
    """Sereno's addition: the program that was found."""
    version: str | UnsetType = UNSET
    """Sereno's addition."""
    install_hint: str | UnsetType = UNSET
    """Sereno's addition, where the program was not found."""
    sign_in: SignIn | UnsetType = UNSET
    """Sereno's addition; absent until the program was asked, and where it is not installed."""
