"""One client's session: what it subscribed to, and the sockets that share it (wire 5.4).

It outlives its sockets for a while, so that a client that reconnects finds its subscription. It
holds state only; messages are routed by the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import msgspec

from sereno.core.protocol.frames import Hello
from sereno.core.protocol.requests import AgentFilter
from sereno.core.protocol.values import UNSET, UnsetType, given
from sereno.core.security.roles import Role
from sereno.core.sessions.batch import single
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.connection import Connection
from sereno.core.sessions.limits import TokenBucket

__all__ = ["Session", "Subscription"]


class Subscription(msgspec.Struct, frozen=True):
    """The live list of agents. An agent that does not match `filter` is reported as removed."""

    id: str
    filter: AgentFilter | None


class Session(msgspec.Struct, eq=False):
    """`peer` is that of the first socket; the others have the same credential."""

    client_id: str
    peer: Peer
    bucket: TokenBucket
    connections: list[Connection] = msgspec.field(default_factory=list)
    subscription: Subscription | None = None
    workspaces: bool = False
    """Whether it is told of changed workspaces."""
    app_version: str | None = None
    capabilities: Mapping[str, Any] = msgspec.field(default_factory=dict)
    calls: set[anyio.CancelScope] = msgspec.field(default_factory=set)
    """The requests under way."""
    unstarted: int = 0
    """Of these, those whose task has not run yet."""
    expiry: float | None = None
    """Monotonic time at which it ends; None while a socket is there."""

    @property
    def role(self) -> Role:
        return self.peer.role

    @property
    def reasoning_merge(self) -> bool:
        """Whether the client knows the enum value `reasoning_merge` (wire 5.7)."""
        return self.capabilities.get("reasoning_merge_enum") is True

    def refresh(self, hello: Hello) -> None:
        """Takes over what a further hello says about the client."""
        version: str | UnsetType = hello.app_version
        if version is not UNSET and isinstance(version, str):
            self.app_version = version
        self.capabilities = given(hello.capabilities, {})

    async def room(self) -> None:
        """Until each socket has taken nearly all that it was answered."""
        for connection in tuple(self.connections):
            await connection.room()

    def answer(self, frame: bytes) -> None:
        """A whole frame to all sockets of the session: replies go to each of them (wire 5.4)."""
        if len(self.connections) == 1:
            self.connections[0].answer(frame)
            return
        message = single(frame)
        for connection in tuple(self.connections):
            connection.reply(message)
