"""Finding agents: lists, one by identifier, and the live subscription (wire reference 6.5)."""

from __future__ import annotations

import uuid

import msgspec

from sereno.core.agents.errors import AgentError
from sereno.core.protocol.messages import FetchAgentResult
from sereno.core.protocol.requests import AgentFilter, FetchAgent, FetchAgentHistory, FetchAgents
from sereno.core.protocol.values import UnsetType, given
from sereno.core.sessions.directory import listing, result_frame
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.sessions.replies import RequestFailed
from sereno.core.sessions.session import Subscription

__all__ = ["table"]

table = Table()


@table.handles(FetchAgents)
def fetch_agents(call: Call, request: FetchAgents) -> bytes | None:
    """The list is a join of what each agent has encoded already; nothing waits in between, so no
    update can fall between the list and the subscription."""
    wanted = given(request.filter, None)
    page = given(request.page, None)
    try:
        found = listing(
            map(call.shown, call.services.fleet.list()),
            wanted=wanted,
            sort=given(request.sort, None),
            page=page,
        )
    except RequestFailed as failed:
        code = "fetch_agents_failed" if failed.code == "handler_error" else failed.code
        raise RequestFailed(failed.message, failed.next_step, code=code) from failed
    if isinstance(request.subscribe, UnsetType):
        return result_frame("fetch_agents_response", request.request_id, page, found, None)
    name = given(request.subscribe.subscription_id, "") or str(uuid.uuid4())
    # Sent from here, so that the reply is out before the subscription begins.
    call.answer(result_frame("fetch_agents_response", request.request_id, page, found, name))
    call.session.subscription = Subscription(name, wanted)
    return None


@table.handles(FetchAgentHistory)
def fetch_history(call: Call, request: FetchAgentHistory) -> bytes:
    wanted = given(request.filter, None) or AgentFilter()
    if isinstance(wanted.include_archived, UnsetType):
        wanted = msgspec.structs.replace(wanted, include_archived=True)
    page = given(request.page, None)
    try:
        found = listing(
            map(call.shown, call.services.fleet.list()),
            wanted=wanted,
            sort=given(request.sort, None),
            page=page,
        )
    except RequestFailed as failed:
        code = "fetch_agent_history_failed" if failed.code == "handler_error" else failed.code
        raise RequestFailed(failed.message, failed.next_step, code=code) from failed
    return result_frame("fetch_agent_history_response", request.request_id, page, found, None)


@table.handles(FetchAgent)
def fetch_agent(call: Call, request: FetchAgent) -> FetchAgentResult:
    fleet = call.services.fleet
    try:
        view = call.shown(fleet.view(fleet.resolve(request.agent_id)))
    except AgentError as error:
        return FetchAgentResult(request_id=request.request_id, agent=None, error=error.message)
    return FetchAgentResult(
        request_id=request.request_id, agent=view.snapshot, project=view.project, error=None
    )
