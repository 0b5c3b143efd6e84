"""One connection to the runner: reads a daemon's frames, sends the journal and answers.

A daemon that is attached is no more than an offset into the journal. Its answers go out at ends of
frames, and are few, so nothing here grows when it does not read.
"""

from __future__ import annotations

import socket

from sereno.core.runners.process.journal import Journal
from sereno.core.runners.process.wire import FrameReader, Kind, RawFrame, frame

_READ = 256 * 1024
_FLUSH = 1024 * 1024


class Client:
    """A connected process; `attached` once it has said hello and is the one daemon."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.since = now
        self.attached = False
        self.closing = False
        """What comes is thrown away; over when the answers are out and the other side has closed.

        A socket that is closed with something unread in it takes the answers with it.
        """
        self._said_all = False
        self._frames = FrameReader()
        self._answers = bytearray()
        self.offset = 0
        self._target = 0

    def attach(self, offset: int) -> None:
        self.attached = True
        self.offset = self._target = offset

    def detach(self, now: float) -> None:
        """Nothing more is heeded, and nothing sent but a begun frame and the answers that are due.

        There is as much time for that as for a greeting: `since` counts anew.
        """
        self.since = now
        self.attached = False
        self.closing = True

    def answer(self, kind: Kind, data: bytes = b"") -> None:
        self._answers += frame(kind, data)

    def receive(self) -> list[RawFrame] | None:
        """The frames that came, or None at the end of the connection. Raises FrameError."""
        try:
            data = self.sock.recv(_READ)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        return [] if self.closing else self._frames.feed(data)

    def wants_to_send(self, journal: Journal) -> bool:
        begun = self.offset < self._target
        return begun or bool(self._answers) or (self.attached and self.offset < journal.end)

    def flush(self, journal: Journal) -> bool:
        """Send what the socket takes now; False when the connection is gone."""
        budget = _FLUSH
        if self.offset < min(self._target, journal.first):
            return False  # a replaced daemon's begun frame was dropped meanwhile
        try:
            while budget > 0 and self.wants_to_send(journal):
                if self.offset < self._target:
                    count = journal.send(self.sock.fileno(), self.offset, self._target)
                    self.offset += count
                    budget -= count
                elif self._answers:
                    count = self.sock.send(self._answers)
                    del self._answers[:count]
                else:
                    self._target = journal.end
            if self.closing and not self._said_all and not self.wants_to_send(journal):
                self._said_all = True
                self.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True
