"""All rooms of a relay: who is in which, what each address takes, and whose time has come.

Free of I/O. The shell calls it and carries out the acts that it gives. Version 1 and 2 of a server
id are two rooms that never meet (wire reference 2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sereno.relay_server.acts import NOTHING, Act, Acts, Close, Code, Frame, Room, Send
from sereno.relay_server.ledger import Ledger
from sereno.relay_server.limits import Limits
from sereno.relay_server.place import Place

__all__ = ["Key", "Switchboard"]


@dataclass(frozen=True, slots=True)
class Key:
    """What a room is known by."""

    version: int
    server_id: str


class Switchboard:
    """`make_room` opens the room of a key for its first socket: local.py with one node. With
    several mesh.py, which gives a room that passes everything on where another node owns the id."""

    def __init__(self, limits: Limits, make_room: Callable[[Key], Room]) -> None:
        self._make_room = make_room
        self.ledger: Ledger[Key] = Ledger(limits)
        self._rooms: dict[Key, Room] = {}
        self._key_of: dict[int, Key] = {}
        self._timed: set[Key] = set()

    @property
    def rooms(self) -> int:
        return len(self._rooms)

    def enter(self, peer: int, place: Place, address: str, now: float) -> Acts:
        """A socket whose upgrade is done. Over a limit it is closed with 1013."""
        key = Key(place.version, place.server_id)
        refused = self.ledger.enter(peer, address, key)
        if refused is not None:
            return (Close(peer, Code.TRY_LATER, refused),)
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = self._make_room(key)
        self._key_of[peer] = key
        return self._done(key, room, room.enter(peer, place.role, place.connection, now))

    def received(self, peer: int, frame: Frame, now: float) -> Acts:
        key = self._key_of.get(peer)
        if key is None:
            return NOTHING
        room = self._rooms[key]
        acts = room.received(peer, frame, now)
        if not acts or type(acts[0]) is not Send:
            acts = self._done(key, room, acts)
        return acts

    def left(self, peer: int, now: float) -> Acts:
        """The socket is gone, or said that it goes."""
        key = self._key_of.get(peer)
        if key is None:
            return NOTHING
        room = self._rooms[key]
        acts = room.left(peer, now)
        self._forget(peer)
        return self._done(key, room, acts)

    def end(self, peer: int, code: int, reason: str, now: float) -> Acts:
        """Closes a socket; those who depend on it go with it."""
        if peer not in self._key_of:
            return NOTHING
        return [Close(peer, code, reason), *self.left(peer, now)]

    def dissolve(self, key: Key, closes: Sequence[Close]) -> Acts:
        """Ends a room with all who are in it."""
        for close in closes:
            self._forget(close.peer)
        self._rooms.pop(key, None)
        self._timed.discard(key)
        return closes

    def expel(self, peer: int, reason: str, now: float) -> Acts:
        """Ends a socket that takes too much or too little; those who depend on it go with it."""
        key = self._key_of.get(peer)
        if key is None:
            return NOTHING
        if self._rooms[key].is_control(peer):
            return self.end(peer, Code.FAILED, "Control send failed", now)
        return self.end(peer, Code.TRY_LATER, reason, now)

    def behind(self, peer: int) -> Acts:
        key = self._key_of.get(peer)
        return NOTHING if key is None else self._rooms[key].behind(peer)

    def caught_up(self, peer: int) -> Acts:
        key = self._key_of.get(peer)
        return NOTHING if key is None else self._rooms[key].caught_up(peer)

    def elapsed(self, now: float) -> Acts:
        acts: list[Act] = []
        for key in list(self._timed):
            room = self._rooms.get(key)
            due = None if room is None else room.due()
            if room is None or due is None:
                self._timed.discard(key)
            elif due <= now:
                acts += self._done(key, room, room.elapsed(now))
        return acts

    def weigh(self, peer: int, memory: int, now: float) -> Acts:
        """`memory`: what the shell holds for this socket, in bytes; the room's part is added."""
        key = self._key_of.get(peer)
        if key is None:
            return NOTHING
        refused = self.ledger.weigh(peer, memory + self._rooms[key].waiting(peer))
        return NOTHING if refused is None else self.expel(peer, refused, now)

    def _done(self, key: Key, room: Room, acts: Acts) -> Acts:
        """Keeps the books after a room acted."""
        for act in acts:
            if type(act) is Close:
                self._forget(act.peer)
        if not len(room):
            self._rooms.pop(key, None)
            self._timed.discard(key)
        elif room.due() is not None:
            self._timed.add(key)
        return acts

    def _forget(self, peer: int) -> None:
        self.ledger.leave(peer)
        self._key_of.pop(peer, None)
