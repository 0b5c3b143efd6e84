"""OpenCode's settings by its environment: that it asks, and that its sub-agents need not. Pure.

OpenCode asks for nothing by default. And what a sub-agent of it asks never leaves OpenCode over the
Agent Client Protocol: it waits for ever. So whatever would be asked is refused to sub-agents, which
then are not even offered the tool; the agent itself does what they could not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["OPENCODE_ASKS", "opencode_variables"]

Environment = Mapping[str, str]

OPENCODE_ASKS = {"edit": "ask", "bash": "ask", "webfetch": "ask", "external_directory": "ask"}
SUB_AGENTS = ("general", "explore")
"""OpenCode's own. Those that a person has defined keep the permissions that they were given."""


def opencode_variables(
    base: Environment, configured: Environment, tools: tuple[str, ...]
) -> dict[str, str]:
    """What the program is always given. The person's own settings, from the environment or from
    `[providers.opencode] env`, are merged over ours; the `tools` are denied whatever they say.
    """
    rules = _merged(OPENCODE_ASKS, _object(base, configured, "OPENCODE_PERMISSION") or {})
    rules |= dict.fromkeys(tools, "deny")
    variables = {"OPENCODE_PERMISSION": json.dumps(rules)}
    own = _object(base, configured, "OPENCODE_CONFIG_CONTENT")
    if own is not None:
        refused = {"permission": _refused({"doom_loop": "ask", **rules})}
        ours = {"agent": dict.fromkeys(SUB_AGENTS, refused)}
        variables["OPENCODE_CONFIG_CONTENT"] = json.dumps(_merged(ours, own))
    return variables


def _object(base: Environment, configured: Environment, name: str) -> dict[str, Any] | None:
    """A variable that holds a JSON object; None where it holds something else."""
    try:
        value = json.loads(configured.get(name) or base.get(name) or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _refused(rules: dict[str, Any]) -> dict[str, Any]:
    """The same rules with a no wherever they ask."""
    return {
        key: _refused(rule) if isinstance(rule, dict) else "deny" if rule == "ask" else rule
        for key, rule in rules.items()
    }


def _merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    result = dict(ours)
    for key, value in theirs.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return result
