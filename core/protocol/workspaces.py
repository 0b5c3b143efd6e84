"""Workspaces, the folders under which official apps show agents (wire reference 6.11).

Not here: how they are found (core/sessions/workspaces.py). Scripts, setup and what GitHub knows are
told as absent: Sereno has none of them yet.
"""

from typing import Any, ClassVar, Literal

from sereno.core.protocol.agents import ProjectPlacement
from sereno.core.protocol.messages import PageInfo
from sereno.core.protocol.requests import Page, Subscribe
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "ArchiveWorkspace",
    "ArchiveWorkspaceResult",
    "FetchWorkspaces",
    "FetchWorkspacesResult",
    "GitRuntime",
    "OpenProject",
    "OpenProjectResult",
    "Workspace",
    "WorkspaceFilter",
    "WorkspaceRemoved",
    "WorkspaceSetup",
    "WorkspaceSetupResult",
    "WorkspaceSort",
    "WorkspaceSortKey",
    "WorkspaceStatus",
    "WorkspaceUpserted",
]

WorkspaceStatus = Literal["needs_input", "failed", "running", "attention", "done"]
WorkspaceSortKey = Literal["status_priority", "activity_at", "name", "project_id"]


class WorkspaceFilter(Wire):
    query: str | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    id_prefix: str | UnsetType = UNSET


class WorkspaceSort(Wire):
    key: WorkspaceSortKey
    direction: Literal["asc", "desc"]


class FetchWorkspaces(Wire, tag_field="type", tag="fetch_workspaces_request"):
    request_id: str
    filter: WorkspaceFilter | UnsetType = UNSET
    sort: list[WorkspaceSort] | UnsetType = UNSET
    page: Page | UnsetType = UNSET
    subscribe: Subscribe | UnsetType = UNSET


class OpenProject(Wire, tag_field="type", tag="open_project_request"):
    request_id: str
    cwd: str


class ArchiveWorkspace(Wire, tag_field="type", tag="archive_workspace_request"):
    request_id: str
    workspace_id: str


class WorkspaceSetup(Wire, tag_field="type", tag="workspace_setup_status_request"):
    request_id: str
    workspace_id: str


class GitRuntime(Wire):
    current_branch: str | None
    remote_url: str | None
    is_paseo_owned_worktree: bool = False


class Workspace(Wire):
    """`id` is the folder itself, as in the snapshots of the agents that work there: apps put an
    agent under the workspace whose `workspace_directory` is the agent's `cwd`."""

    id: str
    project_id: str
    project_display_name: str
    project_root_path: str
    workspace_directory: str
    project_kind: Literal["git", "non_git"]
    workspace_kind: Literal["directory", "local_checkout", "worktree"]
    name: str
    status: WorkspaceStatus
    activity_at: str | None
    git_runtime: GitRuntime | None
    archiving_at: str | None = None
    diff_stat: None = None
    scripts: list[Any] = []
    github_runtime: None = None
    project: ProjectPlacement | UnsetType = UNSET


class FetchWorkspacesResult(Wire):
    wire_type: ClassVar[str] = "fetch_workspaces_response"
    request_id: str
    entries: list[Workspace]
    page_info: PageInfo
    subscription_id: str | UnsetType | None = UNSET


class WorkspaceUpserted(Wire, tag_field="kind", tag="upsert"):
    wire_type: ClassVar[str] = "workspace_update"
    workspace: Workspace


class WorkspaceRemoved(Wire, tag_field="kind", tag="remove"):
    wire_type: ClassVar[str] = "workspace_update"
    id: str


class OpenProjectResult(Wire):
    wire_type: ClassVar[str] = "open_project_response"
    request_id: str
    workspace: Workspace | None
    error: str | None


class ArchiveWorkspaceResult(Wire):
    wire_type: ClassVar[str] = "archive_workspace_response"
    request_id: str
    workspace_id: str
    archived_at: str | None
    error: str | None


class WorkspaceSetupResult(Wire):
    wire_type: ClassVar[str] = "workspace_setup_status_response"
    request_id: str
    workspace_id: str
    snapshot: None = None
    """Nothing is set up: Sereno makes no worktrees yet."""
