"""What the demo agent keeps on disk: its sessions, and a log of what reached it.

`Sessions` is what session/load replays. `Log` is for tests of exactly-once: one JSON line for each
prompt and each answer that really arrived, written before anything is done with it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Log", "Sessions"]

_encode = msgspec.json.Encoder().encode


class Log:
    """Appends to a file, one write a line, so that lines of several processes stay whole."""

    def __init__(self, path: str | None) -> None:
        self._fd: int | None = None
        if path:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, event: str, **fields: Any) -> None:
        if self._fd is not None:
            entry = {"event": event, "pid": os.getpid(), "at": time.time(), **fields}
            os.write(self._fd, _encode(entry) + b"\n")


class Sessions:
    """One file of session updates for each session, text chunks joined."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, session_id: str) -> Path:
        return self._folder / f"{session_id}.jsonl"

    def append(self, session_id: str, updates: list[dict[str, Any]]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(self._path(session_id), flags, 0o600)
        try:
            os.write(fd, b"".join(_encode(update) + b"\n" for update in updates))
        finally:
            os.close(fd)

    def load(self, session_id: str) -> list[dict[str, Any]] | None:
        """The updates of a session, or None if there is none of this id."""
        if not session_id or "/" in session_id or session_id.startswith("."):
            return None
        try:
            lines = self._path(session_id).read_bytes().splitlines()
        except FileNotFoundError:
            return None
        updates = []
        for line in lines:
            try:
                updates.append(msgspec.json.decode(line, type=dict[str, Any]))
            except msgspec.DecodeError:
                continue  # a line that a crash cut off
        return updates
