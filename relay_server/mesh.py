"""Several nodes as one relay: who owns an id, and how sockets of other nodes take part in its room.

Free of I/O: words of other nodes, acts of the rules and time go in; acts on sockets and words for
other nodes come out. The owner's rules know a socket of another node as a negative number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Literal

from sereno.relay_server.acts import Act, Acts, Close, Code, Frame, Hold, Release, Room, Send
from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.mesh_directory import Directory
from sereno.relay_server.mesh_neighbour import Neighbour
from sereno.relay_server.mesh_rooms import FarRoom, OwnedRoom
from sereno.relay_server.mesh_strand import WINDOW, Strand, cost_of
from sereno.relay_server.mesh_trunk import Change, Trunk
from sereno.relay_server.mesh_words import (
    Beat,
    Body,
    Claim,
    End,
    Hello,
    Open,
    Packet,
    Part,
    Present,
    Standing,
    Taken,
    Unclaim,
    Words,
)
from sereno.relay_server.place import Place, Role
from sereno.relay_server.switchboard import Key, Switchboard

__all__ = ["Mesh"]

_LOST = "Node lost"
_MOVED = "Served by another node"


class Mesh:
    """One node's view. `node` is drawn at each start, `name` is for people; `draw` gives random
    positive numbers, `clock_ms` the time of day. `board` must be set before anything is called."""

    board: Switchboard

    def __init__(
        self,
        node: str,
        name: str,
        limits: Limits,
        timing: Timing,
        make_local: Callable[[Key], Room],
        draw: Callable[[], int],
        clock_ms: Callable[[], int],
    ) -> None:
        self.node = node
        self.name = name
        self.neighbours: dict[str, Neighbour] = {}
        self.notes: list[str] = []
        """What people should know, for the log."""
        self._limits = limits
        self._timing = timing
        self._make_local = make_local
        self._draw = draw
        self._clock_ms = clock_ms
        self._directory = Directory(node)
        self._rooms: dict[Key, OwnedRoom] = {}
        self._far_rooms: set[Key] = set()
        self._disputed: set[Key] = set()
        self._at: dict[int, tuple[Neighbour, Strand]] = {}
        self._touched: dict[Strand, Neighbour] = {}
        self._numbers = itertools.count(-1, -1)
        self._words: list[tuple[str | None, Words]] = []
        self._acts: list[Act] = []
        self._beat_at = float("-inf")
        self._now = float("-inf")

    @property
    def crossing(self) -> int:
        """Sockets of this node whose id another one owns, and of others whose id it owns."""
        return len(self._at)

    @property
    def nodes(self) -> int:
        """Other nodes that are reached."""
        return sum(neighbour.trunk.up for neighbour in self.neighbours.values())

    @property
    def ids_elsewhere(self) -> int:
        return len(self._directory)

    # The switchboard's side

    def room(self, key: Key) -> Room:
        if self._route(key) is None:
            room = self._rooms[key] = OwnedRoom(key, self._make_local(key), self)
            return room
        self._far_rooms.add(key)
        return FarRoom(key, self)

    def _route(self, key: Key) -> Neighbour | None:
        owner = self._directory.owner(key)
        neighbour = None if owner is None else self.neighbours.get(owner)
        return neighbour if neighbour is not None and neighbour.trunk.up else None

    # What owned rooms tell

    def stands(self, key: Key, *, control: bool) -> None:
        now_ms = self._clock_ms()
        standing = self._directory.claim(key, now_ms if control else 0, now_ms)
        self._tell_all(Claim(key.version, key.server_id, standing))
        self._disputed.add(key)

    def emptied(self, key: Key) -> None:
        self._rooms.pop(key, None)
        if self._directory.give_up(key):
            self._tell_all(Unclaim(key.version, key.server_id))

    # What far rooms tell

    def cross(self, key: Key, peer: int, role: str, connection: str | None) -> None:
        neighbour = self._route(key)
        if neighbour is None:  # Its owner gave the id up; whoever comes again finds the new one.
            self._acts += self.board.end(peer, Code.RESTART, _MOVED, self._now)
            return
        strand = neighbour.begin(peer)
        self._at[peer] = (neighbour, strand)
        account = self.board.ledger.account(peer)
        version: Literal[1, 2] = 1 if key.version == 1 else 2
        side: Literal["server", "client"] = "server" if role == Role.SERVER else "client"
        neighbour.tell(Open(strand.number, version, key.server_id, side, connection, account))

    def carry(self, peer: int, frame: Frame) -> None:
        found = self._at.get(peer)
        if found is not None:
            neighbour, strand = found
            neighbour.put(strand, frame)
            self._touched[strand] = neighbour

    def gone(self, peer: int) -> None:
        found = self._at.pop(peer, None)
        if found is not None:
            neighbour, strand = found
            neighbour.finish(strand)
            self._touched[strand] = neighbour

    def withhold(self, peer: int, *, behind: bool) -> None:
        found = self._at.get(peer)
        if found is not None:
            neighbour, strand = found
            strand.withheld = behind
            self._touched[strand] = neighbour

    def held(self, peer: int) -> int:
        found = self._at.get(peer)
        return 0 if found is None else found[1].memory

    def left_alone(self, key: Key) -> None:
        self._far_rooms.discard(key)

    # The shell's side

    def act(self, act: Act) -> None:
        """An act of the rules on a socket of another node."""
        found = self._at.get(act.peer)
        if found is None:
            return
        neighbour, strand = found
        self._touched[strand] = neighbour
        match act:
            case Send(peer, frame):
                if strand.blocked and strand.queued > self._limits.waiting + WINDOW:
                    self._acts += self.board.expel(peer, "Too slow", self._now)
                else:
                    neighbour.put(strand, frame)
            case Close(peer, code, reason):
                del self._at[peer]
                strand.withheld = False
                neighbour.finish(strand, code, reason)
            case Hold():
                strand.withheld = True
            case Release():
                strand.withheld = False

    def settle(self, now: float) -> Acts:
        """After every call: who must wait or may go on, by what is on its way. Call until it gives
        nothing, then `take`."""
        self._now = now
        while self._disputed:
            self._judge(self._disputed.pop())
        touched, self._touched = self._touched, {}
        for neighbour in dict.fromkeys(touched.values()):
            neighbour.pump()
            if neighbour.trunk.owes:
                neighbour.say(neighbour.trunk.beat())
        for strand, neighbour in touched.items():
            self._balance(strand, neighbour, now)
        acts, self._acts = self._acts, []
        return acts

    def _balance(self, strand: Strand, neighbour: Neighbour, now: float) -> None:
        owed = strand.owes()
        if owed and strand.number in neighbour.strands:
            neighbour.tell(Taken(strand.number, owed))
        peer = strand.peer
        if peer not in self._at:
            return
        if strand.full and not strand.blocked:
            strand.blocked = True
            self._acts += (Hold(peer),) if peer > 0 else self.board.behind(peer)
        elif strand.blocked and strand.drained:
            strand.blocked = False
            self._acts += (Release(peer),) if peer > 0 else self.board.caught_up(peer)
        if peer < 0:
            self._acts += self.board.weigh(peer, strand.memory, now)

    def take(self) -> list[tuple[str | None, Words]]:
        """What to say, in order: to a node, or to all."""
        words, self._words = self._words, []
        return words

    def tick(self, now: float) -> None:
        """To be called often; acts come out of `settle`."""
        self._now = now
        for neighbour in list(self.neighbours.values()):
            if now - neighbour.trunk.heard_at > self._timing.lost:
                self._drop(neighbour, "is silent")
        if now < self._beat_at:
            return
        self._beat_at = now + self._timing.beat
        self._words.append((None, Present(self.node, self.name)))
        for neighbour in self.neighbours.values():
            trunk = neighbour.trunk
            neighbour.say(trunk.beat() if trunk.up else trunk.hello())

    def leave(self) -> None:
        """Said to each behind all else, so that the others need not find out."""
        for node in self.neighbours:
            self._say(node, Present(self.node, self.name, leaving=True))

    # What other nodes say

    def heard(self, words: Words, now: float) -> None:
        """Acts come out of `settle`."""
        self._now = now
        if words.node == self.node:
            return
        neighbour = self.neighbours.get(words.node)
        match words:
            case Present(node, name, leaving):
                if leaving and neighbour is not None:
                    self._drop(neighbour, "left")
                elif neighbour is None and not leaving:
                    neighbour = self._meet(node, name, now)
                    neighbour.say(neighbour.trunk.hello())
            case Hello(node, name):
                neighbour = neighbour or self._meet(node, name, now)
                self._changed(neighbour, neighbour.trunk.on_hello(words, now))
            case Beat() if neighbour is not None:
                self._changed(neighbour, neighbour.trunk.on_beat(words, now))
                neighbour.pump()
            case Packet(body=body) if neighbour is not None:
                cost = cost_of(body) if isinstance(body, Part) else 0
                change = neighbour.trunk.on_packet(words, now, cost)
                if change is Change.NONE:
                    self._obey(neighbour, body)
                else:
                    self._changed(neighbour, change)

    def _meet(self, node: str, name: str, now: float) -> Neighbour:
        trunk = Trunk(self.node, self.name, node, self._draw, now)
        neighbour = self.neighbours[node] = Neighbour(trunk, name, self._say)
        return neighbour

    def _changed(self, neighbour: Neighbour, change: Change) -> None:
        match change:
            case Change.UP:
                self.notes.append(f"node {neighbour.name!r} joined")
                neighbour.say(neighbour.trunk.hello())
                for key, standing in self._directory.own.items():
                    neighbour.tell(Claim(key.version, key.server_id, standing))
                self._hurry()
            case Change.BROKEN:
                self._cut(neighbour, "missed words; joining again")
                neighbour.say(neighbour.trunk.hello())
            case Change.ANSWER:
                neighbour.say(neighbour.trunk.hello())

    def _obey(self, neighbour: Neighbour, body: Body) -> None:
        match body:
            case Open():
                self._opened(neighbour, body)
            case Claim(version, server_id, standing):
                key = Key(version, server_id)
                self._directory.heard(neighbour.trunk.node, key, standing)
                self._disputed.add(key)
            case Unclaim(version, server_id):
                self._directory.heard_end(neighbour.trunk.node, Key(version, server_id))
            case Part() | Taken() | End():
                strand = neighbour.strands.get(body.strand)
                if strand is not None:  # Else it ended here while that was on its way.
                    self._touched[strand] = neighbour
                    self._on_strand(neighbour, strand, body)

    def _on_strand(self, neighbour: Neighbour, strand: Strand, body: Part | Taken | End) -> None:
        peer, near = strand.peer, strand.peer > 0
        match body:
            case Part():
                frame = strand.came(body)
                if frame is not None and near:
                    self._acts.append(Send(peer, frame))
                elif frame is not None:
                    self._acts += self.board.received(peer, frame, self._now)
            case Taken(cost=cost):
                neighbour.taken(strand, cost)
            case End(code=code, reason=reason):
                del neighbour.strands[strand.number]
                self._at.pop(peer, None)
                if near:
                    self._acts += self.board.end(peer, code, reason, self._now)
                else:
                    self._acts += self.board.left(peer, self._now)

    def _opened(self, neighbour: Neighbour, opening: Open) -> None:
        key = Key(opening.version, opening.server_id)
        peer = next(self._numbers)
        strand = neighbour.follow(opening.strand, peer)
        self._touched[strand] = neighbour
        if key not in self._rooms and (key in self._far_rooms or self._route(key) is not None):
            neighbour.finish(strand, Code.RESTART, _MOVED)
            return
        self._at[peer] = (neighbour, strand)
        place = Place(key.version, key.server_id, Role(opening.role), opening.connection)
        self._acts += self.board.enter(peer, place, opening.address, self._now)

    # Ends

    def _judge(self, key: Key) -> None:
        """Where another node's claim is the better one, all who are here come again."""
        winner = self._directory.lost(key)
        room = self._rooms.get(key)
        if room is None:
            return
        if winner is None:  # Whoever came to the other node, comes again: not only after long.
            if self._directory.owner(key) is not None:
                room.hurry(self._now)
            return
        closes = [self._farewell(peer, room, winner) for peer in room.peers]
        self.emptied(key)
        self._acts += self.board.dissolve(key, closes)

    @staticmethod
    def _farewell(peer: int, room: OwnedRoom, winner: Standing) -> Close:
        if peer == room.control and winner.control:
            return Close(peer, Code.REPLACED, "Replaced by new connection")
        return Close(peer, Code.RESTART, _MOVED)

    def _drop(self, neighbour: Neighbour, why: str) -> None:
        self._cut(neighbour, why)
        del self.neighbours[neighbour.trunk.node]

    def _cut(self, neighbour: Neighbour, why: str) -> None:
        """Both ends of every connection that ran over the trunk are closed."""
        self.notes.append(f"node {neighbour.name!r} {why}")
        self._directory.forget(neighbour.trunk.node)
        for strand in neighbour.cut():
            self._at.pop(strand.peer, None)
            if strand.peer > 0:
                self._acts += self.board.end(strand.peer, Code.RESTART, _LOST, self._now)
            else:
                self._acts += map(_as_lost, self.board.left(strand.peer, self._now))
        self._hurry()

    def _hurry(self) -> None:
        for room in self._rooms.values():
            room.hurry(self._now)

    def _tell_all(self, body: Body) -> None:
        for neighbour in self.neighbours.values():
            if neighbour.trunk.up:
                neighbour.tell(body)

    def _say(self, node: str, words: Words) -> None:
        self._words.append((node, words))


def _as_lost(act: Act) -> Act:
    """Who faced a socket of a lost node is closed as one whose partner comes again."""
    if type(act) is Close and act.code == Code.GONE:
        return Close(act.peer, Code.RESTART, _LOST)
    return act
