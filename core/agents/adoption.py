"""An agent for a session that a program keeps already: its record, and what was said before."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import anyio.to_thread
import msgspec

from sereno.core.agents.context import Context
from sereno.core.agents.creation import folder_of
from sereno.core.agents.errors import AgentError
from sereno.core.agents.record import AgentRecord, Wish
from sereno.core.agents.step import Step
from sereno.core.protocol.timeline import AssistantMessage, ErrorItem, Reasoning, TimelineItem
from sereno.core.providers.kept.model import KeptSession

__all__ = ["Adoption", "adopted_record", "already_imported", "tell_history"]

MOST_ITEMS = 2_000


class Adoption(msgspec.Struct, frozen=True):
    """`history`: what was said and done in the session, oldest first."""

    provider: str
    session: KeptSession
    history: Sequence[TimelineItem] = ()
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)


async def adopted_record(context: Context, adoption: Adoption) -> AgentRecord:
    """Raises AgentError: the folder's error."""
    session = adoption.session
    cwd, placement = await anyio.to_thread.run_sync(folder_of, session.cwd, context)
    now = context.clock()
    return AgentRecord(
        id=str(uuid.uuid4()),
        provider=adoption.provider,
        cwd=cwd,
        created_ms=now,
        epoch=str(uuid.uuid4()),
        placement=placement,
        wish=Wish(),
        title=session.title or None,
        title_given=False,
        labels=dict(adoption.labels),
        updated_ms=now,
        session_id=session.session_id,
        last_user_ms=session.updated_ms,
    )


def already_imported(agent_id: str) -> AgentError:
    short = agent_id[:8]
    return AgentError(
        "already_imported",
        f"Agent {short} has this session already.",
        f"`sereno attach {short}` shows it; a prompt brings it back where it was archived.",
    )


def tell_history(step: Step, adoption: Adoption) -> None:
    """The newest part of it as rows of the timeline; the program knows all of it."""
    items = adoption.history
    at_ms = adoption.session.updated_ms or step.now_ms
    if left_out := len(items) - MOST_ITEMS:
        items = items[max(0, left_out) :]
    if left_out > 0:
        words = f"The {left_out} oldest entries of this session are not shown here."
        step.add_item(ErrorItem(message=words), at_ms)
    for item in items:
        step.add_item(item, at_ms, delta=isinstance(item, AssistantMessage | Reasoning))
