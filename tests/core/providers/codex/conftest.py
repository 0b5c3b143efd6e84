"""Codex for tests: a driver to feed by hand, and the real program where it is installed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sereno.core.providers.codex.arguments import arguments
from sereno.core.providers.codex.driver import CodexDriver
from sereno.core.providers.driver import Identity, Setup
from tests.core.providers.codex.feed import Fed
from tests.core.providers.rig import Rig
from tests.e2e.model_server import ModelServer
from tests.e2e.model_server.codex import codex_environment, codex_program

IDENTITY = Identity("codex", "Codex")


@pytest.fixture
def fed() -> Fed:
    """A driver in the middle of a turn."""
    fed = Fed()
    fed.open()
    fed.begin()
    return fed


@pytest.fixture
async def models() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def codex_home() -> Iterator[Path]:
    """A CODEX_HOME outside of the folder for temporary files, as Codex wants it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as path:
        yield Path(path) / "codex"


@pytest.fixture
def codex(tmp_path: Path, folder: Path, codex_home: Path) -> Callable[..., Rig]:
    """Makes a rig with the real Codex, its home and configuration private to the test."""
    program = codex_program()
    if program is None:
        pytest.fail("Codex is not installed: npm ci --prefix tests/e2e/agents")

    def make(model_url: str, run: int = 1, more: str = "", **wishes: Any) -> Rig:
        env = codex_environment(codex_home, model_url)
        with (codex_home / "config.toml").open("a") as config:
            config.write(more)
        env |= {"PATH": os.environ["PATH"], "HOME": str(codex_home.parent), "TMPDIR": str(tmp_path)}
        setup = Setup(str(folder), run=run, **wishes)
        command = (str(program), "app-server", *arguments(setup, None))
        return Rig(command, env, folder, lambda state: CodexDriver(IDENTITY, setup, state))

    return make
