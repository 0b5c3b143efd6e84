"""Timelines and logs, page by page (wire reference 6.7, and Sereno's own log)."""

from __future__ import annotations

from sereno.core.agents.errors import AgentError
from sereno.core.protocol.additions import ReadLog, ReadLogResult
from sereno.core.protocol.messages import TimelinePage
from sereno.core.protocol.requests import FetchTimeline
from sereno.core.protocol.timeline import Window
from sereno.core.protocol.values import given
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.store.errors import StoreError

__all__ = ["table"]

table = Table()

MOST_LINES = 2_000


@table.handles(FetchTimeline)
async def fetch_timeline(call: Call, request: FetchTimeline) -> bytes | TimelinePage:
    try:
        frame = await call.services.fleet.timeline(request)
    except (AgentError, StoreError) as error:
        return _failed(request, error.message)
    if not call.session.reasoning_merge:
        # A client that does not know this value would drop the whole page (5.7). Quotes inside of
        # strings are escaped, so these bytes can only be the key and its value.
        frame = frame.replace(b'"collapsed":["reasoning_merge"]', b'"collapsed":[]')
    return frame


def _failed(request: FetchTimeline, error: str) -> TimelinePage:
    """The form of a page that could not be made (6.7)."""
    return TimelinePage(
        request_id=request.request_id,
        agent_id=request.agent_id,
        agent=None,
        direction=given(request.direction, "tail"),
        projection=given(request.projection, "projected"),
        epoch="",
        reset=False,
        stale_cursor=False,
        gap=False,
        window=Window(min_seq=0, max_seq=0, next_seq=0),
        start_cursor=None,
        end_cursor=None,
        has_older=False,
        has_newer=False,
        entries=[],
        error=error,
    )


@table.handles(ReadLog)
async def read_log(call: Call, request: ReadLog) -> ReadLogResult:
    """The daemon's log, or what an agent's program wrote to stderr."""
    services = call.services
    limit = max(1, min(request.limit, MOST_LINES))
    cursor = given(request.cursor, None)
    if request.source == "daemon":
        return await services.daemon.read_log(request.request_id, request.direction, cursor, limit)
    try:
        agent_id = services.fleet.resolve(request.source)
        page = await services.fleet.log(agent_id, request.direction, cursor, limit)
    except (AgentError, StoreError) as error:
        return ReadLogResult(
            request_id=request.request_id,
            source=request.source,
            lines=[],
            start_cursor=0,
            end_cursor=0,
            has_older=False,
            error=error.message,
        )
    return ReadLogResult(
        request_id=request.request_id,
        source=request.source,
        lines=list(page.lines),
        start_cursor=page.start_cursor,
        end_cursor=page.end_cursor,
        has_older=page.has_older,
        error=None,
    )
