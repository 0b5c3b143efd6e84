"""Requests for permission: answering one, and the ledger of all (wire reference 6.8).

Which answer wins is decided by the fleet in the database. A failure is an `rpc_error` with the
permission's id; success has no reply but the pushes that tell everybody.
"""

from __future__ import annotations

from sereno.core.protocol.additions import ListRequests, ListRequestsResult
from sereno.core.protocol.requests import PermissionAnswer
from sereno.core.sessions.dispatch import Call, Table

__all__ = ["table"]

table = Table()

MOST_ENTRIES = 1_000


@table.handles(PermissionAnswer)
async def answer(call: Call, request: PermissionAnswer) -> None:
    await call.services.fleet.answer(
        request.agent_id, request.request_id, request.response, by=call.by
    )


@table.handles(ListRequests)
async def list_requests(call: Call, request: ListRequests) -> ListRequestsResult:
    limit = max(1, min(request.limit, MOST_ENTRIES))
    entries = await call.services.fleet.requests(closed=request.all, limit=limit)
    return ListRequestsResult(request_id=request.request_id, entries=list(entries))
