"""An agent as clients see it: from what is true of it to the wire's AgentSnapshot (6.2.2).

Pure; made once per change and kept by the agent.
"""

from __future__ import annotations

from sereno.core.agents.lastline import last_line
from sereno.core.agents.news import Picture
from sereno.core.agents.record import AgentRecord
from sereno.core.agents.states import ALIVE, IN_TURN, State, wire_status
from sereno.core.protocol.agents import (
    AgentExtra,
    AgentSnapshot,
    Persistence,
    QueuedPrompt,
    RuntimeInfo,
)
from sereno.core.protocol.values import UNSET, UnsetType, iso

__all__ = ["snapshot"]

QUEUED_TEXT_LIMIT = 2_000


def snapshot(picture: Picture, *, provider_available: bool = True) -> AgentSnapshot:
    record, reported = picture.record, picture.record.reported
    alive = record.state in ALIVE
    thinking = reported.thinking_option_id or record.wish.thinking
    return AgentSnapshot(
        id=record.id,
        provider=record.provider,
        cwd=record.cwd,
        model=record.wish.model,
        created_at=iso(record.created_ms),
        updated_at=iso(_updated_ms(picture)),
        last_user_message_at=_iso(record.last_user_ms),
        status=wire_status(record.state, in_turn=record.turn is not None),
        capabilities=reported.capabilities,
        current_mode_id=_mode_id(record),
        available_modes=list(reported.modes) if alive or record.parked else [],
        pending_permissions=[asked.request for asked in picture.requests],
        persistence=_persistence(record),
        title=record.title,
        labels=record.labels,
        features=list(reported.features),
        thinking_option_id=record.wish.thinking,
        effective_thinking_option_id=thinking,
        runtime_info=_runtime(record),
        last_usage=record.usage or UNSET,
        last_error=_last_error(picture),
        requires_attention=record.attention is not None,
        attention_reason=record.attention.reason if record.attention else None,
        attention_timestamp=_iso(record.attention.at_ms if record.attention else None),
        archived_at=_iso(record.archived_ms),
        provider_unavailable=UNSET if provider_available else True,
        sereno=_extra(picture),
    )


def _mode_id(record: AgentRecord) -> str | None:
    """Of the program that runs, else of the one to come."""
    modes = (record.reported.mode_id, record.wish.mode)
    return next((mode for mode in (modes if record.state in ALIVE else modes[::-1]) if mode), None)


def _extra(picture: Picture) -> AgentExtra:
    record = picture.record
    queue = [
        QueuedPrompt(id=one.id, text=one.text[:QUEUED_TEXT_LIMIT], queued_at=iso(one.queued_ms))
        for one in picture.queue
    ]
    return AgentExtra(
        run=picture.run,
        queue=queue,
        turn_started_at=iso(record.turn.started_ms) if record.turn else UNSET,
        last_line=_last_line(picture) or UNSET,
        next_step=_next_step(picture) or UNSET,
        commands=list(record.reported.commands),
        parked=True if record.parked and record.state is State.CLOSED else UNSET,
    )


def _next_step(picture: Picture) -> str | None:
    record = picture.record
    if picture.trouble is not None:
        return picture.trouble.next_step
    if record.failure is not None and record.state in (State.FAILED, State.BROKEN):
        return record.failure.next_step
    if picture.queue and record.held:
        return "What is queued waits since the stop: send a prompt to go on, or take it back."
    return None


def _last_line(picture: Picture) -> str:
    if picture.record.state in IN_TURN:
        return last_line(picture.speech) or picture.record.last_line
    return picture.record.last_line


def _last_error(picture: Picture) -> str | UnsetType:
    """The wire has no null here: the key is left out."""
    record = picture.record
    if picture.trouble is not None:
        return picture.trouble.message
    if record.failure is None or record.state not in (State.FAILED, State.BROKEN):
        return UNSET
    return record.failure.message


def _updated_ms(picture: Picture) -> int:
    stored, trouble = picture.record.updated_ms, picture.trouble
    return stored if trouble is None else max(stored + 1, trouble.at_ms)


def _persistence(record: AgentRecord) -> Persistence | None:
    if record.session_id is None:
        return None
    return Persistence(provider=record.provider, session_id=record.session_id)


def _runtime(record: AgentRecord) -> RuntimeInfo:
    reported = record.reported
    return RuntimeInfo(
        provider=record.provider,
        session_id=record.session_id,
        model=reported.model_id,
        thinking_option_id=reported.thinking_option_id,
        mode_id=reported.mode_id,
    )


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
