"""Who of the connected gets which of the messages of one turn: one batch for all that are alike.

Pure. Nearly every client gets one of two batches, so that the work per client does not grow with
the number of messages; only a subscription with a filter needs a look at each.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import msgspec

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.decoders import decoder
from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import AgentRemoved
from sereno.core.protocol.outgoing import AGENTS, WORKSPACES, Kind, Outgoing
from sereno.core.protocol.requests import AgentFilter
from sereno.core.protocol.values import Wire
from sereno.core.sessions.batch import Batch
from sereno.core.sessions.directory import matches
from sereno.core.sessions.session import Session

__all__ = ["Audience"]


class _Project(Wire):
    project_key: str = ""


class _Upsert(Wire):
    kind: str
    agent: AgentSnapshot | None = None
    project: _Project | None = None


class _Message(Wire):
    payload: _Upsert


class _Frame(Wire):
    message: _Message


@functools.cache
def _frames() -> msgspec.json.Decoder[_Frame]:
    """Made when somebody asks for some agents only: not at a daemon's start."""
    return decoder(_Frame)


class Audience:
    """The messages of one turn, sorted for their readers."""

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self._messages = messages
        self._all = Batch(messages)
        self._plain: dict[tuple[bool, bool], Batch] = {}
        self._needs = {one.needs for one in messages}

    def batch_for(self, session: Session) -> Batch:
        subscription = session.subscription
        if subscription is None or subscription.filter is None:
            return self._unfiltered(subscription is not None, session.workspaces)
        whole = self._unfiltered(True, session.workspaces)
        return Batch([_through(one, subscription.filter) for one in whole.messages])

    def _unfiltered(self, agents: bool, workspaces: bool) -> Batch:
        """The same for all sessions that subscribed to the same."""
        found = self._plain.get((agents, workspaces))
        if found is None:
            wanted = {AGENTS: agents, WORKSPACES: workspaces}
            skipped = {need for need, is_wanted in wanted.items() if not is_wanted}
            found = self._all
            if skipped & self._needs:
                found = Batch([one for one in self._messages if one.needs not in skipped])
            self._plain[agents, workspaces] = found
        return found


def _through(message: Outgoing, wanted: AgentFilter) -> Outgoing:
    """The message, or that its agent is gone where it does not match the subscription (6.5.2)."""
    if message.needs != AGENTS:
        return message
    payload = _frames().decode(message.data).message.payload
    if payload.kind != "upsert" or payload.agent is None:
        return message
    key = payload.project.project_key if payload.project else ""
    if matches(payload.agent, key, wanted):
        return message
    frame = encode_payload(AgentRemoved(agent_id=payload.agent.id))
    return Outgoing(Kind.STATE, message.key, frame, agent_id=message.agent_id, needs="agents")
