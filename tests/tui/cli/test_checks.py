"""`sereno doctor`: which agent programs are there."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest

from sereno.core.config.model import Config, ProviderConfig
from sereno.tui.cli.checks import _programs


def test_a_profile_is_looked_for_by_the_program_that_it_extends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    mine = ProviderConfig(name="mine", extends="acp", command=("my-agent", "serve"))
    profiles = {"work": ProviderConfig(name="work", extends="claude"), "mine": mine}
    found = {one.id: one for one in _programs(Config(providers=MappingProxyType(profiles)))}
    assert found["agent.work"].message == "claude is not on PATH"
    assert found["agent.mine"].message == "my-agent is not on PATH"
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    now = [one.message for one in _programs(Config(providers=MappingProxyType(profiles)))]
    words = f"agent programs found: claude ({program}), work ({program})"
    assert words in now
