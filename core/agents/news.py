"""What a step has to tell clients, in the order in which they must hear it (wire 6.4).

Plain values that are collected before the commit and encoded after it, once for all clients
(announce.py).
"""

from __future__ import annotations

import msgspec

from sereno.core.agents.record import AgentRecord
from sereno.core.agents.requests import OpenRequest
from sereno.core.protocol.events import StreamEvent
from sereno.core.protocol.values import Wire
from sereno.core.store.prompts import PromptRow
from sereno.core.store.timeline import Row

__all__ = ["EventNews", "News", "PayloadNews", "Picture", "RowNews", "StateNews", "Trouble"]


class Trouble(msgspec.Struct, frozen=True):
    """Why nothing of this agent can be stored just now, in words; it goes on by itself."""

    message: str
    next_step: str
    at_ms: int


class Picture(msgspec.Struct, frozen=True):
    """All that a snapshot of an agent shows: immutable, so that it can be kept and compared.

    `speech`: the end of what the agent says just now, not stored with every chunk.
    """

    record: AgentRecord
    run: int
    requests: tuple[OpenRequest, ...] = ()
    queue: tuple[PromptRow, ...] = ()
    speech: str = ""
    trouble: Trouble | None = None


class RowNews(msgspec.Struct, frozen=True):
    """A struct, like Row: one for each event."""

    row: Row


class StateNews(msgspec.Struct, frozen=True):
    picture: Picture


class EventNews(msgspec.Struct, frozen=True):
    """An event of `agent_stream` that is not stored."""

    event: StreamEvent
    at_ms: int


class PayloadNews(msgspec.Struct, frozen=True):
    """Any other message."""

    payload: Wire


News = RowNews | StateNews | EventNews | PayloadNews
