"""News of a step as messages, each encoded once for all clients (design section 4).

Pure: from values to bytes. Who gets them is core/sessions' concern.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from sereno.core.agents.news import EventNews, News, PayloadNews, Picture, RowNews, StateNews
from sereno.core.agents.snapshot import snapshot
from sereno.core.agents.views import AgentView
from sereno.core.protocol.frames import encode_payload, encode_timeline_row
from sereno.core.protocol.messages import AgentEntry, AgentRemoved, AgentStream, AgentUpserted
from sereno.core.protocol.outgoing import Kind, Outgoing
from sereno.core.protocol.values import iso

__all__ = ["messages", "removed", "view_of"]

_json = msgspec.json.Encoder()


def messages(
    news: Sequence[News], *, agent_id: str, provider: str, epoch: str
) -> Iterator[Outgoing]:
    for one in news:
        match one:
            case RowNews(row):
                frame = encode_timeline_row(
                    agent_id=agent_id,
                    provider=provider,
                    item=row.item,
                    timestamp=iso(row.at_ms),
                    seq=row.seq,
                    epoch=epoch,
                )
                yield Outgoing(Kind.TIMELINE, agent_id, frame, agent_id=agent_id)
            case StateNews(picture):
                payload = AgentUpserted(agent=snapshot(picture), project=picture.record.placement)
                yield _state(agent_id, encode_payload(payload))
            case EventNews(event, at_ms):
                stream = AgentStream(agent_id=agent_id, event=event, timestamp=iso(at_ms))
                yield _control(agent_id, encode_payload(stream))
            case PayloadNews(payload):
                yield _control(agent_id, encode_payload(payload))


def removed(agent_id: str) -> Outgoing:
    return _state(agent_id, encode_payload(AgentRemoved(agent_id=agent_id, reason="deleted")))


def view_of(picture: Picture, *, provider_available: bool) -> AgentView:
    shown = snapshot(picture, provider_available=provider_available)
    project = picture.record.placement
    return AgentView(
        snapshot=shown,
        project=project,
        encoded=_json.encode(AgentEntry(agent=shown, project=project)),
        updated_ms=picture.record.updated_ms,
        provider_available=provider_available,
    )


def _state(agent_id: str, data: bytes) -> Outgoing:
    return Outgoing(Kind.STATE, agent_id, data, agent_id=agent_id, needs="agents")


def _control(agent_id: str, data: bytes) -> Outgoing:
    return Outgoing(Kind.CONTROL, agent_id, data, agent_id=agent_id)
