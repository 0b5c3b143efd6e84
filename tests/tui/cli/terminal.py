"""The command line at a terminal of its own: a process, what it has written, and what is typed."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Terminal", "at_terminal"]

PATIENCE = 30.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """`text`: all that was written so far."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.text = ""
        self._screen = screen
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    @property
    def plain(self) -> str:
        return _COLOURS.sub("", self.text)

    def until(self, words: str) -> None:
        """Reads until these words were written."""
        ends = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < ends, f"{words!r} does not come:\n{self.text}"
            assert self._read(), f"it ended without {words!r}:\n{self.text}"

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def end(self) -> int:
        """Reads to its end; the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        if not select.select([self._screen], [], [], PATIENCE)[0]:
            return False
        try:
            data = os.read(self._screen, 65_536)
        except OSError:  # The other end is closed: that is how a terminal says it.
            return False
        self.text = (self.text + self._decoder.decode(data)).replace("\r\n", "\n")
        return bool(data)


@contextmanager
def at_terminal(home: Path, *arguments: str, columns: int = 100) -> Iterator[Terminal]:
    """`sereno ARGUMENTS` on a terminal of that width."""
    screen, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "sereno", *arguments],
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        env={**os.environ, "SERENO_HOME": str(home), "TERM": "xterm-256color", "TZ": "UTC"},
    )
    os.close(side)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(screen)
