"""Workspaces as official apps fetch, follow, open and put them away."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from sereno.core.protocol.messages import AgentUpserted, RpcError
from sereno.core.protocol.values import Wire, iso
from sereno.core.protocol.workspaces import (
    ArchiveWorkspaceResult,
    FetchWorkspacesResult,
    OpenProjectResult,
    WorkspaceRemoved,
    WorkspaceSetupResult,
    WorkspaceUpserted,
)
from sereno.core.security.confinement import PathRefused
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.workspaces import Workspaces
from tests.core.sessions.house import (
    AGENT,
    NOW_MS,
    Door,
    FakeSocket,
    StubDatabase,
    door,
    upsert,
    view,
)

VIEWER = Peer("tcp:viewer", Role.VIEWER, "tcp")


async def fetch(socket: FakeSocket, **fields: Any) -> FetchWorkspacesResult:
    socket.ask("fetch_workspaces_request", **fields)
    answers = await socket.until(bool)
    assert isinstance(answers[-1], FetchWorkspacesResult)
    return answers[-1]


async def ask(socket: FakeSocket, kind: str, **fields: Any) -> Wire:
    socket.ask(kind, **fields)
    return (await socket.until(bool))[-1]


def change(house: Door, agent_id: str, **fields: Any) -> None:
    """An agent is new, or has changed, and that is told."""
    shown = view(agent_id, **fields)
    house.fleet.views[agent_id] = shown
    house.sessions.publish(upsert(shown))


async def test_the_list_is_filtered_sorted_and_paged() -> None:
    async with door() as house:
        for name in ("b", "a", "c"):
            house.fleet.views[name] = view(name, cwd=f"/p/{name}", project=f"key-{name}")
        socket = house.enter()
        everything = await fetch(socket)
        assert [one.id for one in everything.entries] == ["/p/a", "/p/b", "/p/c"]
        assert everything.page_info.next_cursor is None
        assert not everything.page_info.has_more
        order = [{"key": "name", "direction": "desc"}]
        first = await fetch(socket, sort=order, page={"limit": 2})
        assert [one.id for one in first.entries] == ["/p/c", "/p/b"]
        assert first.page_info.has_more
        rest = {"limit": 2, "cursor": first.page_info.next_cursor}
        second = await fetch(socket, sort=order, page=rest)
        assert [one.id for one in second.entries] == ["/p/a"]
        assert second.page_info.prev_cursor == first.page_info.next_cursor
        for wanted in ({"query": " P/B "}, {"idPrefix": "/p/b"}, {"projectId": "key-b"}):
            found = await fetch(socket, filter=wanted)
            assert [one.id for one in found.entries] == ["/p/b"], wanted


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ({"limit": 2, "cursor": "%"}, "invalid_cursor"),
        ({"limit": 2, "cursor": "Ii9nb25lIg=="}, "invalid_cursor"),
        ({"limit": 201}, "fetch_workspaces_failed"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(page: dict[str, Any], code: str) -> None:
    async with door() as house:
        socket = house.enter()
        socket.ask("fetch_workspaces_request", page=page)
        error = (await socket.until(bool))[0]
        assert isinstance(error, RpcError)
        assert error.code == code


async def test_who_subscribed_hears_of_new_changed_and_lost_workspaces_and_nobody_else() -> None:
    async with door() as house:
        reader, other = house.enter("reader"), house.enter("other")
        other.ask("fetch_agents_request", subscribe={})
        assert len(other.taken()) == 1
        assert (await fetch(reader, subscribe={"subscriptionId": "w"})).subscription_id == "w"
        change(house, "a", cwd="/p/a")
        [added] = await reader.until(bool)
        assert isinstance(added, WorkspaceUpserted)
        assert (added.workspace.id, added.workspace.status) == ("/p/a", "done")
        change(house, "a", cwd="/p/a", status="running")
        [changed] = await reader.until(bool)
        assert isinstance(changed, WorkspaceUpserted)
        assert changed.workspace.status == "running"
        change(house, "a", cwd="/p/a", status="running", title="no news for a workspace")
        change(house, "a", cwd="/p/a", archived_at=iso(3_000))
        [removed] = await reader.until(bool)
        assert removed == WorkspaceRemoved(id="/p/a")
        told = [AgentUpserted, AgentUpserted, AgentUpserted, AgentUpserted]
        assert [type(one) for one in other.taken()] == told


async def test_what_was_opened_and_put_away_is_known_after_a_restart(tmp_path: Path) -> None:
    database = StubDatabase()
    shown = view("a", cwd="/p/a")

    def daemon() -> Workspaces:
        return Workspaces(
            cast(Any, database),
            lambda: [shown],
            lambda _: None,
            lambda: False,
            state=Path("/nonexistent"),
            now_ms=lambda: NOW_MS,
        )

    before = daemon()
    await before.open(str(tmp_path))
    assert await before.put_away("/p/a") == NOW_MS
    after = daemon()
    assert list(await after.current()) == [str(tmp_path)]
    assert list(after.folders()) == [str(tmp_path)]


async def test_a_folder_is_opened_and_put_away(tmp_path: Path) -> None:
    async with door() as house:
        socket = house.enter()
        await fetch(socket, subscribe={})
        opened = await ask(socket, "open_project_request", cwd=str(tmp_path))
        assert isinstance(opened, OpenProjectResult)
        assert opened.workspace is not None
        assert opened.workspace.id == str(tmp_path)
        assert house.notes == [("owner (cli)", "workspace.opened", str(tmp_path))]
        assert house.files.known(str(tmp_path)) == str(tmp_path)
        assert isinstance((await socket.until(bool))[0], WorkspaceUpserted)
        put_away = await ask(socket, "archive_workspace_request", workspaceId=str(tmp_path))
        assert isinstance(put_away, ArchiveWorkspaceResult)
        assert (put_away.archived_at, put_away.error) == (iso(NOW_MS), None)
        assert await socket.until(bool) == [WorkspaceRemoved(id=str(tmp_path))]
        with pytest.raises(PathRefused):
            house.files.known(str(tmp_path))
        again = await ask(socket, "archive_workspace_request", workspaceId=str(tmp_path))
        assert isinstance(again, ArchiveWorkspaceResult)
        assert again.archived_at is None
        assert again.error == f"Workspace not found: {tmp_path}"


async def test_a_folder_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    async with door(state=tmp_path) as house:
        socket = house.enter()
        for cwd in (str(tmp_path / "none"), str(tmp_path), "relative"):
            answer = await ask(socket, "open_project_request", cwd=cwd)
            assert isinstance(answer, OpenProjectResult)
            assert answer.workspace is None
            assert answer.error
        assert house.notes == []


async def test_nothing_is_set_up() -> None:
    async with door() as house:
        socket = house.enter()
        answer = await ask(socket, "workspace_setup_status_request", workspaceId="/p")
        assert answer == WorkspaceSetupResult(request_id="r1", workspace_id="/p", snapshot=None)


async def test_agents_see_no_workspaces_and_viewers_open_none(tmp_path: Path) -> None:
    async with door() as house:
        agent, viewer = house.enter("a", AGENT), house.enter("v", VIEWER)
        refused = [
            await ask(agent, "fetch_workspaces_request"),
            await ask(viewer, "open_project_request", cwd=str(tmp_path)),
            await ask(viewer, "archive_workspace_request", workspaceId="/p"),
        ]
        assert [isinstance(one, RpcError) and one.code for one in refused] == ["forbidden"] * 3
        assert await fetch(viewer)
