"""Which folders are workspaces, what state they show, and which stay put away."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.agents import AgentSnapshot, Checkout, ProjectPlacement
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.values import iso
from sereno.core.store.workspaces import Marks
from sereno.core.workspaces.overview import overview, status_of
from tests.core.sessions.house import snapshot

ASKED = PermissionRequest(id="p", provider="demo", name="shell", kind="tool")


def place(cwd: str, **git: Any) -> ProjectPlacement:
    fields = {"current_branch": None, "remote_url": None, "main_repo_root": None} | git
    checkout = Checkout(cwd=cwd, is_git=bool(git), is_paseo_owned_worktree=False, **fields)
    return ProjectPlacement(project_key=cwd, project_name=cwd.rpartition("/")[2], checkout=checkout)


def row(agent_id: str, cwd: str, **fields: Any) -> tuple[AgentSnapshot, ProjectPlacement]:
    return snapshot(agent_id, cwd=cwd, **fields), place(cwd)


def test_a_folder_with_agents_or_opened_is_a_workspace_once() -> None:
    rows = [row("a", "/p/one"), row("b", "/p/one"), row("c", "/p/gone", archived_at=iso(5))]
    found = overview(rows, Marks(opened={"/p/one": 1, "/p/new": 2}), place)
    assert set(found) == {"/p/one", "/p/new"}
    new = found["/p/new"]
    assert (new.id, new.workspace_directory, new.project_root_path) == ("/p/new",) * 3
    assert (new.project_kind, new.workspace_kind, new.name) == ("non_git", "directory", "new")
    assert (new.status, new.git_runtime, new.activity_at) == ("done", None, None)


@pytest.mark.parametrize(
    ("main", "kind", "root"),
    [(None, "local_checkout", "/p/tree"), ("/p/main", "worktree", "/p/main")],
)
def test_a_checkout_is_named_by_its_branch_and_rooted_in_its_repository(
    main: str | None, kind: str, root: str
) -> None:
    agent = snapshot("a", cwd="/p/tree/deep")
    git = place(
        "/p/tree/deep",
        current_branch="fix",
        remote_url="u",
        main_repo_root=main,
        worktree_root="/p/tree",
    )
    [found] = overview([(agent, git)], Marks(), place).values()
    assert (found.project_kind, found.workspace_kind, found.name) == ("git", kind, "fix")
    assert (found.project_root_path, found.workspace_directory) == (root, "/p/tree/deep")
    assert found.git_runtime is not None
    assert (found.git_runtime.current_branch, found.git_runtime.remote_url) == ("fix", "u")


def test_the_most_urgent_agent_gives_the_state() -> None:
    agents = [
        snapshot("a"),
        snapshot("b", requires_attention=True, attention_reason="finished"),
        snapshot("c", status="initializing"),
        snapshot("d", status="error"),
        snapshot("e", status="running", pending_permissions=[ASKED]),
    ]
    states = [status_of(agents[:count]) for count in range(len(agents) + 1)]
    assert states == ["done", "done", "attention", "running", "failed", "needs_input"]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, False),
        ({"status": "error"}, False),
        ({"status": "running"}, True),
        ({"pending_permissions": [ASKED]}, True),
        ({"created_at": iso(10_001)}, True),
        ({"last_user_message_at": iso(9_999)}, False),
        ({"last_user_message_at": iso(10_001)}, True),
    ],
)
def test_what_was_put_away_comes_back_when_it_needs_somebody(
    fields: dict[str, Any], shown: bool
) -> None:
    found = overview([row("a", "/p", **fields)], Marks(hidden={"/p": 10_000}), place)
    assert ("/p" in found) is shown
