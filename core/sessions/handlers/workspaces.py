"""Workspaces, the folders under which official apps show agents (wire reference 6.11)."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterable, Sequence

import msgspec

from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import PageInfo
from sereno.core.protocol.values import UNSET, UnsetType, given, iso
from sereno.core.protocol.workspaces import (
    ArchiveWorkspace,
    ArchiveWorkspaceResult,
    FetchWorkspaces,
    FetchWorkspacesResult,
    OpenProject,
    OpenProjectResult,
    Workspace,
    WorkspaceFilter,
    WorkspaceSetup,
    WorkspaceSetupResult,
    WorkspaceSort,
    WorkspaceSortKey,
)
from sereno.core.sessions.directory import DEFAULT_LIMIT
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.sessions.replies import RequestFailed
from sereno.core.store.errors import StoreError
from sereno.core.workspaces.errors import WorkspaceError
from sereno.core.workspaces.overview import STATUSES

__all__ = ["table"]

table = Table()

_DEFAULT_SORT = (WorkspaceSort(key="activity_at", direction="desc"),)


@table.handles(FetchWorkspaces)
async def fetch(call: Call, request: FetchWorkspaces) -> None:
    """Answers from here, so that the reply is out before the subscription begins."""
    subscribes = not isinstance(request.subscribe, UnsetType)
    workspaces = call.services.workspaces
    found = await (workspaces.watch() if subscribes else workspaces.current())
    entries = _sorted(_wanted(found.values(), given(request.filter, None)), request)
    page, info = _page(entries, request)
    name: str | UnsetType = UNSET
    if not isinstance(request.subscribe, UnsetType):
        name = given(request.subscribe.subscription_id, "") or str(uuid.uuid4())
    reply = FetchWorkspacesResult(
        request_id=request.request_id, entries=list(page), page_info=info, subscription_id=name
    )
    call.answer(encode_payload(reply))
    if subscribes:
        call.session.workspaces = True


def _wanted(found: Iterable[Workspace], wanted: WorkspaceFilter | None) -> list[Workspace]:
    if wanted is None:
        return list(found)
    text = given(wanted.query, "").strip().casefold()
    prefix, project = given(wanted.id_prefix, ""), given(wanted.project_id, None)
    return [
        one
        for one in found
        if one.id.startswith(prefix)
        and project in (None, one.project_id)
        and (
            text in one.name.casefold()
            or text in one.project_display_name.casefold()
            or text in one.id.casefold()
        )
    ]


def _sorted(found: list[Workspace], request: FetchWorkspaces) -> list[Workspace]:
    found.sort(key=lambda one: one.id)
    for part in reversed(given(request.sort, None) or _DEFAULT_SORT):
        found.sort(key=lambda one: _value(one, part.key), reverse=part.direction == "desc")
    return found


def _value(one: Workspace, key: WorkspaceSortKey) -> str | int:
    match key:
        case "status_priority":
            return STATUSES.index(one.status)
        case "activity_at":
            return one.activity_at or ""
        case "name":
            return one.name.casefold()
        case "project_id":
            return one.project_id


def _page(
    found: Sequence[Workspace], request: FetchWorkspaces
) -> tuple[Sequence[Workspace], PageInfo]:
    """A cursor names the last workspace of the page before. Raises RequestFailed."""
    page = given(request.page, None)
    limit, cursor = (page.limit, given(page.cursor, None)) if page else (DEFAULT_LIMIT, None)
    if not 1 <= limit <= DEFAULT_LIMIT:
        raise RequestFailed(
            f"page.limit is {limit}, and may be 1 to {DEFAULT_LIMIT}",
            code="fetch_workspaces_failed",
        )
    if cursor is not None:
        ids = [one.id for one in found]
        last = _named(cursor)
        if last not in ids:
            raise RequestFailed("Invalid cursor", "Ask for the first page.", code="invalid_cursor")
        found = found[ids.index(last) + 1 :]
    shown, more = found[:limit], len(found) > limit
    after = base64.urlsafe_b64encode(msgspec.json.encode(shown[-1].id)).decode() if more else None
    return shown, PageInfo(next_cursor=after, prev_cursor=cursor, has_more=more)


def _named(cursor: str) -> str | None:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=str)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


@table.handles(OpenProject)
async def open_project(call: Call, request: OpenProject) -> OpenProjectResult:
    """In the audit, because the files of an opened folder may be looked at (files.py)."""
    try:
        found = await call.services.workspaces.open(request.cwd)
        await call.services.note(call.by, "workspace.opened", found.id, {})
    except (WorkspaceError, StoreError) as error:
        words = f"{error.message} {error.next_step}".strip()
        return OpenProjectResult(request_id=request.request_id, workspace=None, error=words)
    return OpenProjectResult(request_id=request.request_id, workspace=found, error=None)


@table.handles(ArchiveWorkspace)
async def archive(call: Call, request: ArchiveWorkspace) -> ArchiveWorkspaceResult:
    at, error = None, None
    try:
        at = await call.services.workspaces.put_away(request.workspace_id)
    except StoreError as refused:
        error = refused.message
    else:
        if at is None:
            error = f"Workspace not found: {request.workspace_id}"
    return ArchiveWorkspaceResult(
        request_id=request.request_id,
        workspace_id=request.workspace_id,
        archived_at=None if at is None else iso(at),
        error=error,
    )


@table.handles(WorkspaceSetup)
def setup(_: Call, request: WorkspaceSetup) -> WorkspaceSetupResult:
    return WorkspaceSetupResult(request_id=request.request_id, workspace_id=request.workspace_id)
