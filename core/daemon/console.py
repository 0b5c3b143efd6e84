"""What `sereno --no-ui` shows of its log on stderr: lines for a person at a terminal, JSON lines
for whatever else collects them.

Written by a thread of its own: a terminal that was stopped with ctrl+s, or a pipe that nobody
reads, never stops the daemon. What such a reader misses is counted, and in the log file.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import queue
import select
import sys
import threading
import time
from collections.abc import Mapping

import msgspec

from sereno.core.config.model import LogFormat
from sereno.core.daemon.logs import FILE_ONLY, record_of
from sereno.core.security.sanitise import sanitise

__all__ = ["Console", "show_on_stderr"]

WAITING_LINES = 1_000
LEAVE_S = 1.0
"""Seconds that the end of the daemon waits for a slow reader."""
_PRIORITIES = {"debug": 7, "info": 6, "warn": 4, "error": 3}
"""Of sd-daemon(3), by our levels."""


def show_on_stderr(form: LogFormat) -> Console:
    """Begins to show our log; `close` ends it. `form` is for what is no terminal: JSON lines unless
    the person set "pretty"."""
    readable = form == "pretty" or sys.stderr.isatty()
    journal = is_journal(2, os.environ)
    handler = Console(2, Readable() if readable else JsonLines(journal=journal))
    handler.addFilter(lambda record: not getattr(record, FILE_ONLY, False))
    logging.getLogger().addHandler(handler)
    return handler


def is_journal(descriptor: int, env: Mapping[str, str]) -> bool:
    """Whether systemd's journal reads it: JOURNAL_STREAM names device and inode (systemd.exec(5)).
    The variable alone proves nothing, because every child inherits it."""
    found = os.fstat(descriptor)
    return env.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Readable(logging.Formatter):
    """For a person at a terminal. Controls are shown, not obeyed (T40); only the first line of a
    record looks like one (T49)."""

    def format(self, record: logging.LogRecord) -> str:
        line = record_of(0, record)
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        first, *more = sanitise(line.text).split("\n")
        area = line.area.rpartition(".")[2]
        return "\n".join([f"{clock} {line.level:5} {area:10} {first}", *(f"  | {x}" for x in more)])


class JsonLines(logging.Formatter):
    """One object a line, as in the log file. For the journal with a priority before it, which the
    journal takes off, so that `journalctl -p warning` works."""

    def __init__(self, *, journal: bool = False) -> None:
        super().__init__()
        self._n = 0
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        self._n += 1
        line = record_of(self._n, record)
        text = msgspec.json.encode(line).decode()
        return f"<{_PRIORITIES[line.level]}>{text}" if self._journal else text


class Console(logging.Handler):
    """Hands lines to a thread that writes them to a descriptor. `lost`: what found no room."""

    def __init__(
        self, descriptor: int, formatter: logging.Formatter, *, room: int = WAITING_LINES
    ) -> None:
        """`room`: lines that may wait for the reader."""
        super().__init__()
        self.setFormatter(formatter)
        self._descriptor = os.dup(descriptor)
        self._lines: queue.Queue[bytes | threading.Event | None] = queue.Queue(room)
        self.lost = 0
        self._thread = threading.Thread(target=self._write, name="console", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        missing, self.lost = self.lost, 0
        if missing:
            record = copy.copy(record)
            record.msg = f"{record.msg} ({missing} earlier lines are in the log file only)"
        try:
            self._lines.put_nowait(f"{self.format(record)}\n".encode("utf-8", "replace"))
        except queue.Full:
            self.lost = missing + 1

    def flush(self) -> None:
        """Waits until everything is written, LEAVE_S at most."""
        written = threading.Event()
        try:
            self._lines.put(written, timeout=LEAVE_S)
        except queue.Full:
            return
        written.wait(LEAVE_S)

    def close(self) -> None:
        """Shows what waits, as far as somebody reads it, and ends."""
        logging.getLogger().removeHandler(self)
        self.flush()
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            if isinstance(line, threading.Event):
                line.set()
            else:
                self._write_line(line)
        os.close(self._descriptor)

    def _write_line(self, line: bytes) -> None:
        while line:
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:
                # Whoever shares the terminal may have made it non-blocking.
                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLOUT)
                waiting.poll()
            except OSError:
                return  # Nobody reads any more; the file has it.
