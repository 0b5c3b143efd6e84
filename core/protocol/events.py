"""The events of `agent_stream` (wire reference section 6.4).

Not here: their order in a turn (core/agents).
"""

from sereno.core.protocol.agents import AttentionReason, Usage
from sereno.core.protocol.permissions import PermissionRequest, PermissionResponse
from sereno.core.protocol.timeline import TimelineItem
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AttentionData",
    "AttentionNotification",
    "AttentionRequired",
    "PermissionRequested",
    "PermissionResolved",
    "StreamEvent",
    "ThreadStarted",
    "TimelineEvent",
    "TurnCanceled",
    "TurnCompleted",
    "TurnFailed",
    "TurnStarted",
]


class ThreadStarted(Wire, tag_field="type", tag="thread_started"):
    provider: str
    session_id: str


class TurnStarted(Wire, tag_field="type", tag="turn_started"):
    provider: str
    message_id: str | UnsetType = UNSET
    """Sereno's addition: the prompt of this turn, as in its `user_message` row."""


class TurnCompleted(Wire, tag_field="type", tag="turn_completed"):
    provider: str
    usage: Usage | UnsetType = UNSET
    message_id: str | UnsetType = UNSET
    """Sereno's addition: the prompt of this turn, as in its `user_message` row."""


class TurnFailed(Wire, tag_field="type", tag="turn_failed"):
    provider: str
    error: str
    code: str | UnsetType = UNSET
    diagnostic: str | UnsetType = UNSET
    next_step: str | UnsetType = UNSET
    """Sereno's addition: what the person can do about it."""
    message_id: str | UnsetType = UNSET
    """Sereno's addition: the prompt of this turn, as in its `user_message` row."""


class TurnCanceled(Wire, tag_field="type", tag="turn_canceled"):
    provider: str
    reason: str
    message_id: str | UnsetType = UNSET
    """Sereno's addition: the prompt of this turn, as in its `user_message` row."""


class TimelineEvent(Wire, tag_field="type", tag="timeline"):
    provider: str
    item: TimelineItem


class PermissionRequested(Wire, tag_field="type", tag="permission_requested"):
    provider: str
    request: PermissionRequest


class PermissionResolved(Wire, tag_field="type", tag="permission_resolved"):
    provider: str
    request_id: str
    resolution: PermissionResponse
    withdrawn: str | UnsetType = UNSET
    """Sereno's addition: as in PermissionResolvedPush."""


class AttentionData(Wire):
    server_id: str
    agent_id: str
    reason: AttentionReason


class AttentionNotification(Wire):
    title: str
    body: str
    data: AttentionData


class AttentionRequired(Wire, tag_field="type", tag="attention_required"):
    provider: str
    reason: AttentionReason
    timestamp: str
    should_notify: bool
    notification: AttentionNotification | UnsetType = UNSET


StreamEvent = (
    ThreadStarted
    | TurnStarted
    | TurnCompleted
    | TurnFailed
    | TurnCanceled
    | TimelineEvent
    | PermissionRequested
    | PermissionResolved
    | AttentionRequired
)
