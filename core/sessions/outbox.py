"""What waits for a client that reads more slowly than its agents talk. Pure, bounded in bytes.

Only clients whose transport is busy have anything in here. What may be dropped is decided by the
kind of a message (core/protocol/outgoing.py), never by luck; see design section 4.
"""

from __future__ import annotations

from collections import OrderedDict

from sereno.core.protocol.outgoing import Kind, Outgoing

__all__ = ["LIMIT", "Outbox"]

LIMIT = 4 * 1024 * 1024
"""Bytes of pushes that may wait for one socket."""


class Outbox:
    """A queue in which a newer state replaces an older one and stream rows may be dropped.

    `drops`: whether rows of the timeline may be dropped when it is full. The newest row of each
    agent that lost some is then sent after everything else: its `seq` jumps, and the client fetches
    what it misses. A client that cannot do that overflows instead.
    """

    def __init__(self, *, limit: int = LIMIT, drops: bool = True) -> None:
        self._limit = limit
        self._drops = drops
        # Pushes under a positive number or their state's key, replies under a negative number.
        self._queue: OrderedDict[str | int, Outgoing] = OrderedDict()
        self._newest: dict[str, Outgoing] = {}
        self._count = 0
        self.pushed = 0
        """Bytes of waiting pushes; the bound is on these."""
        self.replies = 0
        """Bytes of waiting replies: bounded by reading no further requests meanwhile."""
        self.dropped = 0
        """How many rows were dropped since the beginning."""

    def __bool__(self) -> bool:
        return bool(self._queue or self._newest)

    def reply(self, message: Outgoing) -> None:
        """Queues what the client asked for."""
        self._count += 1
        self._queue[-self._count] = message
        self.replies += len(message)

    def push(self, message: Outgoing) -> bool:
        """Queues a push; False when it cannot be kept, and the client has to be let go (1013)."""
        is_row = message.kind is Kind.TIMELINE
        if is_row and (message.key in self._newest or not self._fits(message)):
            return self._drop(message)
        replaced = self._queue.get(message.key) if message.kind is Kind.STATE else None
        spared = 0 if replaced is None else len(replaced)
        self.pushed -= spared
        if not self._fits(message) and not self._make_room(message):
            self.pushed += spared
            return False
        if replaced is not None:  # only now: a state without room must not cost the older one
            del self._queue[message.key]
        self._count += 1
        self._queue[message.key if message.kind is Kind.STATE else self._count] = message
        self.pushed += len(message)
        return True

    def _fits(self, message: Outgoing) -> bool:
        """One message of any size fits into an empty box, so that nothing is undeliverable."""
        return self.pushed == 0 or self.pushed + len(message) <= self._limit

    def _make_room(self, message: Outgoing) -> bool:
        """Drops the youngest waiting rows for something that may not be dropped: what a client
        gets of an agent is then a beginning without holes, and the newest row. Some more room is
        made than is needed, so that this is not done for each message."""
        if not self._drops:
            return False
        enough = self._limit - len(message) - self._limit // 8
        for key in list(reversed(self._queue)):
            waiting = self._queue[key]
            if waiting.kind is not Kind.TIMELINE:
                continue
            if self.pushed <= enough:
                break
            del self._queue[key]
            self.pushed -= len(waiting)
            self.dropped += 1
            if waiting.key not in self._newest:
                self._newest[waiting.key] = waiting
                self.pushed += len(waiting)
        return self._fits(message)

    def _drop(self, message: Outgoing) -> bool:
        """Keeps only the newest row of an agent. False for a client that cannot live with that,
        or when even those newest rows, of very many agents, are too much."""
        if not self._drops:
            return False
        self.dropped += 1
        previous = self._newest.pop(message.key, None)
        if previous is not None:
            self.pushed -= len(previous)
        self._newest[message.key] = message
        self.pushed += len(message)
        return self.pushed <= 2 * self._limit

    def take(self, most: int) -> list[Outgoing]:
        """The next messages, about `most` bytes and at least one; the newest rows come last."""
        taken: list[Outgoing] = []
        size = 0
        while self._queue and size < most:
            key, message = self._queue.popitem(last=False)
            taken.append(message)
            size += len(message)
            if isinstance(key, int) and key < 0:
                self.replies -= len(message)
            else:
                self.pushed -= len(message)
        if not self._queue and size < most and self._newest:
            taken.extend(self._newest.values())
            self.pushed -= sum(map(len, self._newest.values()))
            self._newest.clear()
        return taken
