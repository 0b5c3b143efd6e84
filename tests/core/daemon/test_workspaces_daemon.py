"""Workspaces of the real daemon: a folder that was opened, an agent in it, and a restart."""

from __future__ import annotations

from pathlib import Path

from sereno.core.client.blocking import SyncClient
from sereno.core.home import Home
from sereno.core.protocol.apps import GetDaemonConfig, GetDaemonConfigResult
from sereno.core.protocol.files import ExploredFiles, ExploreFiles
from sereno.core.protocol.workspaces import (
    FetchWorkspaces,
    FetchWorkspacesResult,
    OpenProject,
    OpenProjectResult,
)
from tests.core.daemon.daemon_house import create, daemon, tidy


def workspaces(client: SyncClient) -> dict[str, str]:
    """Folder to state of every workspace."""
    answer = client.request(FetchWorkspaces(request_id=""))
    assert isinstance(answer, FetchWorkspacesResult)
    return {one.id: one.status for one in answer.entries}


def test_an_opened_folder_is_shown_and_looked_into_also_after_a_restart(tmp_path: Path) -> None:
    opened, worked_in = tmp_path / "opened", tmp_path / "work"
    opened.mkdir()
    worked_in.mkdir()
    with tidy(Home(tmp_path / "home")) as home:
        with daemon(home), SyncClient.open(home) as client:
            assert workspaces(client) == {}
            answer = client.request(OpenProject(request_id="", cwd=str(opened)))
            assert isinstance(answer, OpenProjectResult)
            assert answer.error is None
            create(client, worked_in, "hello")
            assert set(workspaces(client)) == {str(opened), str(worked_in)}
        with daemon(home), SyncClient.open(home) as client:
            assert set(workspaces(client)) == {str(opened), str(worked_in)}
            look = ExploreFiles(request_id="", cwd=str(opened), path=".", mode="list")
            seen = client.request(look)
            assert isinstance(seen, ExploredFiles)
            assert seen.error is None
            config = client.request(GetDaemonConfig(request_id=""))
            assert isinstance(config, GetDaemonConfigResult)
            assert config.config.providers["demo"].enabled
