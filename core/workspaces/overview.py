"""The workspaces that official apps show, from the agents and the folders that were opened. Pure.

A workspace is a folder: each one in which an agent works that is not archived, and each that
somebody opened in an app. One that was put away comes back by itself when it needs the person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sereno.core.protocol.agents import AgentSnapshot, ProjectPlacement
from sereno.core.protocol.values import given, parse_iso
from sereno.core.protocol.workspaces import GitRuntime, Workspace, WorkspaceStatus
from sereno.core.store.workspaces import Marks

__all__ = ["STATUSES", "overview", "status_of"]

STATUSES: tuple[WorkspaceStatus, ...] = ("needs_input", "failed", "running", "attention", "done")
"""The most urgent first; a workspace has that of its most urgent agent."""

Row = tuple[AgentSnapshot, ProjectPlacement]


def overview(
    rows: Iterable[Row], marks: Marks, place: Callable[[str], ProjectPlacement]
) -> dict[str, Workspace]:
    """All workspaces that are to be shown, by id. `place`: the placement of a folder that was
    opened and has no agent."""
    by_folder: dict[str, list[Row]] = {folder: [] for folder in marks.opened}
    for agent, placement in rows:
        if given(agent.archived_at, None) is None:
            by_folder.setdefault(agent.cwd, []).append((agent, placement))
    return {
        folder: _workspace(folder, found, found[0][1] if found else place(folder))
        for folder, found in by_folder.items()
        if not _put_away(folder, found, marks.hidden)
    }


def status_of(agents: Iterable[AgentSnapshot]) -> WorkspaceStatus:
    return min((_status(agent) for agent in agents), key=STATUSES.index, default="done")


def _status(agent: AgentSnapshot) -> WorkspaceStatus:
    if agent.pending_permissions or given(agent.attention_reason, None) == "permission":
        return "needs_input"
    if agent.status == "error":
        return "failed"
    if agent.status in ("running", "initializing"):
        return "running"
    return "attention" if given(agent.requires_attention, False) else "done"


def _put_away(folder: str, found: Iterable[Row], hidden: Mapping[str, int]) -> bool:
    since = hidden.get(folder)
    if since is None:
        return False
    return not any(_asks_for_it(agent, since) for agent, _ in found)


def _asks_for_it(agent: AgentSnapshot, since_ms: int) -> bool:
    """Works, waits for the person, or was begun or spoken to after its workspace was put away."""
    if _status(agent) in ("needs_input", "running"):
        return True
    return any(
        parse_iso(time) > since_ms
        for time in (agent.created_at, agent.last_user_message_at)
        if time
    )


def _workspace(folder: str, found: Iterable[Row], placement: ProjectPlacement) -> Workspace:
    checkout = placement.checkout
    root = checkout.main_repo_root or given(checkout.worktree_root, None) or folder
    git = None
    if checkout.is_git:
        git = GitRuntime(current_branch=checkout.current_branch, remote_url=checkout.remote_url)
    return Workspace(
        id=folder,
        project_id=placement.project_key,
        project_display_name=placement.project_name,
        project_root_path=root,
        workspace_directory=folder,
        project_kind="git" if checkout.is_git else "non_git",
        workspace_kind=(
            "directory"
            if not checkout.is_git
            else "worktree"
            if checkout.main_repo_root
            else "local_checkout"
        ),
        name=checkout.current_branch or Path(folder).name or folder,
        status=status_of(agent for agent, _ in found),
        activity_at=None,
        project=placement,
        git_runtime=git,
    )
