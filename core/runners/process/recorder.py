"""Recording frames, also when the journal has reached its limit or the disk is full.

Then the agent is not read any more, so it waits, and nothing is lost. What was already read waits
here, which is bounded because the sources stop.
"""

from __future__ import annotations

import errno
import os
import time
from collections import deque

from sereno.core.runners.process.journal import Journal
from sereno.core.runners.process.wire import Kind


class Recorder:
    """The journal and what could not yet be written into it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.stalled = ""
        """Why the agent is not read: "" (it is), journal_full, disk_full or disk_error."""
        self._waiting: deque[tuple[int, int, int, tuple[bytes, ...]]] = deque()

    @property
    def waiting(self) -> bool:
        """Whether something is to be tried again later."""
        return bool(self._waiting)

    def record(self, kind: Kind, *parts: bytes, partial: int = 0) -> None:
        """Adds one frame, or keeps it until it can be added. The order stays."""
        self._waiting.append((kind, partial, time.time_ns() // 1_000_000, parts))
        self.settle()

    def note(self, code: str, detail: object = "") -> None:
        text = f"{code}:{detail}" if detail != "" else code
        self.record(Kind.NOTE, text.encode("utf-8", "replace"))

    def settle(self) -> None:
        """Writes what waits, and decides whether the agent may be read."""
        reason = self._write()
        if not reason and self.journal.full:
            reason = "journal_full"
        if reason == self.stalled:
            return
        if reason and not self.stalled:
            self.stalled = reason
            self.note(reason)
        elif not reason:
            self.stalled = ""
            self.note("journal_resumed")
        else:
            self.stalled = reason

    def acknowledge(self, offset: int) -> None:
        self.journal.acknowledge(offset)
        if self.stalled:
            self.settle()

    def _write(self) -> str:
        while self._waiting:
            kind, flags, ms, parts = self._waiting[0]
            try:
                self.journal.append(kind, flags, ms, parts)
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
                return "disk_full" if full else "disk_error"
            self._waiting.popleft()
        return ""


def folder_is_gone() -> bool:
    """Whether the current folder, where journal and socket lie, was deleted."""
    try:
        return os.stat(".").st_nlink == 0
    except OSError:
        return True
