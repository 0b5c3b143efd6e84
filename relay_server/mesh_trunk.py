"""The way between two nodes: numbered packets, so that nothing can be missing unnoticed.

The broker may lose whatever it likes. Each end draws a tag; a trunk stands when both know both.
A packet out of order, a beat that tells of packets that never came, or silence breaks it: the end
that notices draws a new tag, and the other one learns from that tag that the old trunk is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from sereno.relay_server.mesh_words import Beat, Body, Hello, Packet

__all__ = ["TRUNK_WINDOW", "Change", "Trunk"]

TRUNK_WINDOW: Final = 8 * 1024 * 1024
"""Cost of all parts between two nodes, one direction, that the other node has not seen yet."""


class Change(Enum):
    """What became of a trunk by what was heard."""

    NONE = "none"
    UP = "up"
    BROKEN = "broken"
    ANSWER = "answer"
    """Nothing, but the other end should hear our Hello."""
    STALE = "stale"
    """It belongs to a trunk that is gone."""


class Trunk:
    """`draw` gives random positive numbers. Calls that may break it say so; the caller then lets
    go of everything that ran over it."""

    def __init__(self, me: str, name: str, node: str, draw: Callable[[], int], now: float) -> None:
        self.me = me
        self.node = node
        self._name = name
        self._draw = draw
        self.heard_at = now
        self.up = False
        self._mine = draw()
        self._yours = 0
        self._clear()

    def _clear(self) -> None:
        self.sent = self.received = 0
        self.on_the_way = 0
        self._parts_sent = self._parts_taken = 0
        self._parts_came = self._parts_told = 0

    # Said

    def hello(self) -> Hello:
        return Hello(self.me, self._name, self._mine, self._yours)

    def beat(self) -> Beat:
        self._parts_told = self._parts_came
        return Beat(self.me, self._mine, self._yours, self.sent, self._parts_came)

    def packet(self, body: Body, cost: int = 0) -> Packet:
        """`cost`: of a part; nothing else counts."""
        self.sent += 1
        self.on_the_way += cost
        self._parts_sent += cost
        return Packet(self.me, self._mine, self._yours, self.sent, body)

    @property
    def open(self) -> bool:
        """Whether a part may be sent."""
        return self.up and self.on_the_way < TRUNK_WINDOW

    @property
    def owes(self) -> bool:
        """Whether the other end should hear soon how much came."""
        return self._parts_came - self._parts_told >= TRUNK_WINDOW // 8

    # Heard

    def on_hello(self, hello: Hello, now: float) -> Change:
        self.heard_at = now
        was_up = self.up
        if hello.mine != self._yours:
            if was_up:
                self.breaks()
            self._yours = hello.mine
        if hello.yours != self._mine:
            return Change.BROKEN if was_up and not self.up else Change.ANSWER
        if was_up:
            return Change.NONE
        self.up = True
        return Change.UP

    def on_beat(self, beat: Beat, now: float) -> Change:
        if not self._is_of_this(beat):
            return Change.ANSWER
        self.heard_at = now
        if not self.up or beat.sent != self.received:
            self.breaks()
            return Change.BROKEN
        self._seen(beat.taken)
        return Change.NONE

    def on_packet(self, packet: Packet, now: float, cost: int = 0) -> Change:
        """Only where the answer is NONE the packet counts."""
        if not (self.up and self._is_of_this(packet)):
            return Change.STALE
        self.heard_at = now
        if packet.number != self.received + 1:
            self.breaks()
            return Change.BROKEN
        self.received += 1
        self._parts_came += cost
        return Change.NONE

    def breaks(self) -> None:
        """Whatever was on its way belongs to the old tags from now on."""
        self.up = False
        self._mine = self._draw()
        self._yours = 0
        self._clear()

    def _is_of_this(self, words: Beat | Packet) -> bool:
        return words.mine == self._yours and words.yours == self._mine

    def _seen(self, taken: int) -> None:
        self.on_the_way -= taken - self._parts_taken
        self._parts_taken = taken
