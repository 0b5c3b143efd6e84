"""OpenCode for tests: where it is, and an environment in which it reaches only our model server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["opencode_environment", "opencode_program"]

AGENTS = Path(__file__).parents[1] / "agents" / "node_modules"


def opencode_program() -> Path | None:
    """The program that package.json in tests/e2e/agents pins; None where it is not installed."""
    program = AGENTS / "opencode-linux-x64" / "bin" / "opencode"
    return program if program.exists() else None


def opencode_environment(home: Path, model_url: str) -> dict[str, str]:
    """Variables for `[providers.opencode] env`: models fake/fake-1 and fake/fake-2 of `model_url`,
    all files under `home`, no updates, downloads or sharing. Its own list of models is an empty
    file: to read the thousands in it is half of what a start costs.
    """
    catalogue = home / "models.json"
    home.mkdir(parents=True, exist_ok=True)
    catalogue.write_text("{}")
    model: dict[str, Any] = {"tool_call": True, "reasoning": True, "attachment": True}
    model["limit"] = {"context": 200_000, "output": 8_192}
    model["modalities"] = {"input": ["text", "image"], "output": ["text"]}
    settings = {
        "autoupdate": False,
        "share": "disabled",
        "model": "fake/fake-1",
        "small_model": "fake/fake-1",
        "enabled_providers": ["fake"],
        "provider": {
            "fake": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "Fake",
                "options": {"baseURL": model_url, "apiKey": "sk-fake"},
                "models": {f"fake-{n}": {"name": f"Fake {n}", **model} for n in (1, 2)},
            }
        },
    }
    switches = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS", "SHARE")
    folders = ("DATA", "CONFIG", "STATE", "CACHE")
    return {
        "OPENCODE_CONFIG_CONTENT": json.dumps(settings),
        "OPENCODE_MODELS_PATH": str(catalogue),
        **{f"OPENCODE_DISABLE_{name}": "1" for name in switches},
        **{f"XDG_{name}_HOME": str(home / name.lower()) for name in folders},
    }
