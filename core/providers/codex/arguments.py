"""What is added to `codex app-server` for one run: tools that the model must not have. Pure.

Everything else (mode, model, the conversation to go on with) is said over the protocol. Codex has
switches for few of its tools; what has none is told to the person (opening.py).
"""

from __future__ import annotations

from sereno.core.providers.driver import Setup

__all__ = ["arguments", "not_disabled"]

_SWITCHES = {
    "web_search": 'web_search="disabled"',
    "shell": "features.shell_tool=false",
    "exec_command": "features.shell_tool=false",
    "image_generation": "features.image_generation=false",
}
"""Settings of Codex's own configuration that take a tool away."""


def arguments(setup: Setup, _resume: str | None) -> tuple[str, ...]:
    """Settings for this run only; nothing is written into Codex's configuration."""
    switches = [_SWITCHES[tool] for tool in setup.disallowed_tools if tool in _SWITCHES]
    return tuple(word for switch in dict.fromkeys(switches) for word in ("-c", switch))


def not_disabled(setup: Setup) -> tuple[str, ...]:
    """The tools that were to be taken away and cannot be."""
    return tuple(tool for tool in setup.disallowed_tools if tool not in _SWITCHES)
