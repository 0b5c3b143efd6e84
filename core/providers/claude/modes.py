"""How much each permission mode of Claude Code lets pass unasked. Pure."""

from __future__ import annotations

__all__ = ["looser"]

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
