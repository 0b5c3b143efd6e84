"""Sessions that were begun outside Sereno: listing them, and taking one over as an agent.

`import_agent_request` is the wire's own (section 6.6.6); the list is an addition of ours.
"""

from typing import ClassVar

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AgentResumed",
    "ImportAgent",
    "ListProviderSessions",
    "ProviderSession",
    "ProviderSessions",
    "SessionsProblem",
]


class ListProviderSessions(Wire, tag_field="type", tag="sereno.provider.sessions.request"):
    """The sessions that programs keep for a folder. `provider`: of one provider only."""

    request_id: str
    cwd: str
    provider: str | UnsetType = UNSET
    limit: int = 50


class ProviderSession(Wire):
    """`agent_id`: an agent of ours, archived ones too, that has this session already."""

    provider: str
    session_id: str
    title: str | None
    cwd: str
    updated_at: str | None
    agent_id: str | UnsetType = UNSET


class SessionsProblem(Wire):
    """A provider that is installed and could not tell. One that keeps no list is left out."""

    provider: str
    error: str
    next_step: str | UnsetType = UNSET


class ProviderSessions(Wire):
    """Newest first over all providers."""

    wire_type: ClassVar[str] = "sereno.provider.sessions.response"
    request_id: str
    cwd: str
    sessions: list[ProviderSession]
    problems: list[SessionsProblem]


class ImportAgent(Wire, tag_field="type", tag="import_agent_request"):
    request_id: str
    provider: str
    session_id: str
    cwd: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET


class AgentResumed(Wire, tag_field="status", tag="agent_resumed"):
    wire_type: ClassVar[str] = "status"
    request_id: str
    agent_id: str
    agent: AgentSnapshot
    timeline_size: int | UnsetType = UNSET
