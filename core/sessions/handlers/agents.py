"""An agent's life as clients ask for it: create, prompt, wait, stop, end, archive, delete
(wire reference 6.6), and what Sereno adds to that. The rules are the fleet's."""

from __future__ import annotations

from sereno.core.agents.errors import AgentError
from sereno.core.agents.views import Ended
from sereno.core.protocol.additions import (
    EndAgent,
    EndAgentResult,
    InspectAgent,
    InspectAgentResult,
    ParkAgent,
    ParkAgentResult,
    TakeBackPrompt,
    TakeBackPromptResult,
    UnarchiveAgent,
    UnarchiveAgentResult,
)
from sereno.core.protocol.messages import (
    AgentArchived,
    AgentCreated,
    AgentCreateFailed,
    AgentDeleted,
    AttentionCleared,
    CancelResult,
    SendMessageResult,
    WaitResult,
)
from sereno.core.protocol.requests import (
    ArchiveAgent,
    CancelAgent,
    ClearAttention,
    CreateAgent,
    DeleteAgent,
    SendMessage,
    WaitForFinish,
)
from sereno.core.protocol.values import UNSET, given, iso
from sereno.core.security.roles import hears
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.sessions.replies import activity
from sereno.core.store.errors import StoreError
from sereno.core.workspaces.errors import WorkspaceError

__all__ = ["table"]

table = Table()
Explained = (AgentError, StoreError, WorkspaceError)


@table.handles(CreateAgent)
async def create(call: Call, request: CreateAgent) -> AgentCreated | AgentCreateFailed:
    try:
        view = await call.services.fleet.create(request, by=call.by)
    except Explained as error:
        call.answer(activity(f"{error.message} {error.next_step}", call.services.now_ms()))
        return AgentCreateFailed(
            request_id=request.request_id,
            error=error.message,
            error_code=error.code,
            next_step=error.next_step or UNSET,
        )
    agent = view.snapshot
    return AgentCreated(request_id=request.request_id, agent_id=agent.id, agent=agent)


@table.handles(SendMessage)
async def send(call: Call, request: SendMessage) -> SendMessageResult:
    agent_id = request.agent_id
    fleet = call.services.fleet
    try:
        agent_id = fleet.resolve(request.agent_id)
        result = await fleet.prompt(
            agent_id,
            request.text,
            by=call.by,
            message_id=given(request.message_id, None),
            delivery=given(request.delivery, "queue"),
            images=given(request.images, []),
            attachments=given(request.attachments, []),
        )
    except Explained as error:
        return SendMessageResult(
            request_id=request.request_id, agent_id=agent_id, accepted=False, error=_words(error)
        )
    return SendMessageResult(
        request_id=request.request_id,
        agent_id=agent_id,
        accepted=True,
        error=None,
        queued_as=result.prompt_id if result.queued else UNSET,
    )


@table.handles(TakeBackPrompt)
async def take_back(call: Call, request: TakeBackPrompt) -> TakeBackPromptResult:
    taken = await call.services.fleet.take_back(
        request.agent_id, given(request.prompt_id, None), by=call.by
    )
    return TakeBackPromptResult(
        request_id=request.request_id,
        agent_id=request.agent_id,
        prompt_id=taken.prompt_id if taken else None,
        text=taken.text if taken else None,
        error=None if taken else "The prompt has been sent already, or there is none.",
    )


@table.handles(WaitForFinish)
async def wait(call: Call, request: WaitForFinish) -> WaitResult:
    fleet = call.services.fleet
    timeout_ms = given(request.timeout_ms, None)
    try:
        agent_id = fleet.resolve(request.agent_id)
        outcome = await fleet.wait(agent_id, None if timeout_ms is None else timeout_ms / 1000)
    except AgentError as error:
        return WaitResult(
            request_id=request.request_id,
            status="error",
            final=None,
            error=error.message,
            last_message=None,
        )
    return WaitResult(
        request_id=request.request_id,
        status=outcome.status,
        final=call.shown(outcome.view).snapshot,
        error=outcome.error,
        last_message=outcome.last_message if hears(call.session.role) else None,
    )


@table.handles(CancelAgent)
async def cancel(call: Call, request: CancelAgent) -> CancelResult | None:
    view = await call.services.fleet.interrupt(request.agent_id, by=call.by)
    request_id = given(request.request_id, "")
    if not request_id:
        return None
    return CancelResult(request_id=request_id, agent_id=request.agent_id, agent=view.snapshot)


@table.handles(EndAgent)
async def end(call: Call, request: EndAgent) -> EndAgentResult:
    ended = await call.services.fleet.end(request.agent_id, by=call.by)
    return EndAgentResult(
        request_id=request.request_id,
        agent_id=request.agent_id,
        verified=ended.verified,
        remaining=list(ended.remaining),
        error=_left(ended),
    )


@table.handles(ParkAgent)
async def park(call: Call, request: ParkAgent) -> ParkAgentResult:
    ended = await call.services.fleet.park(request.agent_id, by=call.by)
    return ParkAgentResult(
        request_id=request.request_id,
        agent_id=request.agent_id,
        verified=ended.verified,
        remaining=list(ended.remaining),
        error=_left(ended),
    )


def _left(ended: Ended) -> str | None:
    pids = " ".join(map(str, ended.remaining))
    return None if ended.verified else f"Still running: {pids}. End them with `kill -9 {pids}`."


@table.handles(ArchiveAgent)
async def archive(call: Call, request: ArchiveAgent) -> AgentArchived:
    view = await call.services.fleet.archive(request.agent_id, by=call.by)
    archived_at = given(view.snapshot.archived_at, None) or iso(call.services.now_ms())
    return AgentArchived(
        request_id=request.request_id, agent_id=request.agent_id, archived_at=archived_at
    )


@table.handles(UnarchiveAgent)
async def unarchive(call: Call, request: UnarchiveAgent) -> UnarchiveAgentResult:
    await call.services.fleet.unarchive(request.agent_id, by=call.by)
    return UnarchiveAgentResult(
        request_id=request.request_id, agent_id=request.agent_id, error=None
    )


@table.handles(DeleteAgent)
async def delete(call: Call, request: DeleteAgent) -> AgentDeleted:
    await call.services.fleet.delete(request.agent_id, by=call.by)
    return AgentDeleted(request_id=request.request_id, agent_id=request.agent_id)


@table.handles(ClearAttention)
async def clear_attention(call: Call, request: ClearAttention) -> AttentionCleared | None:
    wanted = request.agent_id
    ids = [wanted] if isinstance(wanted, str) else wanted
    views = await call.services.fleet.clear_attention(ids)
    request_id = given(request.request_id, "")
    if not request_id:
        return None
    return AttentionCleared(
        request_id=request_id, agent_id=wanted, agents=[view.snapshot for view in views]
    )


@table.handles(InspectAgent)
async def inspect(call: Call, request: InspectAgent) -> InspectAgentResult:
    fleet = call.services.fleet
    found = await fleet.inspect(fleet.resolve(request.agent_id))
    return InspectAgentResult(
        request_id=request.request_id,
        agent_id=request.agent_id,
        error=None,
        run=found.run,
        command=list(found.command),
        runner_pid=found.runner_pid,
        agent_pid=found.agent_pid,
        memory_kib=found.memory_kib,
        pss_kib=found.pss_kib,
        processes=list(found.processes),
        journal_bytes=found.journal_bytes,
        started_at=None if found.started_ms is None else iso(found.started_ms),
        exit=found.exit,
        stderr_tail=list(found.stderr_tail),
    )


def _words(error: AgentError | StoreError | WorkspaceError) -> str:
    """For replies whose only place for words is one string."""
    return f"{error.message} {error.next_step}".strip()
