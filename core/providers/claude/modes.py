"""Claude Code's permission modes, and how much each of them lets pass unasked. Pure."""

from __future__ import annotations

from sereno.core.providers.common.modes import permission_mode as _mode

__all__ = ["CLAUDE_MODES", "looser"]

CLAUDE_MODES = (
    _mode("default", "Always ask", "safe", "Asks before it changes or runs anything"),
    _mode("acceptEdits", "Accept file edits", "moderate", "Edits files here without asking"),
    _mode("plan", "Plan", "planning", "Makes a plan first"),
    _mode("auto", "Auto", "moderate", "A model of Anthropic's decides what must be asked"),
    _mode("dontAsk", "Refuse", "safe", "Refuses what is not allowed by a rule, and never asks"),
    _mode("bypassPermissions", "Bypass", "dangerous", "Does everything without asking"),
)
"""By the program's own names."""

_TIERS = {
    "dontAsk": 0,
    "plan": 0,
    "default": 0,
    "acceptEdits": 1,
    "auto": 2,
    "bypassPermissions": 3,
}
"""Those that let the same pass stand together; one that is not known counts as the loosest."""


def looser(new: str, old: str | None) -> bool:
    """Whether `new` lets something pass that `old` asks for."""
    if new == old:
        return False
    return _TIERS.get(new, 4) > _TIERS.get(old or "", 0)
