"""Codex for tests: where it is, and a CODEX_HOME in which it reaches only our model server."""

from __future__ import annotations

from pathlib import Path

__all__ = ["MODEL", "codex_environment", "codex_program"]

AGENTS = Path(__file__).parents[1] / "agents" / "node_modules"
MODEL = "gpt-5.5"  # the name decides by which kind of tools Codex lets a model work

SETTINGS = """\
model = "{model}"
model_provider = "fake"
check_for_update_on_startup = false
[analytics]
enabled = false
[features]
plugins = false
unbounded_connection_retries = false
[tools.update_plan]
enabled = true
[model_providers.fake]
name = "fake"
base_url = "{url}"
wire_api = "responses"
env_key = "FAKE_API_KEY"
request_max_retries = 2
stream_max_retries = 2
stream_idle_timeout_ms = 20000
"""


def codex_program() -> Path | None:
    """The program that package.json in tests/e2e/agents pins; None where it is not installed."""
    package = AGENTS / "@openai" / "codex-linux-x64"
    return next(package.glob("vendor/*/bin/codex"), None)


def codex_environment(home: Path, model_url: str, model: str = MODEL) -> dict[str, str]:
    """Writes config.toml into `home` and gives the variables for `[providers.codex] env`.

    `model_url`: ModelServer.url, with `/v1`. Put `home` outside of TMPDIR: Codex warns otherwise.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(SETTINGS.format(model=model, url=model_url))
    return {"CODEX_HOME": str(home), "FAKE_API_KEY": "sk-fake"}
