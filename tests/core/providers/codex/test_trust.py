"""A repository's own configuration does nothing that nobody allowed (the real program)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.providers.rig import Rig
from tests.e2e.model_server import ModelServer, prompt_with

pytestmark = [pytest.mark.node, pytest.mark.git, pytest.mark.timeout(60)]

MakeRig = Callable[..., Rig]


@pytest.mark.parametrize("mode", ["auto", "workspace-write", "full-access"])
async def test_a_repository_is_not_trusted_by_beginning_an_agent_in_it(
    codex: MakeRig, models: ModelServer, folder: Path, codex_home: Path, tmp_path: Path, mode: str
) -> None:
    """Codex writes that it is, and starts its MCP servers, when a thread is opened for writing."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    ran = tmp_path / "ran"
    (folder / ".codex").mkdir()
    server = f'[mcp_servers.own]\ncommand = "touch"\nargs = [{json.dumps(str(ran))}]\n'
    (folder / ".codex" / "config.toml").write_text(server)
    more = '[sandbox_workspace_write]\nwritable_roots = ["/opt/more"]\n'
    async with codex(models.url, more=more, mode=mode) as rig:
        ready = await rig.open()
        assert ready.mode_id == mode
        _effects, end = await rig.turn(prompt_with("hello", {"text": "Hi."}))
        assert end.outcome == "completed"
    assert "trust_level" not in (codex_home / "config.toml").read_text()
    assert not ran.exists()
