"""A switchboard without sockets: carries out acts on a model of them, to test the rules."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from sereno.relay_server.acts import Acts, Close, Frame, Hold, Release, Room, Send
from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.pair import Pair
from sereno.relay_server.place import Place, Role
from sereno.relay_server.room import ControlRoom
from sereno.relay_server.switchboard import Key, Switchboard

TIMING = Timing()
CLOCK_MS = 1_700_000_000_123


def text(words: str) -> Frame:
    return Frame(words.encode(), True)


@dataclass
class Socket:
    """What one end of a socket sees."""

    got: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    held: bool = False

    def take(self) -> list[str]:
        """What came since the last look."""
        got, self.got = self.got, []
        return got


class Board:
    """Sockets are the numbers that `join` gives."""

    def __init__(self, limits: Limits | None = None, timing: Timing = TIMING) -> None:
        self.limits = limits or Limits()
        self.timing = timing
        self.now = 0.0
        self.sockets: dict[int, Socket] = {}
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1)
        self.board = Switchboard(self.limits, self._room)

    def _room(self, key: Key) -> Room:
        if key.version == 1:
            return Pair()
        new_id = lambda: f"conn_{next(self._ids)}"  # noqa: E731
        return ControlRoom(self.limits, self.timing, new_id, lambda: CLOCK_MS)

    def join(
        self,
        role: str,
        connection: str | None = None,
        *,
        server_id: str = "s",
        version: int = 2,
        address: str = "192.0.2.1",
    ) -> int:
        number = next(self._numbers)
        self.sockets[number] = Socket()
        place = Place(version, server_id, Role(role), connection)
        self.do(self.board.enter(number, place, address, self.now))
        return number

    def control(self) -> int:
        return self.join("server")

    def say(self, peer: int, *words: str) -> None:
        for word in words:
            self.do(self.board.received(peer, text(word), self.now))

    def leave(self, peer: int) -> None:
        self.do(self.board.left(peer, self.now))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.board.elapsed(self.now))

    def do(self, acts: Acts) -> None:
        for act in acts:
            socket = self.sockets[act.peer]
            if socket.closed is not None:
                continue
            match act:
                case Send(_, frame):
                    socket.frames.append(frame)
                    socket.got.append(frame.data.decode("latin-1"))
                case Close(_, code, reason):
                    socket.closed = (code, reason)
                case Hold():
                    assert not socket.held, "held twice"
                    socket.held = True
                case Release():
                    assert socket.held, "released without having been held"
                    socket.held = False

    def __getitem__(self, peer: int) -> Socket:
        return self.sockets[peer]
