"""The two kinds of room of a relay with several nodes: one that this node owns, one of another's.

Both are what the switchboard knows as a Room. They tell the mesh what it must pass on.
"""

from __future__ import annotations

from typing import Protocol

from sereno.relay_server.acts import NOTHING, Acts, Close, Frame, Room, Send
from sereno.relay_server.switchboard import Key

__all__ = ["Crossing", "FarRoom", "OwnedRoom", "Owner"]


class Owner(Protocol):
    """Whom an owned room tells; see mesh.py."""

    def stands(self, key: Key, *, control: bool) -> None:
        """It was opened, or a daemon's control socket came or went."""

    def emptied(self, key: Key) -> None: ...


class OwnedRoom:
    """A room of `inner`'s rules whose id this node claims as long as somebody is in it."""

    def __init__(self, key: Key, inner: Room, owner: Owner) -> None:
        self.peers: set[int] = set()
        self.control: int | None = None
        self._key = key
        self._inner = inner
        self._owner = owner

    def __len__(self) -> int:
        return len(self._inner)

    def enter(self, peer: int, role: str, connection: str | None, now: float) -> Acts:
        first = not self.peers
        self.peers.add(peer)
        acts = self._inner.enter(peer, role, connection, now)
        if self._inner.is_control(peer):
            self.control = peer
            self._owner.stands(self._key, control=True)
        elif first:
            self._owner.stands(self._key, control=False)
        return self._look(acts)

    def received(self, peer: int, frame: Frame, now: float) -> Acts:
        acts = self._inner.received(peer, frame, now)
        return acts if not acts or type(acts[0]) is Send else self._look(acts)

    def left(self, peer: int, now: float) -> Acts:
        self.peers.discard(peer)
        return self._look(self._inner.left(peer, now))

    def elapsed(self, now: float) -> Acts:
        return self._look(self._inner.elapsed(now))

    def behind(self, peer: int) -> Acts:
        return self._inner.behind(peer)

    def caught_up(self, peer: int) -> Acts:
        return self._inner.caught_up(peer)

    def due(self) -> float | None:
        return self._inner.due()

    def hurry(self, now: float) -> None:
        self._inner.hurry(now)

    def waiting(self, peer: int) -> int:
        return self._inner.waiting(peer)

    def is_control(self, peer: int) -> bool:
        return self._inner.is_control(peer)

    def _look(self, acts: Acts) -> Acts:
        for act in acts:
            if type(act) is Close:
                self.peers.discard(act.peer)
        if not self.peers:
            self._owner.emptied(self._key)
        elif self.control is not None and not self._inner.is_control(self.control):
            self.control = None
            self._owner.stands(self._key, control=False)
        return acts


class Crossing(Protocol):
    """How a far room reaches its owner; see mesh.py. All calls name a socket of this node."""

    def cross(self, key: Key, peer: int, role: str, connection: str | None) -> None: ...

    def carry(self, peer: int, frame: Frame) -> None: ...

    def gone(self, peer: int) -> None: ...

    def withhold(self, peer: int, *, behind: bool) -> None: ...

    def held(self, peer: int) -> int:
        """Bytes that wait here for this socket's way to the owner, and back."""

    def left_alone(self, key: Key) -> None:
        """Nobody is in the far room any more."""


class FarRoom:
    """The sockets that came to this node for an id that another one owns."""

    def __init__(self, key: Key, crossing: Crossing) -> None:
        self._key = key
        self._crossing = crossing
        self._peers: set[int] = set()
        self._control: int | None = None

    def __len__(self) -> int:
        return len(self._peers)

    def enter(self, peer: int, role: str, connection: str | None, now: float) -> Acts:
        del now
        self._peers.add(peer)
        if role == "server" and connection is None and self._key.version == 2:
            self._control = peer
        self._crossing.cross(self._key, peer, role, connection)
        return NOTHING

    def received(self, peer: int, frame: Frame, now: float) -> Acts:
        del now
        self._crossing.carry(peer, frame)
        return NOTHING

    def left(self, peer: int, now: float) -> Acts:
        del now
        self._peers.discard(peer)
        self._crossing.gone(peer)
        if not self._peers:
            self._crossing.left_alone(self._key)
        return NOTHING

    def behind(self, peer: int) -> Acts:
        self._crossing.withhold(peer, behind=True)
        return NOTHING

    def caught_up(self, peer: int) -> Acts:
        self._crossing.withhold(peer, behind=False)
        return NOTHING

    def due(self) -> float | None:
        return None

    def elapsed(self, now: float) -> Acts:
        del now
        return NOTHING

    def hurry(self, now: float) -> None:
        """Its owner does."""

    def waiting(self, peer: int) -> int:
        return self._crossing.held(peer)

    def is_control(self, peer: int) -> bool:
        return peer == self._control
