"""The thread that owns the writing connection, and its natural group commit.

Jobs that wait when a commit ends share the next one; nobody lingers. Each job stands alone: one
that fails takes no other with it. Not here: what jobs write (the repositories), asyncio
(database.py).
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sereno.core.store.errors import explain

__all__ = ["Job", "Outcome", "Writer"]

log = logging.getLogger(__name__)
GROUP_LIMIT = 256


class Outcome(msgspec.Struct, frozen=True):
    """`error` is None when the job was committed, with what it returned in `value`."""

    value: Any = None
    error: Exception | None = None


class Job(msgspec.Struct, frozen=True):
    """`work` may run twice (when its group fails and is taken apart): it must only use the
    connection. `token` is the caller's and comes back with the outcome. `durable`: the commit must
    be on disk before it is answered, so that also a power cut takes nothing back."""

    work: Callable[[sqlite3.Connection], Any]
    token: Any
    durable: bool = False


Deliver = Callable[[list[tuple[Job, Outcome]]], None]


class Writer:
    """Runs jobs in the order in which they came. `deliver` is called on this thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path, deliver: Deliver) -> None:
        self._connection = connection
        self._path = path
        self._deliver = deliver
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        self._jobs.put(job)

    def stop(self) -> None:
        """Finishes what was submitted, then closes the connection. Blocks; idempotent."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group, stopping = self._take()
            if group:
                self._deliver(
                    list(zip(group, run_group(self._connection, group, self._path), strict=True))
                )
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            # Nothing is lost: the next start reads the WAL.
            log.warning("the last checkpoint failed: %s", error)
        self._connection.close()

    def _take(self) -> tuple[list[Job], bool]:
        """The next job and those that wait behind it; and whether to stop after them."""
        group: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == GROUP_LIMIT:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True


def run_group(connection: sqlite3.Connection, group: Sequence[Job], path: Path) -> list[Outcome]:
    """Commits the group together; if SQLite refuses that, each job alone."""
    try:
        if any(job.durable for job in group):
            return _on_disk(connection, group)
        return _together(connection, group)
    except sqlite3.Error as error:
        if connection.in_transaction:
            _roll_back(connection)
        if len(group) == 1:
            return [Outcome(error=explain(error, path))]
        return [run_group(connection, [job], path)[0] for job in group]


def _on_disk(connection: sqlite3.Connection, group: Sequence[Job]) -> list[Outcome]:
    """The level cannot be changed inside a transaction, and must not stay: FULL waits for the disk
    at each commit."""
    connection.execute("PRAGMA synchronous = FULL")
    try:
        return _together(connection, group)
    finally:
        if connection.in_transaction:
            _roll_back(connection)
        connection.execute("PRAGMA synchronous = NORMAL")


def _together(connection: sqlite3.Connection, group: Sequence[Job]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    connection.execute("BEGIN IMMEDIATE")
    for job in group:
        connection.execute("SAVEPOINT job")
        try:
            outcomes.append(Outcome(job.work(connection)))
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - a refusal of the job, handed to who waits for it
            connection.execute("ROLLBACK TO job")
            outcomes.append(Outcome(error=error))
        connection.execute("RELEASE job")
    connection.execute("COMMIT")
    return outcomes


def _roll_back(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        # SQLite has done so itself after some errors; then there is nothing left to undo.
        log.debug("rollback after a failed group: %s", error)
