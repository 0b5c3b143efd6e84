"""From the runner's bytes to frames with absolute offsets. Pure."""

from __future__ import annotations

import msgspec

from sereno.core.runners.model import Frame, Stream
from sereno.core.runners.process.wire import (
    FIRST_SOCKET_KIND,
    PARTIAL,
    FrameReader,
    RawFrame,
)

_STREAMS = {int(stream): stream for stream in Stream}


class Welcome(msgspec.Struct):
    """A runner's answer to hello. Fields that a later runner adds are ignored.

    `accepted`: the highest write id that it took over, -1 before the first; `pending`: bytes of
    writes that the agent has not read.
    """

    protocol: int
    first: int
    end: int
    acknowledged: int
    accepted: int
    pending: int
    stalled: str = ""
    exited: bool = False


def journal_frame(raw: RawFrame, end: int) -> Frame:
    """A frame of the journal that ends at `end`. A kind of a later release becomes a note."""
    kind, flags, ms, data, _ = raw
    stream = _STREAMS.get(kind)
    if stream is None:
        return Frame(end, Stream.NOTE, ms, b"unknown_kind:%d" % kind)
    return Frame(end, stream, ms, data, bool(flags & PARTIAL))


class FrameStream:
    """Sorts what comes from a runner: frames of the journal, and what only the socket carries."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self._reader = FrameReader()

    def feed(self, data: bytes) -> tuple[list[Frame], list[tuple[int, bytes]]]:
        """Journal frames, and (kind, data) of the others. Raises FrameError."""
        frames: list[Frame] = []
        others: list[tuple[int, bytes]] = []
        for raw in self._reader.feed(data):
            if raw[0] >= FIRST_SOCKET_KIND:
                others.append((raw[0], raw[3]))
            else:
                self.offset += raw[4]
                frames.append(journal_frame(raw, self.offset))
        return frames, others
