"""A permission mode as clients show it: the tier of its danger has its icon, and its colour."""

from __future__ import annotations

from sereno.core.protocol.agents import Mode

__all__ = ["permission_mode"]

_ICONS = {"safe": "ShieldCheck", "planning": "ShieldCheck", "moderate": "ShieldAlert"}


def permission_mode(mode_id: str, label: str, tier: str, description: str) -> Mode:
    """`tier`: safe, planning, moderate or dangerous (wire reference 6.9.1)."""
    icon = _ICONS.get(tier, "ShieldOff")
    return Mode(id=mode_id, label=label, description=description, icon=icon, color_tier=tier)
