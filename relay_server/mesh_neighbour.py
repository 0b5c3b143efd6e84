"""Another node as this one knows it: the trunk to it, and the strands that run over that trunk.

Strands take turns, one part each, as far as the trunk and the other end of each have room.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from sereno.relay_server.acts import Frame
from sereno.relay_server.mesh_strand import Strand, cost_of
from sereno.relay_server.mesh_trunk import Trunk
from sereno.relay_server.mesh_words import Body, End, Words

__all__ = ["Neighbour"]


class Neighbour:
    """`say` passes words on to that node. `name` is for people."""

    def __init__(self, trunk: Trunk, name: str, say: Callable[[str, Words], None]) -> None:
        self.trunk = trunk
        self.name = name
        self.strands: dict[int, Strand] = {}
        self._say = say
        self._ready: dict[int, None] = {}
        # Both ends open strands; they never choose the same number.
        self._numbers = itertools.count(1 if trunk.me < trunk.node else 2, 2)

    def say(self, words: Words) -> None:
        self._say(self.trunk.node, words)

    def tell(self, body: Body) -> None:
        self.say(self.trunk.packet(body))

    def begin(self, peer: int) -> Strand:
        return self.follow(next(self._numbers), peer)

    def follow(self, number: int, peer: int) -> Strand:
        """A strand that the other node began."""
        strand = self.strands[number] = Strand(number, peer)
        return strand

    def put(self, strand: Strand, frame: Frame) -> None:
        strand.put(frame)
        self._ready[strand.number] = None

    def finish(self, strand: Strand, code: int = 0, reason: str = "") -> None:
        """The end follows what was put before."""
        if strand.ending is None:
            strand.ending = End(strand.number, code, reason)
            self._ready[strand.number] = None

    def taken(self, strand: Strand, cost: int) -> None:
        strand.taken(cost)
        self._ready[strand.number] = None

    def pump(self) -> None:
        """Sends what may be sent."""
        while self._ready and self.trunk.open:
            number = next(iter(self._ready))
            del self._ready[number]
            strand = self.strands.get(number)
            if strand is None:
                continue
            part = strand.next()
            if part is not None:
                self.say(self.trunk.packet(part, cost_of(part)))
                self._ready[number] = None
            elif strand.ending is not None and not strand.queued:
                self.tell(strand.ending)
                del self.strands[number]

    def cut(self) -> list[Strand]:
        """The trunk broke: gives the strands that it carried."""
        strands = list(self.strands.values())
        self.strands.clear()
        self._ready.clear()
        return strands
