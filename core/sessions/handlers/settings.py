"""Settings of one agent: title and labels, mode, model, thinking (wire reference 6.6.6).

Replies have the form "Action": accepted or not, with an error text.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from sereno.core.agents.errors import AgentError
from sereno.core.agents.views import AgentView
from sereno.core.protocol.messages import (
    SetModelResult,
    SetModeResult,
    SetThinkingResult,
    UpdateAgentResult,
)
from sereno.core.protocol.requests import (
    SetAgentMode,
    SetAgentModel,
    SetAgentThinking,
    UpdateAgent,
)
from sereno.core.protocol.values import given
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.sessions.replies import activity
from sereno.core.store.errors import StoreError

__all__ = ["table"]

table = Table()

R = TypeVar("R", SetModelResult, SetModeResult, SetThinkingResult, UpdateAgentResult)


class _Action(Protocol):
    request_id: str
    agent_id: str


async def _action(call: Call, request: _Action, form: type[R], work: Awaitable[AgentView]) -> R:
    error: str | None = None
    try:
        await work
    except (AgentError, StoreError) as refused:
        error = refused.message
        words = f"{refused.message} {refused.next_step}".strip()
        call.answer(activity(words, call.services.now_ms()))
    return form(
        request_id=request.request_id,
        agent_id=request.agent_id,
        accepted=error is None,
        error=error,
    )


@table.handles(UpdateAgent)
async def update(call: Call, request: UpdateAgent) -> UpdateAgentResult:
    work = call.services.fleet.update(
        request.agent_id,
        name=given(request.name, None),
        labels=given(request.labels, None),
        by=call.by,
    )
    return await _action(call, request, UpdateAgentResult, work)


@table.handles(SetAgentMode)
async def set_mode(call: Call, request: SetAgentMode) -> SetModeResult:
    work = call.services.fleet.set_mode(request.agent_id, request.mode_id, by=call.by)
    return await _action(call, request, SetModeResult, work)


@table.handles(SetAgentModel)
async def set_model(call: Call, request: SetAgentModel) -> SetModelResult:
    work = call.services.fleet.set_model(request.agent_id, request.model_id, by=call.by)
    return await _action(call, request, SetModelResult, work)


@table.handles(SetAgentThinking)
async def set_thinking(call: Call, request: SetAgentThinking) -> SetThinkingResult:
    work = call.services.fleet.set_thinking(
        request.agent_id, request.thinking_option_id, by=call.by
    )
    return await _action(call, request, SetThinkingResult, work)
