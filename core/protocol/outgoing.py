"""One message on its way to many clients: encoded once, with what a full outbox may do with it.

Not here: outboxes and sockets (core/sessions, core/listeners).
"""

from __future__ import annotations

import enum

__all__ = ["AGENTS", "WORKSPACES", "Kind", "Outgoing"]

AGENTS = "agents"
WORKSPACES = "workspaces"
"""What a session must have subscribed to (`Outgoing.needs`)."""


class Kind(enum.Enum):
    """What may happen to a message when a client is slow (design section 4)."""

    TIMELINE = "timeline"
    """May be dropped; the newest is sent again after a drain, and the jump in `seq` tells."""
    STATE = "state"
    """The latest of each key wins."""
    CONTROL = "control"
    """Never dropped."""


class Outgoing:
    """A whole frame as JSON bytes. `key`: an agent's id for TIMELINE and STATE,
    a workspace's for its STATE.

    `head` is where a listener keeps what its framing puts before them: framed once for all
    clients, and without a second copy, which would double what a slow client costs.
    """

    __slots__ = ("agent_id", "data", "head", "key", "kind", "needs")

    def __init__(
        self, kind: Kind, key: str, data: bytes, *, agent_id: str = "", needs: str = ""
    ) -> None:
        self.kind = kind
        self.key = key
        self.data = data
        self.agent_id = agent_id
        """Whose event this is; empty for what concerns no agent."""
        self.needs = needs
        """AGENTS, WORKSPACES: only for sessions that subscribed to these; empty: for all."""
        self.head: bytes | None = None

    def __len__(self) -> int:
        return len(self.data)
