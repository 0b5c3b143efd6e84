"""Version 2 of the wire: one control socket, a line for each connection (reference 2.3, 2.4).

Two differences from the reference, both where it would lose a frame: a line that keeps too much for
the daemon closes the sender with 1013 and drops nothing, and who reads slowly holds the one who
writes to it. Both ends notice neither in a healthy session.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from sereno.relay_server.acts import (
    NOTHING,
    Act,
    Acts,
    Close,
    Code,
    Frame,
    Hold,
    Release,
    Send,
    connected,
    disconnected,
    pong,
    sync,
)
from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.line import Line

__all__ = ["ControlRoom"]

_MOST_OF_A_CONTROL_MESSAGE = 4096


class ControlRoom:
    """A Room of version 2. `new_id` gives the connection id of a client that brings none;
    `clock_ms` the time of day for pongs, in milliseconds."""

    def __init__(
        self,
        limits: Limits,
        timing: Timing,
        new_id: Callable[[], str],
        clock_ms: Callable[[], int],
    ) -> None:
        self._limits = limits
        self._timing = timing
        self._new_id = new_id
        self._clock_ms = clock_ms
        self._control: int | None = None
        self._lines: dict[str, Line] = {}
        self._line_of: dict[int, Line] = {}
        self._clients = 0
        self._behind: set[int] = set()
        self._held: set[int] = set()
        self._waiting: dict[str, Line] = {}

    def __len__(self) -> int:
        return len(self._line_of) + (self._control is not None)

    # Coming

    def enter(self, peer: int, role: str, connection: str | None, now: float) -> Acts:
        if role == "client":
            return list(self._enter_client(peer, connection, now))
        if connection is None:
            return list(self._enter_control(peer))
        return list(self._enter_data(peer, connection))

    def _enter_control(self, peer: int) -> Iterator[Act]:
        if self._control is not None:
            yield Close(self._control, Code.REPLACED, "Replaced by new connection")
        self._control = peer
        ids = [name for name, line in self._lines.items() if line.clients]
        yield Send(peer, sync(ids))

    def _enter_client(self, peer: int, connection: str | None, now: float) -> Iterator[Act]:
        if self._clients >= self._limits.clients:
            yield Close(peer, Code.TRY_LATER, "Too many clients of this id")
            return
        line = self._line(connection or self._new_id())
        line.clients[peer] = None
        self._line_of[peer] = line
        self._clients += 1
        if line.data is None and line.due is None:
            line.nudge_at, line.nudges = now + self._timing.nudge, self._timing.nudges
            self._waiting[line.connection] = line
        yield from self._tell(connected(line.connection))
        yield from self._balance(line)

    def _enter_data(self, peer: int, connection: str) -> Iterator[Act]:
        line = self._lines.get(connection)
        if line is not None and line.data is not None:
            old = line.data
            line.data = peer
            self._line_of[peer] = line
            self._drop(old)
            yield Close(old, Code.REPLACED, "Replaced by new connection")
            yield from self._server_gone(line)
            return
        if sum(line.data is not None for line in self._lines.values()) >= self._limits.clients:
            yield Close(peer, Code.TRY_LATER, "Too many data sockets of this id")
            return
        line = self._line(connection)
        line.data = peer
        self._line_of[peer] = line
        self._settle(line)
        for frame in line.take():
            yield Send(peer, frame)
        yield from self._balance(line)

    def _line(self, connection: str) -> Line:
        line = self._lines.get(connection)
        if line is None:
            line = self._lines[connection] = Line(connection)
        return line

    # Speaking

    def received(self, peer: int, frame: Frame, now: float) -> Acts:
        del now
        line = self._line_of.get(peer)
        if line is None:
            return self._answer(peer, frame)
        if peer == line.data:
            return [Send(client, frame) for client in line.clients]
        if line.data is not None:
            return (Send(line.data, frame),)
        limits = self._limits
        if len(line.kept) >= limits.frames or line.kept_bytes + len(frame.data) > limits.waiting:
            reason = "Too much waits for the daemon"
            return [Close(peer, Code.TRY_LATER, reason), *self._client_gone(peer, line)]
        line.keep(frame)
        return NOTHING

    def _answer(self, peer: int, frame: Frame) -> Acts:
        if peer != self._control or not frame.text:
            return NOTHING
        if len(frame.data) > _MOST_OF_A_CONTROL_MESSAGE:
            return NOTHING
        try:
            message = json.loads(frame.data)
        except (ValueError, RecursionError):
            return NOTHING
        if isinstance(message, dict) and message.get("type") == "ping":
            return (Send(peer, pong(self._clock_ms())),)
        return NOTHING

    # Going

    def left(self, peer: int, now: float) -> Acts:
        del now
        if peer == self._control:
            self._control = None
            return NOTHING
        line = self._line_of.get(peer)
        if line is None:
            return NOTHING
        if peer != line.data:
            return list(self._client_gone(peer, line))
        self._drop(peer)
        line.data = None
        return list(self._server_gone(line))

    def _client_gone(self, peer: int, line: Line) -> Iterator[Act]:
        self._drop(peer)
        del line.clients[peer]
        self._clients -= 1
        if line.clients:
            yield from self._balance(line)
            return
        yield from self._end(line)

    def _server_gone(self, line: Line) -> Iterator[Act]:
        """The data socket that the clients spoke to is gone; a newer one may stand in its place."""
        clients = list(line.clients)
        for client in clients:
            self._drop(client)
            yield Close(client, Code.RESTART, "Server disconnected")
        line.clients.clear()
        self._clients -= len(clients)
        if clients:
            yield from self._end(line)
        elif line.empty:
            self._remove(line)

    def _end(self, line: Line) -> Iterator[Act]:
        """The last client left."""
        line.take()
        if line.data is not None:
            self._drop(line.data)
            yield Close(line.data, Code.GONE, "Client disconnected")
            line.data = None
        self._remove(line)
        yield from self._tell(disconnected(line.connection))

    def _remove(self, line: Line) -> None:
        self._settle(line)
        self._lines.pop(line.connection, None)

    def _drop(self, peer: int) -> None:
        self._line_of.pop(peer, None)
        self._behind.discard(peer)
        self._held.discard(peer)

    def _tell(self, frame: Frame) -> Iterator[Act]:
        if self._control is not None:
            yield Send(self._control, frame)

    # Slow readers

    def behind(self, peer: int) -> Acts:
        line = self._line_of.get(peer)
        if line is None:
            return NOTHING
        self._behind.add(peer)
        return list(self._balance(line))

    def caught_up(self, peer: int) -> Acts:
        line = self._line_of.get(peer)
        if line is None:
            return NOTHING
        self._behind.discard(peer)
        return list(self._balance(line))

    def _balance(self, line: Line) -> Iterator[Act]:
        """Clients wait for the data socket; that waits for a client only where it has no other."""
        for client in line.clients:
            yield from self._want(client, line.data is not None and line.data in self._behind)
        if line.data is not None:
            alone = len(line.clients) == 1
            yield from self._want(line.data, alone and next(iter(line.clients)) in self._behind)

    def _want(self, peer: int, held: bool) -> Iterator[Act]:
        if held and peer not in self._held:
            self._held.add(peer)
            yield Hold(peer)
        elif not held and peer in self._held:
            self._held.discard(peer)
            yield Release(peer)

    # Time

    def due(self) -> float | None:
        return min((line.due for line in self._waiting.values() if line.due), default=None)

    def elapsed(self, now: float) -> Acts:
        """Nudges the daemon for clients that it left waiting, then gives its control socket up."""
        nudge = give_up = False
        for line in list(self._waiting.values()):
            if line.nudge_at is not None and line.nudge_at <= now:
                nudge = True
                line.nudges -= 1
                if line.nudges > 0:
                    line.nudge_at = now + self._timing.nudge
                else:
                    line.nudge_at, line.give_up_at = None, now + self._timing.unresponsive
            elif line.give_up_at is not None and line.give_up_at <= now:
                give_up = True
                self._settle(line)
        if self._control is None:
            return NOTHING
        if give_up:
            control, self._control = self._control, None
            return (Close(control, Code.FAILED, "Control unresponsive"),)
        ids = [name for name, line in self._lines.items() if line.clients]
        return (Send(self._control, sync(ids)),) if nudge else NOTHING

    def hurry(self, now: float) -> None:
        """The daemon may have dialed a node that is gone, or one that did not know of this room."""
        for line in self._waiting.values():
            soon = now + self._timing.hurry
            line.nudge_at = soon if line.nudge_at is None else min(line.nudge_at, soon)
            line.nudges = max(1, line.nudges, self._timing.nudges)
            line.give_up_at = None

    def _settle(self, line: Line) -> None:
        line.settled()
        self._waiting.pop(line.connection, None)

    # What others ask

    def waiting(self, peer: int) -> int:
        line = self._line_of.get(peer)
        return line.kept_bytes if line is not None and peer != line.data else 0

    def is_control(self, peer: int) -> bool:
        return peer == self._control
