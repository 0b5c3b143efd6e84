"""Requests for permission and their answers (wire reference section 6.8).

Not here: the ledger that decides which answer wins (core/agents).
"""

from typing import Any, Literal

from sereno.core.protocol.tools import ToolDetail
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "Allow",
    "Deny",
    "PermissionAction",
    "PermissionKind",
    "PermissionRequest",
    "PermissionResponse",
]

PermissionKind = Literal["tool", "plan", "question", "mode", "other"]


class PermissionAction(Wire):
    """A button: `id` goes back as `selectedActionId`.

    Sereno's own clients read `standing`: true where the answer covers more than this one request
    (for the session or for ever); such an action is never chosen for a plain allow. `lasts`:
    "session" where it is known to end with the agent's session, at the latest.
    """

    id: str
    label: str
    behavior: Literal["allow", "deny"]
    variant: Literal["primary", "secondary", "danger"] | UnsetType = UNSET
    intent: Literal["implement", "implement_resume", "dismiss"] | UnsetType = UNSET
    standing: bool | UnsetType = UNSET
    lasts: Literal["session"] | UnsetType = UNSET


class PermissionRequest(Wire):
    """`metadata["sereno"]` holds what the daemon adds: `askedAt` (iso), `editable` (bool), `callId`
    (of the tool call that waits for it), `takesWords` (false where the words of a
    denial are only kept here and do not reach the agent)."""

    id: str
    provider: str
    name: str
    kind: PermissionKind
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    input: dict[str, Any] | UnsetType = UNSET
    detail: ToolDetail | UnsetType = UNSET
    suggestions: list[dict[str, Any]] | UnsetType = UNSET
    actions: list[PermissionAction] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Allow(Wire, tag_field="behavior", tag="allow"):
    selected_action_id: str | UnsetType = UNSET
    updated_input: dict[str, Any] | UnsetType = UNSET
    updated_permissions: list[dict[str, Any]] | UnsetType = UNSET


class Deny(Wire, tag_field="behavior", tag="deny"):
    selected_action_id: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    interrupt: bool | UnsetType = UNSET


PermissionResponse = Allow | Deny
