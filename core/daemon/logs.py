"""The daemon's log: JSON lines in logs/daemon.log, bounded by rotation, and reading them by page.

Everybody logs through the standard library's `logging` under `sereno.<area>`; what of it is shown
on stderr is console.py. One line is one record whatever the text holds (T49); two files of a few
MiB are all that is ever kept (T86). In an embedded daemon nothing may reach stderr: the screen.
"""

from __future__ import annotations

import copy
import logging
import logging.handlers
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import msgspec

from sereno.core.config.model import LogLevel
from sereno.core.protocol.additions import LogLine, ReadLogResult
from sereno.core.protocol.values import iso

__all__ = ["FILE_ONLY", "LogFile", "read_page", "record_of", "set_level"]

FILE_BYTES = 4 * 1024 * 1024
TEXT_LIMIT = 8_000
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
ROOT = "sereno"
FILE_ONLY = "file_only"
"""A record with this attribute is not shown on stderr: somebody says it in better words."""


class Record(msgspec.Struct):
    """One line of the file. `n` counts lines over rotations and restarts: it is the cursor."""

    n: int
    at: str
    level: Literal["debug", "info", "warn", "error"]
    area: str
    text: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


def record_of(n: int, record: logging.LogRecord) -> Record:
    """A log record as a value; with a traceback where there is one, cut to a sane length."""
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        text = f"{record.msg!r} {record.args!r}"
    if record.exc_info:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    area = record.name.removeprefix(f"{ROOT}.") if record.name != ROOT else "daemon"
    return Record(n, iso(int(record.created * 1000)), _level(record.levelno), area, _cut(text))


def _cut(text: str) -> str:
    """The beginning and, as that is where a traceback says what happened, the end."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= TEXT_LIMIT else f"{text[:2000]}\n…\n{text[2000 - TEXT_LIMIT :]}"


def _level(number: int) -> Literal["debug", "info", "warn", "error"]:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"


def set_level(level: LogLevel) -> None:
    """From which level on our records are kept; may be changed at any time."""
    logging.getLogger(ROOT).setLevel(_LEVELS[level])


class LogFile(logging.handlers.RotatingFileHandler):
    """The handler that writes the file; 0600, and never an exception or a word on stderr."""

    def __init__(self, path: Path, *, limit: int = FILE_BYTES) -> None:
        self._n = _last_number(path)
        self.lost = 0
        """Records that could not be written (a full disk); the next one that can says so."""
        super().__init__(path, maxBytes=limit, backupCount=1, encoding="utf-8")

    def attach(self, level: LogLevel) -> None:
        """Everything of ours goes here from now on, and to nobody else."""
        root = logging.getLogger()
        root.addHandler(self)
        root.setLevel(logging.WARNING)
        set_level(level)

    def detach(self) -> None:
        logging.getLogger().removeHandler(self)
        self.close()

    def _open(self) -> IO[str]:  # type: ignore[override]
        def private(name: str, flags: int) -> int:
            return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=private)

    def format(self, record: logging.LogRecord) -> str:
        return _encoder.encode(record_of(self._n, record)).decode()

    def emit(self, record: logging.LogRecord) -> None:
        self._n += 1
        lost = self.lost
        if lost:
            record = copy.copy(record)
            record.msg = f"{record.msg} ({lost} earlier lines could not be written)"
        super().emit(record)
        if self.lost == lost:
            self.lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        self.lost += 1


def read_page(
    path: Path,
    request_id: str,
    direction: Literal["tail", "before", "after"],
    cursor: int | None,
    limit: int,
) -> ReadLogResult:
    """Up to `limit` lines of the log, oldest first. Reads both files: for a thread."""
    records = [*_read(path.with_name(f"{path.name}.1")), *_read(path)]
    match direction:
        case "after" if cursor is not None:
            shown = [one for one in records if one.n > cursor][:limit]
        case "before" if cursor is not None:
            shown = [one for one in records if one.n < cursor][-limit:]
        case _:
            shown = records[-limit:]
    return ReadLogResult(
        request_id=request_id,
        source="daemon",
        lines=[LogLine(at=one.at, level=one.level, area=one.area, text=one.text) for one in shown],
        start_cursor=shown[0].n if shown else 0,
        end_cursor=shown[-1].n if shown else (cursor or 0),
        has_older=bool(shown) and records[0].n < shown[0].n,
        error=None,
    )


def _read(path: Path) -> Iterator[Record]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return
    for line in raw.splitlines():
        try:
            yield _decoder.decode(line)
        except msgspec.DecodeError:
            continue  # A torn line of a full disk or a crash.


def _last_number(path: Path) -> int:
    """The number of the newest line in the files."""
    for name in (path, path.with_name(f"{path.name}.1")):
        try:
            with name.open("rb") as file:
                file.seek(max(0, name.stat().st_size - 4 * TEXT_LIMIT))
                lines = file.read().splitlines()
        except OSError:
            continue
        for line in reversed(lines):
            try:
                return _decoder.decode(line).n
            except msgspec.DecodeError:
                continue
    return 0
