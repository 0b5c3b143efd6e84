"""The journal: the only buffer between an agent and its daemon, on disk, with absolute offsets.

It is a row of segment files named by the offset at which they begin, because unlinking files is
the one way to give back the front of a file that works on every system. Only what the daemon has
acknowledged is dropped, a segment at a time.
"""

from __future__ import annotations

import os
import sys

from sereno.core.runners.process.wire import header

NAME = "journal."
LARGEST_SEGMENT = 4 * 1024 * 1024
SMALLEST_SEGMENT = 4096
_SEND_AT_ONCE = 1024 * 1024
_PIECE = 64 * 1024
_SENDFILE = sys.platform == "linux"
"""macOS knows sendfile for TCP only: there it is one copy more, and nothing else differs."""


def segment_name(start: int) -> str:
    return f"{NAME}{start:020d}"


class Journal:
    """The journal of a living runner, in the current folder."""

    def __init__(self, limit: int) -> None:
        """Begins at offset 0. Raises OSError."""
        self._limit = limit
        self._segment_size = max(SMALLEST_SEGMENT, min(LARGEST_SEGMENT, limit // 8))
        self._starts = [0]
        self._file = self._create(0)
        self._read_file = -1
        self._read_start = -1
        self.end = 0
        self.acknowledged = 0

    @property
    def first(self) -> int:
        """The oldest offset that can still be read."""
        return self._starts[0]

    @property
    def full(self) -> bool:
        return self.end - self._starts[0] >= self._limit

    def append(self, kind: int, flags: int, ms: int, parts: tuple[bytes, ...]) -> None:
        """Adds one frame whole. Raises OSError; the journal is then as it was before."""
        if self.end - self._starts[-1] >= self._segment_size:
            self._rotate()
        length = sum(map(len, parts))
        size = 16 + length
        start = self.end - self._starts[-1]
        try:
            written = os.writev(self._file, [header(kind, flags, ms, length, parts), *parts])
            while written < size:
                # What a nearly full disk took in part is tried once more: that names the reason.
                rest = b"".join((header(kind, flags, ms, length, parts), *parts))[written:]
                written += os.write(self._file, rest)
        except OSError:
            # The next frame is written over the torn one, if it cannot be cut off.
            os.lseek(self._file, start, os.SEEK_SET)
            os.ftruncate(self._file, start)
            raise
        self.end += size

    def acknowledge(self, offset: int) -> None:
        """Drops the segments that lie wholly before `offset`; ignores an offset that cannot be."""
        if not self.acknowledged < offset <= self.end:
            return
        self.acknowledged = offset
        self._drop()

    def send(self, sock: int, offset: int, until: int) -> int:
        """Sends what lies between the two offsets, as much as the socket takes now.

        Returns the number of bytes. Raises BlockingIOError when it takes none, else OSError.
        """
        file, start, stop = self._segment_of(offset)
        count = min(until, stop, offset + _SEND_AT_ONCE) - offset
        if _SENDFILE:
            return os.sendfile(sock, file, offset - start, count)
        return os.write(sock, os.pread(file, min(count, _PIECE), offset - start))

    def _segment_of(self, offset: int) -> tuple[int, int, int]:
        """Descriptor, first and last offset of the segment that holds `offset`."""
        if offset >= self._starts[-1]:
            return self._file, self._starts[-1], self.end
        index = len(self._starts) - 1
        while self._starts[index] > offset:
            index -= 1
        start = self._starts[index]
        if start != self._read_start:
            file = os.open(segment_name(start), os.O_RDONLY | os.O_CLOEXEC)
            if self._read_file >= 0:
                os.close(self._read_file)
            self._read_file, self._read_start = file, start
        return self._read_file, start, self._starts[index + 1]

    def _rotate(self) -> None:
        file = self._create(self.end)
        os.close(self._file)
        self._file = file
        self._starts.append(self.end)
        self._drop()

    def _drop(self) -> None:
        while len(self._starts) > 1 and self._starts[1] <= self.acknowledged:
            start = self._starts.pop(0)
            if start == self._read_start:
                os.close(self._read_file)
                self._read_file = self._read_start = -1
            try:
                os.unlink(segment_name(start))
            except OSError:
                continue  # it is below `first` all the same; `remove` deletes what is left

    @staticmethod
    def _create(start: int) -> int:
        """The first one must be new: a runner that comes late never writes over another's words."""
        new = os.O_TRUNC if start else os.O_EXCL
        flags = os.O_RDWR | os.O_CREAT | new | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(segment_name(start), flags, 0o600)
