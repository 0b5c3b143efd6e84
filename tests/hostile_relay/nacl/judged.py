"""Whether all that came of a relay's doings is right: nothing done or shown that was not said, each
once; connections that end with a word; nothing that grows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from sereno.core.daemon.relay_channel import HIGH
from sereno.relay_client.connector import MOST_SOCKETS
from sereno.relay_client.nacl.held import HELD_FRAMES
from tests.hostile_relay.nacl.house import Daemon, End
from tests.hostile_relay.nacl.phone import Phone
from tests.hostile_relay.nacl.relay import Hands, Tap
from tests.relay_client.nacl.hostile import Client, Connection, World

__all__ = ["Judged", "Line", "Owner"]

WAITING = 256 * 1024
"""Bytes in outboxes, of which somebody who reads needs next to none."""
CLEAN = {1000, 1001, 1008, 1009, 1011, 1012, 1013, 4001, 4002}
"""How a daemon may end a connection."""


@dataclass
class Owner(Client):
    """One connection of an app, and the relay's end of it."""

    phone: Phone = field(kw_only=True)
    tap: Tap = field(kw_only=True)
    task: asyncio.Task[None] = field(kw_only=True)

    @property
    def idle(self) -> bool:
        phone, tap = self.phone, self.tap
        if phone.over:
            return tap.over
        brought, heard = phone.received == tap.said, len(phone.recorded) == len(tap.heard)
        return phone.receiving and brought and heard


@dataclass
class Line(Connection):
    """One data socket of the daemon, from both ends. `cut`: ended by the relay."""

    name: str = field(kw_only=True)
    end: End = field(kw_only=True)
    tap: Tap = field(kw_only=True)
    cut: bool = False
    seen: int = 0

    @property
    def idle(self) -> bool:
        end, tap = self.end, self.tap
        if end.over:
            return tap.over
        if end.claim is not None:
            return True
        level = (end.received, end.sent) == (tap.said, len(tap.heard))
        return level and end.idle and not tap.over


class Judged(World):
    """`lines`, `owners`: connections and clients, of this run of the daemon and of all."""

    hands: Hands
    daemon: Daemon

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self.owners: list[Owner] = []
        self.orders: set[str] = set()
        self._done: Counter[str] = Counter()
        self.ends: list[End] = []
        """Of daemons that are no more."""

    @property
    def quiet(self) -> bool:
        """Nothing moves."""
        ends: list[Line | Owner] = [*self.lines, *self.owners]
        return not self.daemon.judging and all(one.idle for one in ends)

    def look(self) -> None:
        for owner in self.owners:
            self._take_down(owner.recording, owner.tap)
        for line in self.lines:
            self._take_down(line.recording, line.tap)
            line.claim = line.end.claim
            delivered, line.seen = line.end.delivered[line.seen :], len(line.end.delivered)
            for message in delivered:
                self._delivered(line, message)
        self._acts()
        self._shown_what_was_said()
        for line in self.lines:
            self._ended_with_a_word(line)
        self._bounded()

    def _take_down(self, recording: list[str], tap: Tap) -> None:
        for frame in tap.heard[len(recording) :]:
            assert isinstance(frame, str)
            recording.append(frame)
            self.wire.append(frame)

    def _acts(self) -> None:
        fleet = self.daemon.door.fleet
        acts, fleet.acts = fleet.acts, []
        for _, order, *_ in acts:
            assert order in self.orders, "an order was executed that nobody gave"
            self._done[order] += 1
            assert self._done[order] == 1, "an order was executed twice"

    @property
    def done(self) -> int:
        """Orders that were executed."""
        return len(self._done)

    def _shown_what_was_said(self) -> None:
        """A key opens on one connection only: all that an app is shown was said there, as often."""
        said = [Counter(end.sealed) for end in (*self.ends, *self.daemon.every)]
        for owner in self.owners:
            shown = Counter(owner.phone.shown)
            assert not shown or any(shown <= one for one in said), "shown and never said"

    def _ended_with_a_word(self, line: Line) -> None:
        if line.cut or not line.tap.over:
            return
        assert line.tap.ended is not None, "the daemon cut a connection without a word"
        code, reason = line.tap.ended
        assert code in CLEAN, (code, reason)
        assert reason != "Internal error", "the daemon's own mistake"

    def _bounded(self) -> None:
        sessions = self.daemon.door.sessions
        assert sessions.count <= 1, "a session for nobody"
        assert len(sessions._connections) <= self.daemon.sockets <= MOST_SOCKETS
        assert sessions.waiting() <= WAITING
        for line in self.lines:
            assert line.end.over or line.end.channel._size <= HIGH
            assert len(line.end.channel._end._held) <= HELD_FRAMES
