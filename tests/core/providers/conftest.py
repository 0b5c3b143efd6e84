"""Programs to drive: the demo agent, and real ones where they are installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sereno.core.config import Config, ProviderConfig
from sereno.core.providers.catalog import Catalog
from sereno.core.providers.driver import Setup
from tests.core.providers.rig import Rig
from tests.e2e.model_server.opencode import opencode_environment, opencode_program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The repository in which the agent works."""
    path = tmp_path / "repo"
    path.mkdir()
    (path / "README.md").write_text("# A repo\n\nIt is here to be looked at.\n")
    return path


@pytest.fixture
def demo(tmp_path: Path, folder: Path) -> Callable[..., Rig]:
    """Makes a rig with the demo agent; its log is `tmp_path/demo.log`."""
    provider = Catalog(Config()).get("demo")
    assert provider is not None

    def make(pace: float = 0, mode: str | None = None, run: int = 1) -> Rig:
        options = ("--log", str(tmp_path / "demo.log"), "--state", str(tmp_path / "sessions"))
        command = (*provider.command, "--pace", str(pace), *options)
        setup = Setup(str(folder), run=run, mode=mode)
        return Rig(
            command, provider.env(os.environ), folder, lambda state: provider.driver(setup, state)
        )

    return make


@pytest.fixture
def opencode(tmp_path: Path, folder: Path) -> Callable[..., Rig]:
    """Makes a rig with the real OpenCode, its home and configuration private to the test."""
    program = opencode_program()
    if program is None:
        pytest.fail("OpenCode is not installed: npm ci --prefix tests/e2e/agents")
    home = tmp_path / "home"
    home.mkdir()

    def make(model_url: str, run: int = 1, **wishes: Any) -> Rig:
        settings = ProviderConfig(
            "opencode",
            "opencode",
            command=(str(program), "acp"),
            env=opencode_environment(home, model_url),
        )
        provider = Catalog(Config(providers={"opencode": settings})).get("opencode")
        assert provider is not None
        base = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(tmp_path)}
        setup = Setup(str(folder), run=run, **wishes)
        return Rig(
            provider.command,
            provider.env(base),
            folder,
            lambda state: provider.driver(setup, state),
        )

    return make
