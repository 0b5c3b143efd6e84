"""The end of a timeline: where it is, and its last entries."""

from __future__ import annotations

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.messages import TimelinePage
from sereno.core.protocol.requests import FetchTimeline
from sereno.core.protocol.timeline import Cursor, Direction, Entry, Projection
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.follow import Position

ROWS = 500


def page(
    client: SyncClient,
    agent_id: str,
    direction: Direction,
    cursor: Cursor | None,
    limit: int,
    projection: Projection,
) -> TimelinePage:
    """One fetch. Raises CliError for an agent that is gone."""
    request = FetchTimeline(
        request_id="", agent_id=agent_id, direction=direction, limit=limit, projection=projection
    )
    if cursor is not None:
        request.cursor = cursor
    reply = client.request(request)
    assert isinstance(reply, TimelinePage)
    if reply.error is not None:
        raise CliError("unknown_agent", reply.error, "`sereno ls -a -g` lists all agents")
    return reply


def end_of(client: SyncClient, agent_id: str) -> Position:
    """The position after everything that is there now."""
    last = page(client, agent_id, "tail", None, 1, "canonical")
    return Position(last.epoch, last.window.max_seq)


def last_entries(
    client: SyncClient, agent_id: str, count: int, projection: Projection = "projected"
) -> tuple[list[Entry], Position]:
    """At most `count` of the last entries, oldest first, and the position after them."""
    part = page(client, agent_id, "tail", None, max(ROWS, count), projection)
    position = Position(part.epoch, part.window.max_seq)
    entries = part.entries
    while len(entries) < count and part.has_older and part.start_cursor is not None:
        part = page(client, agent_id, "before", part.start_cursor, ROWS, projection)
        if part.epoch != position.epoch:
            break
        entries = part.entries + entries
    return entries[-count:] if count else [], position
