"""The agent programs that Sereno knows by name: command, environment, modes, how to install.

Data and small pure functions. A preset says nothing about whether the program is there
(catalog.py). `protocol` chooses the driver (protocols.py): Claude Code and Codex have one of their
own, all others speak the Agent Client Protocol.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import msgspec

from sereno.core.protocol.agents import Mode
from sereno.core.providers.claude.modes import CLAUDE_MODES
from sereno.core.providers.codex.modes import DEFAULT_MODE, mode_list
from sereno.core.providers.common.modes import permission_mode as _mode
from sereno.core.providers.environment import MODEL_KEYS
from sereno.core.providers.opencode import opencode_variables
from sereno.core.providers.protocols import ProtocolName

__all__ = ["PRESETS", "Preset"]

Environment = Mapping[str, str]
Fixed = Callable[[Environment, Environment, tuple[str, ...]], dict[str, str]]


class Preset(msgspec.Struct, frozen=True):
    """`required_mode`: set even where nobody chose one, because the program's own asks nobody.
    `places`: folders of the program's own installer, looked at where the search path lacks it.
    `status`, `models`: what is added to the program's name to ask it whether it is signed in, and
    which models it has (asking.py, offer.py). `keeps`: how the sessions that it keeps are listed
    (kept/).

    `fixed`: variables that the program is always given. It sees the daemon's environment and the
    configured one, so that what the person has set there is kept, and the tools that the model must
    not have. `order` sorts lists; small first.
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
    fixed: Fixed = lambda _base, _configured, _tools: {}
    real: bool = True
    protocol: ProtocolName = "acp"
    places: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    keeps: str = ""


def _claude(
    _base: Environment, _configured: Environment, _tools: tuple[str, ...]
) -> dict[str, str]:
    """CLAUDE.md is read in a folder whose settings are not taken (claude/arguments.py)."""
    return {"CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD": "1"}


def _demo_command() -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "sereno.core.providers.demo")


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "claude",
            "Claude",
            "Claude Code, by Anthropic",
            ("claude",),
            10,
            "npm install -g @anthropic-ai/claude-code",
            "Run `claude` in a terminal and log in there.",
            CLAUDE_MODES,
            "default",
            required_mode="default",
            prefixes=("ANTHROPIC_", "CLAUDE_", "AWS_", "GOOGLE_", "CLOUD_ML_REGION"),
            fixed=_claude,
            protocol="claude",
            places=("~/.local/bin", "~/.claude/local", "~/.claude/bin"),
            status=("auth", "status", "--json"),
            keeps="claude",
        ),
        Preset(
            "codex",
            "Codex",
            "Codex, by OpenAI",
            ("codex", "app-server"),
            20,
            "npm install -g @openai/codex",
            "Run `codex login` in a terminal.",
            mode_list(),
            DEFAULT_MODE,
            required_mode=DEFAULT_MODE,
            prefixes=("OPENAI_", "CODEX_"),
            protocol="codex",
            places=("~/.codex/bin",),
            status=("login", "status"),
            keeps="codex",
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
            fixed=opencode_variables,
            places=("~/.opencode/bin",),
            status=("auth", "list"),
            models=("models",),
            keeps="opencode",
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
            fixed=lambda base, own, _: {"GOOSE_MODE": {**base, **own}.get("GOOSE_MODE", "approve")},
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
