"""A repository's own configuration does nothing that nobody allowed (the real program)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sereno.core.config import Config, ProviderConfig
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.catalog import Catalog
from sereno.core.providers.driver import Setup
from tests.core.providers.claude.bench import Bench, items
from tests.core.providers.rig import Rig
from tests.e2e.model_server import ModelServer, prompt_with
from tests.e2e.model_server.claude import claude_environment, claude_program


def repository(folder: Path, ran: Path) -> None:
    """With everything in it that would run at a start, each leaving a file in `ran`."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    ran.mkdir()
    (folder / ".claude").mkdir()
    (folder / "CLAUDE.md").write_text("zebras are striped")

    def hook(name: str) -> dict[str, Any]:
        return {"hooks": [{"type": "command", "command": f"touch {ran}/{name}"}]}

    own = {
        "hooks": {"SessionStart": [hook("start")], "UserPromptSubmit": [hook("prompt")]},
        "apiKeyHelper": f"touch {ran}/helper; echo key",
        "enableAllProjectMcpServers": True,
    }
    (folder / ".claude" / "settings.json").write_text(json.dumps(own))
    local = {"hooks": {"SessionStart": [hook("local")]}}
    (folder / ".claude" / "settings.local.json").write_text(json.dumps(local))
    server = {"command": "touch", "args": [f"{ran}/server"]}
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": {"own": server}}))


def rig_in(folder: Path, home: Path, root: str, trusted: tuple[str, ...]) -> Rig:
    settings = ProviderConfig(
        "claude",
        "claude",
        command=(str(claude_program()),),
        env=claude_environment(home, root),
        trusted_folders=trusted,
    )
    provider = Catalog(Config(providers={"claude": settings})).get("claude")
    assert provider is not None
    setup = Setup(str(folder), session_id="5d4c0b0e-6a0e-4b43-9c49-6f6b3d3f2a11")
    base = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = provider.launch(setup, None, base)
    return Rig(command, provider.env(base), folder, lambda state: provider.driver(setup, state))


@pytest.mark.node
@pytest.mark.git
@pytest.mark.timeout(90)
@pytest.mark.parametrize("trusted", [False, True])
async def test_a_repository_runs_nothing_at_a_start_unless_it_is_trusted(
    folder: Path, tmp_path: Path, trusted: bool
) -> None:
    ran, home = tmp_path / "ran", tmp_path / "home"
    home.mkdir()
    # The person takes servers of projects they trust without a question each.
    (home / "settings.json").write_text(json.dumps({"enableAllProjectMcpServers": True}))
    repository(folder, ran)
    async with ModelServer() as models:
        folders = (str(folder),) if trusted else ()
        async with rig_in(folder, home, models.root, folders) as rig:
            await rig.open()
            _effects, end = await rig.turn(prompt_with("hello", {"text": "Hi."}))
            assert end.outcome == "completed"
        assert "zebras are striped" in json.dumps(models.log)  # CLAUDE.md is read in either case
    done = sorted(path.name for path in ran.iterdir())
    assert done == (["helper", "local", "prompt", "server", "start"] if trusted else [])
    told = [item.message for item in items(rig.effects) if isinstance(item, ErrorItem)]
    assert len(told) == (0 if trusted else 1)
    if not trusted:
        for name in (".claude/settings.json", ".claude/settings.local.json", ".mcp.json"):
            assert name in told[0]
        assert "trusted_folders" in told[0]


def test_what_is_left_out_is_said_once_in_an_agents_life() -> None:
    names = (".mcp.json", ".claude/skills")
    bench = Bench(Setup("/repo", left_out=names))
    (told,) = items(bench.driver.start(None))
    assert isinstance(told, ErrorItem)
    assert all(name in told.message for name in (*names, "trusted_folders", "[providers.claude]"))
    taken_over = Bench(Setup("/repo", left_out=names))
    assert len(items(taken_over.driver.start("s-0"))) == 1
    parked = Bench(Setup("/repo", run=2, left_out=names))
    assert items(parked.driver.start("s-0")) == []
    assert items(Bench(Setup("/repo")).driver.start(None)) == []
