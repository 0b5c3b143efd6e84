"""A client of the protocol's own SDK, which validates every message before it gets here.

Only the test that needs it imports this: the SDK takes two seconds to load, and each process of a
test run would load it.
"""

from __future__ import annotations

from typing import Any

import acp
from acp import RequestError, schema, spawn_agent_process, text_block

__all__ = ["Judge", "RequestError", "spawn_agent_process", "text_block"]


class Judge(acp.Client):
    """Takes everything, and says yes to every request."""

    def __init__(self) -> None:
        self.updates: list[Any] = []
        self.asked: list[Any] = []

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append(update)

    async def request_permission(  # type: ignore[override]
        self, options: Any, session_id: str, tool_call: Any, **_: Any
    ) -> schema.RequestPermissionResponse:
        self.asked.append(tool_call)
        chosen = next(o.option_id for o in options if o.kind == "allow_once")
        allowed = schema.AllowedOutcome(option_id=chosen, outcome="selected")
        return schema.RequestPermissionResponse(outcome=allowed)
