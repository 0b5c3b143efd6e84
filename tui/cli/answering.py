"""Gives one answer to a request for permission, and finds out whether it counted.

An answer has no reply on the wire (section 6.8): either everybody hears that the request is
closed, or we alone hear that it was closed before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from sereno.core.client.blocking import SyncClient, rpc_error
from sereno.core.client.errors import RpcError
from sereno.core.protocol import messages
from sereno.core.protocol.messages import PermissionResolvedPush, Pong
from sereno.core.protocol.permissions import Allow, PermissionResponse
from sereno.core.protocol.requests import PermissionAnswer, Ping
from sereno.core.protocol.values import given
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.text import clean_line

LIMIT_S = 15.0
SETTLE_S = 0.2
"""After the news that a request is closed, so long we listen for a refusal of our own answer."""


@dataclass(frozen=True)
class Closing:
    """How a request was closed. `ours`: by the answer that we gave."""

    ours: bool
    resolution: PermissionResponse | None
    answered_by: str
    refusal: str = ""

    def words(self) -> str:
        if self.resolution is None:
            return f"not answered by you: {clean_line(self.refusal)}"
        verb = "allowed" if isinstance(self.resolution, Allow) else "denied"
        who = clean_line(self.answered_by, 120)
        if self.ours:
            return f"{verb} by you" + (f" ({who})" if who else "")
        return f"was {verb} by {who or 'somebody else'} first; your answer did not count"

    def as_json(self) -> dict[str, Any]:
        return {
            "ours": self.ours,
            "answeredBy": self.answered_by or None,
            "resolution": msgspec.to_builtins(self.resolution),
            "error": self.refusal or None,
        }


def answer(
    client: SyncClient, agent_id: str, request_id: str, response: PermissionResponse
) -> Closing:
    """Send it and wait for the daemon's word. Raises CliError for an impossible answer."""
    client.send(PermissionAnswer(agent_id=agent_id, request_id=request_id, response=response))
    ping_id = client.send(Ping(request_id=""))
    deadline = time.monotonic() + LIMIT_S
    closed: PermissionResolvedPush | None = None
    settled = False
    while True:
        push = client.next_push(max(0.0, deadline - time.monotonic()))
        match push:
            case None:
                break
            case PermissionResolvedPush() if (push.agent_id, push.request_id) == (
                agent_id,
                request_id,
            ):
                closed = push
            case messages.RpcError() if push.request_id == request_id:
                return _refused(rpc_error(push), closed)
            case Pong() if push.request_id == ping_id:
                settled = True
            case _:
                pass
        if closed is not None and settled:
            deadline = min(deadline, time.monotonic() + SETTLE_S)
    if closed is None:
        raise CliError(
            "timeout",
            f"the daemon said nothing about the answer within {LIMIT_S:g} s",
            "`sereno permit ls -a` shows whether it counted",
        )
    return Closing(True, closed.resolution, given(closed.answered_by, ""))


def _refused(error: RpcError, closed: PermissionResolvedPush | None) -> Closing:
    if closed is not None:
        return Closing(False, closed.resolution, given(closed.answered_by, ""), error.message)
    if error.code == "request_gone":
        return Closing(False, None, "", error.message)
    raise error
