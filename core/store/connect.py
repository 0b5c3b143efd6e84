"""How a connection to the database is opened: private file, pragmas, and the checks before use.

Not here: threads (writer.py, database.py) and the schema itself (migrations/).
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sereno.core.store.errors import StoreError, corrupt, explain

__all__ = ["open_reader", "open_writer"]

# Above this size a check of every page would delay the start; reads find damage there as they go.
CHECKED_BYTES = 32 * 1024 * 1024
MIGRATIONS = Path(__file__).parent / "migrations"


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes: checked, migrated, in WAL mode.

    Raises:
        StoreError: corrupt, newer, cannot_open, read_only, disk_full, busy, io.
    """
    _make_private(path)
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 5000")
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # Safe over kill -9; after a power cut the newest commits may be gone, whole.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Where the disk has a cache of its own that a plain fsync leaves alone (macOS).
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        _migrate(connection, path)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise explain(error, path) from error
    except StoreError:
        if connection is not None:
            connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read. It sees every commit made before its statement began."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return connection


def _make_private(path: Path) -> None:
    """SQLite gives its -wal and -shm files the mode of the database."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if file.exists():
                file.chmod(0o600)
    except OSError as error:
        raise StoreError(
            "cannot_open",
            f"{path} cannot be opened: {error.strerror or error}.",
            f"Check the owner and modes with `ls -la {path.parent}`.",
        ) from error


def _check(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if path.stat().st_size <= CHECKED_BYTES:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise corrupt(path, str(verdict).replace("\n", " "))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Runs the numbered SQL files above `user_version`, each in a transaction of its own."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    scripts = {int(file.name[:4]): file for file in MIGRATIONS.iterdir() if file.suffix == ".sql"}
    newest = max(scripts)
    if version > newest:
        raise StoreError(
            "newer",
            f"The database {path} was written by a newer Sereno (schema {version}; this one "
            f"knows {newest}).",
            "Start the newer version again, or upgrade this one.",
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise corrupt(path, "it holds tables that are not Sereno's, or lost its version")
    for number in range(version + 1, newest + 1):
        script = scripts[number].read_text("utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};")
        connection.execute("COMMIT")
