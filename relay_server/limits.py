"""How much anybody may take of a relay, and how long it waits: numbers only.

Whoever reaches a limit is closed with 1013 and nobody else notices. docs/relay.md explains each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["KIB", "MIB", "Limits", "Timing"]

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Limits:
    """Sizes are bytes. An address is one of IPv4, or a /64 of IPv6."""

    frames: int = 200
    """Frames of one connection that wait for the daemon's data socket."""
    waiting: int = 4 * MIB
    """Bytes of one connection that wait, for the data socket or for a slow reader."""
    clients: int = 64
    """Client sockets of one server id, and as many data sockets."""
    ids: int = 256
    """Server ids that one address may have open at a time."""
    message: int = 32 * MIB
    """One message; a larger one closes its socket with 1009."""
    address_sockets: int = 4096
    address_memory: int = 64 * MIB
    """What all sockets of an address make the relay hold."""
    sockets: int = 16_000
    memory: int = 256 * MIB
    """What all sockets together make the relay hold."""


@dataclass(frozen=True)
class Timing:
    """Seconds. For several nodes use `of_nodes`."""

    nudge: float = 10.0
    """A client without a data socket: the daemon is told again (wire reference 2.4)."""
    nudges: int = 1
    """How often, so many seconds apart."""
    hurry: float = 1.0
    """The same with several nodes: what the daemon dials may be one that has just begun, or that
    does not know of the id yet, and it does not dial again by itself."""
    unresponsive: float = 5.0
    """After the nudge: the control socket is closed."""
    handshake: float = 10.0
    """From the connection to a complete request; TLS included."""
    ping: float = 25.0
    """A WebSocket ping to whoever says nothing."""
    dead: float = 75.0
    """Whoever said nothing for so long, pongs included, is taken for gone."""
    stall: float = 30.0
    """A reader that takes not one byte for so long is closed."""
    close: float = 5.0
    """How long the other end may take to answer a close."""
    tick: float = 0.5
    beat: float = 0.5
    """With several nodes: how often they say that they are there."""
    lost: float = 3.0
    """A node that says nothing for so long is taken for gone."""

    @property
    def of_nodes(self) -> Timing:
        """The daemon is told again each `hurry` seconds; its control socket is given up when it
        would be on one node."""
        return replace(self, nudge=self.hurry, nudges=max(1, round(self.nudge / self.hurry)))
