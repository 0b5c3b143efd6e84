"""The demo agent's event loop: standard input, one running turn, timers, and a child's output.

A turn is a generator that yields what it waits for; everything happens on one thread, so that the
program stays small. Not here: the protocol (agent.py) and what turns do (acts.py).
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Generator
from typing import Any

import msgspec

__all__ = ["Asking", "Loop", "Reading", "Sleeping", "Turn", "Turning"]


class Sleeping(msgspec.Struct, frozen=True):
    """Until a moment of time.monotonic(); one in the past lets the loop turn once."""

    until: float


class Asking(msgspec.Struct, frozen=True):
    """For the answer to a request to the client; resumed with the option's id, or None."""

    call_id: str


class Reading(msgspec.Struct, frozen=True):
    """For output on a descriptor or a moment; resumed with bytes (b"": end) or None (time)."""

    fd: int
    until: float


Turning = Sleeping | Asking | Reading
Turn = Generator[Turning, Any, str]
"""Returns the stop reason. It is closed by throwing KeyboardInterrupt-like exceptions into it."""

FLUSH_AT = 32 * 1024
LONGEST_S = 3_600.0


class Loop:
    """Runs until standard input ends or `stop` is called."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        self._on_data = on_data
        self._on_end = on_end
        self._turn: Turn | None = None
        self._wait: Turning | None = None
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._stopped = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ)
        self._child_fd: int | None = None

    @property
    def busy(self) -> bool:
        return self._turn is not None

    def write(self, data: bytes) -> None:
        """Queued until the loop waits, or until there is much of it."""
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        data = memoryview(b"".join(self._buffer))
        self._buffer.clear()
        self._buffered = 0
        while data:
            data = data[os.write(1, data) :]

    def begin(self, turn: Turn) -> None:
        self._turn = turn
        self._advance(None)

    def answer(self, call_id: str, option: str | None) -> None:
        """Resumes the turn if it waits for this answer."""
        if isinstance(self._wait, Asking) and self._wait.call_id == call_id:
            self._advance(option)

    def interrupt(self, error: BaseException) -> None:
        """Throws `error` into the turn, wherever it waits."""
        if self._turn is not None:
            self._step(lambda turn: turn.throw(error))

    def close_input(self) -> None:
        self._selector.unregister(0)
        os.close(0)

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> None:
        while not self._stopped:
            self.flush()
            for key, _ in self._selector.select(self._timeout()):
                if key.fd == 0:
                    self._read_input()
                else:
                    self._read_child()
            self._check_time()
        if self._turn is not None:
            self._turn.close()
        self.flush()

    def _timeout(self) -> float | None:
        if isinstance(self._wait, Sleeping | Reading):
            return min(max(0.0, self._wait.until - time.monotonic()), LONGEST_S)
        return None

    def _read_input(self) -> None:
        data = os.read(0, 1 << 16)
        if data:
            self._on_data(data)
        else:
            self.stop()

    def _read_child(self) -> None:
        if isinstance(self._wait, Reading):
            try:
                data = os.read(self._wait.fd, 1 << 16)
            except OSError:  # a terminal's other end is gone
                data = b""
            self._advance(data)

    def _check_time(self) -> None:
        if isinstance(self._wait, Sleeping | Reading) and time.monotonic() >= self._wait.until:
            self._advance(None)

    def _advance(self, value: Any) -> None:
        self._step(lambda turn: turn.send(value))

    def _step(self, resume: Callable[[Turn], Turning]) -> None:
        turn = self._turn
        if turn is None:
            return
        try:
            wait: Turning | None = resume(turn)
        except StopIteration as end:
            self._turn = self._wait = None
            self._watch(None)
            self._on_end(end.value)
            return
        self._wait = wait
        self._watch(wait.fd if isinstance(wait, Reading) else None)

    def _watch(self, fd: int | None) -> None:
        if fd == self._child_fd:
            return
        if self._child_fd is not None:
            self._selector.unregister(self._child_fd)
        if fd is not None:
            self._selector.register(fd, selectors.EVENT_READ)
        self._child_fd = fd
