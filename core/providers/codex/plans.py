"""A finished plan: the person is asked whether it is to be carried out (wire 6.8, kind `plan`).

Codex itself only ends the turn; its terminal program asks then, and so does the driver. A yes
leaves plan mode and begins the next turn; a no with words begins one that goes on planning. The
request outlives the turn, and is withdrawn by whatever turn comes next.
"""

from __future__ import annotations

from sereno.core.protocol.permissions import PermissionAction
from sereno.core.providers.codex.state import Core, OpenRequest
from sereno.core.providers.common.bounds import clip
from sereno.core.providers.effects import Effect, Withdrawn

__all__ = ["IMPLEMENT", "PLAN", "SANDBOX", "mode_after", "plan_actions", "plan_request", "withdraw"]

PLAN = "sereno/plan"
"""The method of such a request; no program ever sends it."""
SANDBOX = "implementInSandbox"
IMPLEMENT = "Implement the plan."
LIMIT = 65_536


def plan_request(core: Core) -> OpenRequest | None:
    """The question for the plan of the turn that has just ended; None where there is none."""
    state = core.state
    text, state.plan_text = clip(state.plan_text, LIMIT), ""
    if not text.strip() or not state.planning:
        return None
    params = {"plan": text}
    return OpenRequest(None, PLAN, state.thread_id, "", state.plan_item, params, "this plan")


def plan_actions() -> list[PermissionAction]:
    return [
        PermissionAction(
            "accept", "Implement it, and ask first", "allow", "primary", intent="implement"
        ),
        PermissionAction(
            SANDBOX,
            "Implement it in the sandbox, without asking",
            "allow",
            "danger",
            intent="implement",
            standing=True,
        ),
        PermissionAction("decline", "Not yet", "deny", "secondary", intent="dismiss"),
    ]


def mode_after(choice: str) -> str:
    """The mode in which an accepted plan is carried out."""
    return "workspace-write" if choice == SANDBOX else "auto"


def withdraw(core: Core) -> list[Effect]:
    """Another turn begins: the plan is no longer what comes next."""
    found = [key for key, request in core.state.requests.items() if request.method == PLAN]
    for request_id in found:
        del core.state.requests[request_id]
        core.touch()
    return [Withdrawn(request_id, "Another turn began.") for request_id in found]
