"""What can be wrong with the database, in words a person understands.

Every refusal of SQLite becomes a cause and a next step here; nothing is decided, nothing is made
anew in silence.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ["StoreError", "closed", "corrupt", "explain"]


class StoreError(Exception):
    """Nothing of the failed write was kept, everything committed before it was.

    `code` is one of: corrupt, newer, disk_full, read_only, cannot_open, busy, io, fenced, closed,
    failed.
    """

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = code
        self.message = message
        self.next_step = next_step


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """The StoreError for what SQLite said about the database at `path`."""
    # The low byte is the primary code (https://www.sqlite.org/rescode.html).
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return corrupt(path, str(error))
        case sqlite3.SQLITE_FULL:
            return StoreError(
                "disk_full",
                f"{path} cannot be written: the disk or your quota is full.",
                "Free some space; Sereno goes on by itself and nothing that was saved is lost.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreError(
                "read_only",
                f"{path} cannot be written: {error}.",
                f"Check the modes with `ls -l {path.parent}`, and that the disk is writable.",
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                "cannot_open",
                f"{path} cannot be opened: {error}.",
                f"Check that the folder {path.parent} exists and that you may write in it.",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                "busy",
                f"{path} is held by another program.",
                "Close what has it open (a database browser?) and try again.",
            )
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                "io",
                f"{path} could not be read or written: {error}.",
                "Check the disk (free space, `dmesg`) and try again.",
            )
        case _:
            return StoreError(
                "failed", f"{path}: {error}.", "Please report this with the daemon's log."
            )


def corrupt(path: Path, detail: str) -> StoreError:
    return StoreError(
        "corrupt",
        f"The database {path} is damaged: {detail}.",
        f"Restore a copy of it; or try `sqlite3 {path} .recover`; or begin anew by moving "
        f"{path.name}, {path.name}-wal and {path.name}-shm away (agents and their timelines stay "
        "in the moved files).",
    )


def closed() -> StoreError:
    return StoreError("closed", "The database is closed.", "Start the daemon again.")
