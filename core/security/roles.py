"""Who may ask what: one table of message types by role, and nothing else (design section 7).

Pure. A type without a row may be asked by nobody; the dispatch refuses to register one. What a
role is given to (a peer of our uid, a device) is decided where connections are accepted.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ALLOWED", "CHANGES", "Role", "fetches", "hears", "may"]


class Role(enum.Enum):
    """From most to least. AGENT is a process that descends from a runner: it may look at the
    fleet as `sereno ls` shows it (without what others say and ask), hears nothing, and changes
    nothing; above all it does not answer for the person (T46)."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    AGENT = "agent"


_ADMINS = frozenset({Role.OWNER, Role.ADMIN})
_OPERATORS = _ADMINS | {Role.OPERATOR}
_VIEWERS = _OPERATORS | {Role.VIEWER}
_ALL = _VIEWERS | {Role.AGENT}

# Reading. What agents may read, they could read of their own user's files as well.
_LOOK = (
    "ping",
    "client_heartbeat",
    "fetch_agents_request",
    "fetch_agent_request",
    "fetch_agent_history_request",
    "wait_for_finish_request",
    "get_providers_snapshot_request",
    "list_provider_models_request",
    "list_provider_modes_request",
    "list_available_providers_request",
    "sereno.daemon.status.request",
)
# Reading what agents have no business with: what others were told and what they asked for.
_READ = (
    "fetch_agent_timeline_request",
    "list_commands_request",
    "directory_suggestions_request",
    "sereno.agent.inspect.request",
    "sereno.log.read.request",
    "sereno.requests.list.request",
    "sereno.provider.sessions.request",
    "project_icon_request",
    "fetch_workspaces_request",
    "workspace_setup_status_request",
    "list_provider_features_request",
    "list_terminals_request",
    "subscribe_terminals_request",
    "unsubscribe_terminals_request",
    "list_available_editors_request",
    "paseo_worktree_list_request",
    "get_daemon_config_request",
)
# What is in files, any file of an agent's folder: for those who could have an agent read it.
_FILES = ("file_explorer_request", "file_download_token_request")
_OPERATE = (
    "create_agent_request",
    "import_agent_request",
    "send_agent_message_request",
    "cancel_agent_request",
    "archive_agent_request",
    "delete_agent_request",
    "update_agent_request",
    "set_agent_mode_request",
    "set_agent_model_request",
    "set_agent_thinking_request",
    "set_agent_feature_request",
    "refresh_agent_request",
    "close_items_request",
    "dictation_stream_start",
    "dictation_stream_finish",
    "open_project_request",
    "archive_workspace_request",
    "clear_agent_attention",
    "agent_permission_response",
    "refresh_providers_snapshot_request",
    "register_push_token",
    "sereno.prompt.take_back.request",
    "sereno.agent.end.request",
    "sereno.agent.park.request",
    "sereno.agent.unarchive.request",
)
_ADMINISTER = (
    "restart_server_request",
    "shutdown_server_request",
    "sereno.daemon.reload.request",
    "sereno.audit.verify.request",
)

# What lets others in: of the owner alone, and by the local socket alone (core/sessions/handlers).
_OWN = (
    "sereno.token.offer.request",
    "sereno.security.read.request",
    "sereno.security.change.request",
    "sereno.security.set_password.request",
    "sereno.security.rotate_token.request",
    "sereno.security.try_host.request",
    "sereno.pairing.read.request",
    "sereno.pairing.offer.request",
    "sereno.pairing.close.request",
    "sereno.pairing.answer.request",
    "sereno.pairing.rotate.request",
    "sereno.pairing.relay.request",
    "sereno.device.revoke.request",
    "sereno.device.change.request",
)

ALLOWED: Mapping[str, frozenset[Role]] = MappingProxyType(
    dict.fromkeys(_LOOK, _ALL)
    | dict.fromkeys(_READ, _VIEWERS)
    | dict.fromkeys(_FILES, _OPERATORS)
    | dict.fromkeys(_OPERATE, _OPERATORS)
    | dict.fromkeys(_ADMINISTER, _ADMINS)
    | dict.fromkeys(_OWN, frozenset({Role.OWNER}))
)
"""Wire type of a request to the roles that may make it."""

_ONLY_READ = frozenset(
    {
        "sereno.audit.verify.request",
        "sereno.security.read.request",
        "sereno.security.try_host.request",
        "sereno.pairing.read.request",
    }
)
CHANGES = frozenset((*_OPERATE, *_ADMINISTER, *_OWN)) - _ONLY_READ
"""The requests that change something: those are what the audit is about. Who tries to let somebody
in, or to see the token, without being asked is told there above all."""


def hears(role: Role) -> bool:
    """Whether a role is told what agents say and ask: pushes are guarded as their fetching is."""
    return may(role, "fetch_agent_timeline_request")


def fetches(role: Role) -> bool:
    """Whether a role may have a file by a token: as it may ask for the token."""
    return may(role, "file_download_token_request")


def may(role: Role, request_type: str) -> bool:
    """Whether a role may make a request; False for a type without a row."""
    return role in ALLOWED.get(request_type, frozenset())
