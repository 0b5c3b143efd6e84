"""The list of agents as a client wants it: filter, sort, page (wire reference 6.5.1). Pure.

Works on the fleet's views, whose JSON is made already: a list is a join of bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from sereno.core.agents.views import AgentView
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentEntry
from sereno.core.protocol.requests import AgentFilter, Page, Sort
from sereno.core.protocol.values import UNSET, UnsetType, given, parse_iso
from sereno.core.sessions.replies import RequestFailed

__all__ = ["Listing", "discreet", "listing", "matches", "result_frame"]

DEFAULT_LIMIT = 200
_PRIORITY = {"error": 1, "running": 2, "initializing": 3}
_Value = int | str
_DEFAULT_SORT = (Sort(key="updated_at", direction="desc"),)


class Listing(msgspec.Struct, frozen=True):
    """A page of agents. `next_cursor` is None on the last one."""

    views: tuple[AgentView, ...]
    next_cursor: str | None


def matches(agent: AgentSnapshot, project_key: str, wanted: AgentFilter | None) -> bool:
    """Whether an agent passes a filter; without `includeArchived` archived ones never do."""
    if wanted is None:
        return not agent.archived_at
    if agent.archived_at and not given(wanted.include_archived, False):
        return False
    labels = given(wanted.labels, {})
    if any(agent.labels.get(name) != value for name, value in labels.items()):
        return False
    if not isinstance(wanted.statuses, UnsetType) and agent.status not in wanted.statuses:
        return False
    keys = wanted.project_keys
    if not isinstance(keys, UnsetType) and project_key not in keys:
        return False
    attention = wanted.requires_attention
    marked = given(agent.requires_attention, False)
    if given(attention, marked) is not marked:
        return False
    thinking = wanted.thinking_option_id
    if isinstance(thinking, UnsetType):
        return True
    return given(agent.effective_thinking_option_id, None) == thinking


def listing(
    views: Iterable[AgentView],
    *,
    wanted: AgentFilter | None,
    sort: Sequence[Sort] | None,
    page: Page | None,
) -> Listing:
    """Filters, sorts and cuts. Raises RequestFailed (invalid_cursor, bad_page)."""
    limit, cursor = (page.limit, given(page.cursor, None)) if page else (DEFAULT_LIMIT, None)
    if not 1 <= limit <= DEFAULT_LIMIT:
        raise RequestFailed(f"page.limit is {limit}, and may be 1 to {DEFAULT_LIMIT}")
    order = tuple(sort or _DEFAULT_SORT)
    found = [one for one in views if matches(one.snapshot, one.project.project_key, wanted)]
    found.sort(key=lambda one: one.snapshot.id)
    for part in reversed(order):
        found.sort(key=lambda one: _value(one, part.key), reverse=part.direction == "desc")
    if cursor is not None:
        found = _behind(found, order, cursor)
    rest = len(found) > limit
    shown = tuple(found[:limit])
    return Listing(shown, _cursor(order, shown[-1]) if rest else None)


def discreet(view: AgentView) -> AgentView:
    """The agent without what it says and asks: for who may not fetch that either (T46)."""
    agent = msgspec.structs.replace(
        view.snapshot,
        pending_permissions=[],
        persistence=None,
        runtime_info=UNSET,
        last_error=UNSET,
        sereno=UNSET,
    )
    entry = AgentEntry(agent=agent, project=view.project)
    return msgspec.structs.replace(view, snapshot=agent, encoded=msgspec.json.encode(entry))


def result_frame(
    name: str, request_id: str, page: Page | None, found: Listing, subscription_id: str | None
) -> bytes:
    """The reply as a whole frame, around the encoded agents."""
    text = msgspec.json.encode
    previous = given(page.cursor, None) if page else None
    head = b'{"type":"session","message":{"type":' + text(name) + b',"payload":{"requestId":'
    parts = [head, text(request_id)]
    if subscription_id is not None:
        parts += [b',"subscriptionId":', text(subscription_id)]
    parts += [b',"entries":[', b",".join(view.encoded for view in found.views), b'],"pageInfo":']
    parts.append(
        text(
            {
                "nextCursor": found.next_cursor,
                "prevCursor": previous,
                "hasMore": found.next_cursor is not None,
            }
        )
    )
    parts.append(b"}}}")
    return b"".join(parts)


def _value(
    view: AgentView, key: Literal["status_priority", "created_at", "updated_at", "title"]
) -> _Value:
    agent = view.snapshot
    match key:
        case "updated_at":
            return view.updated_ms
        case "created_at":
            return parse_iso(agent.created_at)
        case "title":
            return (agent.title or "").casefold()
        case "status_priority":
            if agent.pending_permissions or given(agent.attention_reason, None) == "permission":
                return 0
            return _PRIORITY.get(agent.status, 4)


class _Cursor(msgspec.Struct):
    sort: list[list[str]]
    values: list[_Value]
    id: str


def _names(order: Sequence[Sort]) -> list[list[str]]:
    return [[part.key, part.direction] for part in order]


def _cursor(order: Sequence[Sort], last: AgentView) -> str:
    values = [_value(last, part.key) for part in order]
    raw = msgspec.json.encode(_Cursor(_names(order), values, last.snapshot.id))
    return base64.urlsafe_b64encode(raw).decode()


def _behind(found: Sequence[AgentView], order: Sequence[Sort], cursor: str) -> list[AgentView]:
    """The agents that sort behind a cursor, whether the one it names still exists or not."""
    try:
        last = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=_Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise RequestFailed("Invalid cursor", code="invalid_cursor") from error
    if last.sort != _names(order) or len(last.values) != len(order):
        raise RequestFailed("The cursor is of another sort", code="invalid_cursor")
    return [one for one in found if _after(one, order, last)]


def _after(view: AgentView, order: Sequence[Sort], last: _Cursor) -> bool:
    for part, at in zip(order, last.values, strict=True):
        value = _value(view, part.key)
        if type(value) is not type(at):
            raise RequestFailed("Invalid cursor", code="invalid_cursor")
        if value != at:
            larger = value > at  # type: ignore[operator]
            return larger if part.direction == "asc" else not larger
    return view.snapshot.id > last.id
