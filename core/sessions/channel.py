"""What a session knows of a transport: who is at the other end, and how to send it something.

Implemented by core/listeners; nothing here touches a socket.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from sereno.core.security.roles import Role
from sereno.core.sessions.batch import Batch

__all__ = ["Channel", "Peer"]


class Peer(msgspec.Struct, frozen=True):
    """Who connected, as the listener found out before a byte was read.

    `credential` keys sessions together with the client id, so that nobody joins the session of
    somebody with another role. `way` says how they came, in a word: "unix", "memory".
    """

    credential: str
    role: Role
    way: str


class Channel(Protocol):
    """One open socket. All calls are made on the daemon's loop."""

    def send(self, batch: Batch) -> None:
        """Sends whole messages in order. Never waits; what the transport does not take at once it
        keeps, and then `Connection.busy` is called until it has drained."""

    def close(self, code: int, reason: str) -> None:
        """Says goodbye and closes; repeated calls do nothing. `Connection.lost` follows."""

    def pause_reading(self) -> None:
        """Takes no further messages from the client until `resume_reading`."""

    def resume_reading(self) -> None: ...
