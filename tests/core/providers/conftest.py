"""Programs to drive: the demo agent, and real ones where they are installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.core.config import Config, ProviderConfig
from sereno.core.providers.catalog import Catalog
from sereno.core.providers.driver import Setup
from tests.core.providers.rig import Rig

AGENTS = Path(__file__).parents[2] / "e2e" / "agents" / "node_modules"


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
    program = AGENTS / "opencode-linux-x64" / "bin" / "opencode"
    if not program.exists():
        pytest.skip("OpenCode is not installed: npm ci --prefix tests/e2e/agents")
    home = tmp_path / "home"
    home.mkdir()

    def make(model_url: str, run: int = 1, **wishes: str) -> Rig:
        settings = ProviderConfig(
            "opencode", "opencode", command=(str(program), "acp"), env=_offline(home, model_url)
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


def _offline(home: Path, model_url: str) -> dict[str, str]:
    """agents.md section 2: nothing but loopback is reached."""
    options = f'{{"baseURL":"{model_url}","apiKey":"sk-fake"}}'
    models = ",".join(
        f'"fake-{n}":{{"name":"Fake {n}","tool_call":true,"reasoning":true,'
        '"limit":{"context":200000,"output":8192}}'
        for n in (1, 2)
    )
    content = (
        '{"autoupdate":false,"share":"disabled","model":"fake/fake-1","small_model":"fake/fake-1",'
        '"enabled_providers":["fake"],"provider":{"fake":{"npm":"@ai-sdk/openai-compatible",'
        f'"name":"Fake","options":{options},"models":{{{models}}}}}}}}}'
    )
    switches = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS", "SHARE")
    return {
        "OPENCODE_CONFIG_CONTENT": content,
        **{f"OPENCODE_DISABLE_{name}": "1" for name in switches},
        **{
            f"XDG_{name}_HOME": str(home / name.lower())
            for name in ("DATA", "CONFIG", "STATE", "CACHE")
        },
    }
