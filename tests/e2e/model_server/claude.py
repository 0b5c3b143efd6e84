"""Claude Code for tests: where it is, an environment that lets it reach our model server only."""

from __future__ import annotations

from pathlib import Path

__all__ = ["claude_environment", "claude_program"]

AGENTS = Path(__file__).parents[1] / "agents" / "node_modules"


def claude_program() -> Path | None:
    """The program that package.json in tests/e2e/agents pins; None where it is not installed."""
    program = AGENTS / "@anthropic-ai" / "claude-code-linux-x64" / "claude"
    return program if program.exists() else None


def claude_environment(home: Path, model_root: str) -> dict[str, str]:
    """Variables for `[providers.claude] env`. `home` gets its settings and sessions; `model_root`
    is ModelServer.root, without `/v1`. One retry instead of ten keeps failures short.
    """
    return {
        "ANTHROPIC_BASE_URL": model_root,
        "ANTHROPIC_API_KEY": "sk-ant-fake",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_MAX_RETRIES": "1",
        "CLAUDE_CONFIG_DIR": str(home),
    }
