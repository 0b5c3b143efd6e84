"""Writes on their way to the runner: in order, and never more under way than it will hold. Pure."""

from __future__ import annotations

from collections import deque

from sereno.core.runners.model import MIB, RunnerError
from sereno.core.runners.process.wire import MAX_WRITE, OFFSET, WRITE_WINDOW, Kind, frame

MOST_QUEUED = 128 * MIB


class WriteQueue:
    """What waits for an agent that reads slowly. Ids up to `accepted` need no sending again."""

    def __init__(self) -> None:
        self.accepted = -1
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._waiting_bytes = 0
        self._under_way: deque[tuple[int, int]] = deque()
        self._under_way_bytes = 0

    def welcome(self, accepted: int, pending: int) -> None:
        """The runner already has the writes up to `accepted`, `pending` bytes of them unread."""
        self.accepted = accepted
        if pending:
            self._under_way.append((accepted, pending))
            self._under_way_bytes = pending

    def add(self, write_id: int, data: bytes) -> None:
        """Raises RunnerError (too_long, not_reading)."""
        if write_id <= self.accepted:
            return
        if len(data) > MAX_WRITE:
            raise RunnerError(
                "too_long",
                f"A message of {len(data) // MIB} MiB is too long for an agent's input; "
                f"{MAX_WRITE // MIB} MiB are allowed.",
                "Send less at once, for example a file's path instead of the file.",
            )
        if self._waiting_bytes + len(data) > MOST_QUEUED:
            raise RunnerError(
                "not_reading",
                "The agent does not read its input, and too much waits for it already.",
                "Wait until it reads on, or stop the agent.",
            )
        self.accepted = write_id
        self._waiting.append((write_id, data))
        self._waiting_bytes += len(data)

    def settled(self, write_id: int) -> None:
        """The runner has written everything up to this id, or said that it is lost."""
        while self._under_way and self._under_way[0][0] <= write_id:
            self._under_way_bytes -= self._under_way.popleft()[1]

    def take(self) -> bytes:
        """The frames that may be sent now."""
        frames = []
        while self._waiting:
            write_id, data = self._waiting[0]
            if self._under_way_bytes and self._under_way_bytes + len(data) > WRITE_WINDOW:
                break
            self._waiting.popleft()
            self._waiting_bytes -= len(data)
            self._under_way.append((write_id, len(data)))
            self._under_way_bytes += len(data)
            frames.append(frame(Kind.WRITE, OFFSET.pack(write_id) + data))
        return b"".join(frames)
