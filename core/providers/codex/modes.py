"""Codex's approval policy and sandbox as modes that a person can choose from (wire 6.9.1).

A mode is a pair of both, and for planning Codex's own plan mode. Nothing here ever turns asking
off but `full-access`, which only a person chooses. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.core.protocol.agents import Mode
from sereno.core.providers.codex.values import as_texts
from sereno.core.providers.common.modes import permission_mode

__all__ = [
    "DEFAULT_MODE",
    "MODES",
    "READ_ONLY",
    "Policy",
    "mode_list",
    "mode_of",
    "stricter",
    "workspace_of",
]

DEFAULT_MODE = "auto"
READ_ONLY = "read-only"

_KINDS = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}


class Policy(msgspec.Struct, frozen=True):
    """What a mode sets. `sandbox`: Codex's name for it in thread/start."""

    label: str
    tier: str
    description: str
    approval: str
    sandbox: str
    plan: bool = False

    def sandbox_policy(self, configured: dict[str, Any]) -> dict[str, Any]:
        """The same for a running thread; `configured`: the workspace sandbox of the person's own
        configuration, with its extra folders.
        """
        match self.sandbox:
            case "read-only":
                return {"type": "readOnly"}
            case "workspace-write":
                return configured or {"type": "workspaceWrite"}
            case _:
                return {"type": "dangerFullAccess"}


MODES: dict[str, Policy] = {
    "auto": Policy(
        "Ask",
        "safe",
        "Works here, in a sandbox; asks before edits and commands that are not known as harmless",
        "untrusted",
        "workspace-write",
    ),
    "read-only": Policy(
        "Read only",
        "safe",
        "Looks around in a sandbox; asks before edits, network access and anything else",
        "on-request",
        "read-only",
    ),
    "plan": Policy(
        "Plan",
        "planning",
        "Makes a plan and asks about it; changes nothing by itself",
        "untrusted",
        "read-only",
        plan=True,
    ),
    "workspace-write": Policy(
        "Sandbox",
        "moderate",
        "Edits and runs commands here without asking, in a sandbox; asks before leaving it",
        "on-request",
        "workspace-write",
    ),
    "full-access": Policy(
        "Full access",
        "dangerous",
        "Does everything, without asking and without a sandbox",
        "never",
        "danger-full-access",
    ),
}
_STRICTNESS = ("plan", "read-only", "auto", "workspace-write", "full-access")


def mode_list() -> tuple[Mode, ...]:
    """The modes as clients get them."""
    return tuple(
        permission_mode(mode_id, policy.label, policy.tier, policy.description)
        for mode_id, policy in MODES.items()
    )


def mode_of(approval: Any, sandbox_type: Any, planning: bool) -> str | None:
    """The mode that is in force; None where it is none of ours."""
    sandbox = _KINDS.get(sandbox_type) if isinstance(sandbox_type, str) else None
    for mode_id, policy in MODES.items():
        if (policy.approval, policy.sandbox, policy.plan) == (approval, sandbox, planning):
            return mode_id
    return None


def stricter(new: str, old: str | None) -> bool:
    """Whether `new` allows less than `old`; an unknown mode counts as the loosest."""
    before = _STRICTNESS.index(old) if old in _STRICTNESS else len(_STRICTNESS)
    return _STRICTNESS.index(new) < before


def workspace_of(configured: dict[str, Any]) -> dict[str, Any]:
    """`[sandbox_workspace_write]` of Codex's configuration as a policy; empty where it has none."""
    if not configured:
        return {}
    return {
        "type": "workspaceWrite",
        "writableRoots": as_texts(configured.get("writable_roots")),
        "networkAccess": configured.get("network_access") is True,
        "excludeTmpdirEnvVar": configured.get("exclude_tmpdir_env_var") is True,
        "excludeSlashTmp": configured.get("exclude_slash_tmp") is True,
    }
