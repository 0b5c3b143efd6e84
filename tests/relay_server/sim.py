"""Nodes without sockets or a broker: their meshes, models of their sockets, and a network between
them that a test may hold back or lose words of."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sereno.relay_server.acts import Acts, Close, Frame, Hold, Release, Room, Send
from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.local import local_rooms
from sereno.relay_server.mesh import Mesh
from sereno.relay_server.mesh_words import decode, encode
from sereno.relay_server.place import Place, Role
from sereno.relay_server.switchboard import Key, Switchboard

TIMING = Timing()
_CHANCE = itertools.count(1)


@dataclass
class Socket:
    got: list[bytes] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    held: bool = False
    behind: bool = False


class Node:
    """What hub.py does with the rules, done to a model of sockets."""

    def __init__(self, name: str, limits: Limits, clock: Callable[[], float]) -> None:
        self._clock = clock
        rooms: Callable[[Key], Room] = local_rooms(limits, TIMING)
        number = next(_CHANCE)
        self.mesh = Mesh(
            f"{name}{number}",
            name,
            limits,
            TIMING,
            rooms,
            lambda: next(_CHANCE),
            lambda: int(clock() * 1000) + 1,
        )
        self.board = Switchboard(limits, self.mesh.room)
        self.mesh.board = self.board
        self.sockets: dict[int, Socket] = {}

    def join(self, role: str, connection: str | None) -> int:
        peer = len(self.sockets) + 1
        self.sockets[peer] = Socket()
        place = Place(2, "s", Role(role), connection)
        self.do(self.board.enter(peer, place, "192.0.2.1", self._clock()))
        return peer

    def say(self, peer: int, data: bytes) -> None:
        self.do(self.board.received(peer, Frame(data, False), self._clock()))
        self.do(self.board.weigh(peer, 0, self._clock()))

    def leave(self, peer: int) -> None:
        self.do(self.board.left(peer, self._clock()))

    def behind(self, peer: int, is_so: bool) -> None:
        if self.sockets[peer].behind != is_so:
            self.sockets[peer].behind = is_so
            self.do(self.board.behind(peer) if is_so else self.board.caught_up(peer))

    def tick(self) -> None:
        self.mesh.tick(self._clock())
        self.do(self.board.elapsed(self._clock()))

    def heard(self, data: bytes) -> None:
        self.mesh.heard(decode(data), self._clock())
        self.do(())

    def do(self, acts: Acts) -> None:
        while True:
            for act in acts:
                self._one(act)
            acts = self.mesh.settle(self._clock())
            if not acts:
                return

    def _one(self, act: Send | Close | Hold | Release) -> None:
        if act.peer < 0:
            self.mesh.act(act)
            return
        socket = self.sockets[act.peer]
        if socket.closed is not None:
            return
        match act:
            case Send(_, frame):
                socket.got.append(frame.data)
            case Close(_, code, reason):
                socket.closed = (code, reason)
            case Hold():
                socket.held = True
            case Release():
                socket.held = False


class Network:
    """`now` is seconds. Words between two nodes keep their order, as with NATS."""

    def __init__(self, *names: str, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.now = 0.0
        self.nodes: dict[str, Node] = {}
        self.ways: dict[tuple[str, str], deque[bytes]] = {}
        for name in names:
            self.start(name)
        self.settles()

    def start(self, name: str) -> None:
        self.nodes[name] = Node(name, self.limits, lambda: self.now)
        for other in self.nodes:
            if other != name:
                self.ways[name, other] = deque()
                self.ways[other, name] = deque()

    def kill(self, name: str) -> None:
        del self.nodes[name]
        self.ways = {way: words for way, words in self.ways.items() if name not in way}

    def collect(self) -> None:
        """What nodes said goes on its way."""
        by_id = {node.mesh.node: name for name, node in self.nodes.items()}
        for name, node in self.nodes.items():
            for to, words in node.mesh.take():
                for other in self.nodes:
                    if other != name and (to is None or by_id.get(to) == other):
                        self.ways[name, other].append(encode(words))

    def deliver(self, way: tuple[str, str], most: int = 1) -> None:
        self.collect()
        words = self.ways.get(way)
        while words and most:
            most -= 1
            self.nodes[way[1]].heard(words.popleft())

    def lose(self, way: tuple[str, str]) -> None:
        self.collect()
        words = self.ways.get(way)
        if words:
            words.popleft()

    def flows(self) -> None:
        """Delivers all there is, and what is said because of it."""
        self.collect()
        while any(self.ways.values()):
            for way in list(self.ways):
                self.deliver(way, 1000)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        for node in self.nodes.values():
            node.tick()
        self.collect()

    def settles(self) -> None:
        """Some time without any loss."""
        for _ in range(12):
            self.passes(TIMING.beat)
            self.flows()
