"""What becomes of the words of a denial: whether the agent hears them. Pure.

The daemon says it with each request (`metadata.sereno.takesWords`) and with the call that was
denied (`denied.told`). Not here: how it is drawn.
"""

from __future__ import annotations

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.values import given

__all__ = ["NOT_TOLD", "takes_words"]

NOT_TOLD = "your words did not reach the agent"


def takes_words(request: PermissionRequest) -> bool:
    """False where the reason of a no is only noted here; true where nothing else is known."""
    ours = given(request.metadata, {}).get("sereno")
    return not (isinstance(ours, dict) and ours.get("takesWords") is False)
