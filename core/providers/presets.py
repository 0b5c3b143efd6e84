"""The agent programs that Sereno knows by name: command, environment, modes, how to install.

Data and small pure functions. A preset says nothing about whether the program is there
(catalog.py). All of them speak the Agent Client Protocol, some through an adapter.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sereno.core.protocol.agents import Mode
from sereno.core.providers.environment import MODEL_KEYS

__all__ = ["PRESETS", "Preset"]

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Preset:
    """`required_mode`: set even where nobody chose one, because the program's own asks nobody.

    `fixed`: variables that the program is always given. It sees the daemon's environment and the
    configured one, so that what the person has set there is kept. `order` sorts lists; small first.
    """

    name: str
    label: str
    description: str
    command: tuple[str, ...]
    order: int
    install_hint: str
    login_hint: str = ""
    modes: tuple[Mode, ...] = ()
    default_mode: str | None = None
    required_mode: str | None = None
    prefixes: tuple[str, ...] = ()
    fixed: Callable[[Environment, Environment], dict[str, str]] = lambda _base, _configured: {}
    real: bool = True


OPENCODE_ASKS = {"edit": "ask", "bash": "ask", "webfetch": "ask", "external_directory": "ask"}


def _opencode(base: Environment, configured: Environment) -> dict[str, str]:
    """OpenCode asks for nothing by default, and OPENCODE_PERMISSION is merged over its files.

    So ours goes there, and the person's own value of it, from the environment or from
    `[providers.opencode] env`, is merged over ours.
    """
    own = configured.get("OPENCODE_PERMISSION") or base.get("OPENCODE_PERMISSION") or "{}"
    try:
        wanted = json.loads(own)
    except ValueError:
        wanted = None
    rules = _merged(OPENCODE_ASKS, wanted if isinstance(wanted, dict) else {})
    return {"OPENCODE_PERMISSION": json.dumps(rules)}


def _merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    result = dict(ours)
    for key, value in theirs.items():
        old = result.get(key)
        result[key] = (
            _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return result


def _mode(mode_id: str, label: str, tier: str, description: str) -> Mode:
    icons = {"safe": "ShieldCheck", "planning": "ShieldCheck", "moderate": "ShieldAlert"}
    icon = icons.get(tier, "ShieldOff")
    return Mode(id=mode_id, label=label, description=description, icon=icon, color_tier=tier)


def _demo_command() -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "sereno.core.providers.demo")


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "claude",
            "Claude",
            "Claude Code, through its Agent Client Protocol adapter",
            ("claude-agent-acp",),
            10,
            "npm install -g @agentclientprotocol/claude-agent-acp  (needs Node.js 22)",
            "Run `claude` in a terminal and log in there.",
            (
                _mode("default", "Manual", "safe", "Always asks before making changes"),
                _mode("acceptEdits", "Accept edits", "moderate", "Accepts edits of files"),
                _mode("plan", "Plan", "planning", "Makes a plan before changes"),
            ),
            "default",
            prefixes=("ANTHROPIC_", "CLAUDE_", "AWS_", "GOOGLE_", "CLOUD_ML_REGION"),
        ),
        Preset(
            "codex",
            "Codex",
            "OpenAI Codex, through its Agent Client Protocol adapter",
            ("codex-acp",),
            20,
            "npm install -g @agentclientprotocol/codex-acp",
            "Run `codex login` in a terminal.",
            (
                _mode("read-only", "Read-only", "safe", "Asks before edits and network access"),
                _mode("workspace-write", "Workspace access", "moderate", "Edits files here"),
            ),
            "read-only",
            required_mode="read-only",
            prefixes=("OPENAI_", "CODEX_"),
            fixed=lambda _, own: {"INITIAL_AGENT_MODE": own.get("INITIAL_AGENT_MODE", "read-only")},
        ),
        Preset(
            "opencode",
            "OpenCode",
            "OpenCode, which reaches the models of many providers",
            ("opencode", "acp"),
            30,
            "npm install -g opencode-ai",
            "Run `opencode auth login` in a terminal.",
            (
                _mode("build", "Build", "safe", "Asks before edits and commands"),
                _mode("plan", "Plan", "planning", "Plans and changes nothing by itself"),
            ),
            "build",
            prefixes=("OPENCODE_", *MODEL_KEYS),
            fixed=_opencode,
        ),
        Preset(
            "gemini",
            "Gemini",
            "Google's Gemini CLI",
            ("gemini", "--acp"),
            40,
            "npm install -g @google/gemini-cli",
            "Run `gemini` in a terminal and log in there, or set GEMINI_API_KEY.",
            (
                _mode("default", "Default", "safe", "Prompts for approval"),
                _mode("autoEdit", "Auto edit", "moderate", "Approves edits by itself"),
                _mode("plan", "Plan", "planning", "Changes nothing"),
            ),
            "default",
            prefixes=("GEMINI_", "GOOGLE_"),
        ),
        Preset(
            "copilot",
            "Copilot",
            "GitHub Copilot CLI",
            ("copilot", "--acp"),
            50,
            "npm install -g @github/copilot",
            "Run `copilot` in a terminal and use /login.",
            prefixes=("COPILOT_", "GH_", "GITHUB_TOKEN"),
        ),
        Preset(
            "goose",
            "Goose",
            "Goose, which reaches the models of many providers",
            ("goose", "acp"),
            60,
            "See https://block.github.io/goose for the installer of your system",
            "Run `goose configure` in a terminal.",
            # Its own default acts without asking; GOOSE_MODE is its documented switch.
            prefixes=("GOOSE_", *MODEL_KEYS),
            fixed=lambda base, own: {"GOOSE_MODE": {**base, **own}.get("GOOSE_MODE", "approve")},
        ),
        Preset(
            "demo",
            "Demo",
            "A small agent without a model, part of Sereno: try everything with it",
            _demo_command(),
            1_000,
            "It is part of Sereno.",
            modes=(
                _mode("ask", "Ask first", "safe", "Asks before it changes or runs anything"),
                _mode("accept-edits", "Accept edits", "moderate", "Asks for commands only"),
                _mode("plan", "Plan", "planning", "Changes nothing"),
            ),
            default_mode="ask",
            real=False,
        ),
    )
}
