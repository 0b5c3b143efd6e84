"""What a session knows of a transport: who is at the other end, and how to send it something.

Implemented by core/listeners, and by core/daemon for the way through a relay; nothing here touches
a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from sereno.core.security.roles import Role
from sereno.core.sessions.batch import Batch

if TYPE_CHECKING:
    from sereno.core.protocol.frames import Hello

__all__ = ["Admitted", "Channel", "Door", "Peer"]


class Peer(msgspec.Struct, frozen=True):
    """Who connected, as the listener found out before a byte was read.

    `credential` keys sessions together with the client id, so that nobody joins the session of
    somebody with another role. `way` says how they came, in a word: "unix", "memory".
    """

    credential: str
    role: Role
    way: str


class Admitted(msgspec.Struct, frozen=True):
    """Somebody may come in, as `peer`. `server_id`: what they know this daemon as, where that is
    not its own id."""

    peer: Peer
    server_id: str | None = None


class Door(Protocol):
    """Judges a hello where the listener could not know who is there: a person may be asked."""

    async def knock(self, hello: Hello) -> Admitted | None:
        """None: no, for ever. May take any time; who waits gives up and cancels."""
        ...


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
