"""The database as the daemon's loop sees it: `write` and `read`, both awaited, both off the loop.

Not here: SQL. Repositories are functions on a connection, called inside `write` and `read`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sereno.core.store.connect import open_reader, open_writer
from sereno.core.store.errors import closed, explain
from sereno.core.store.writer import Job, Outcome, Writer

__all__ = ["Database"]

log = logging.getLogger(__name__)
T = TypeVar("T")
READERS = 2


class Database:
    """One SQLite file. Belongs to the loop on which `open` was awaited."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: Writer | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Checks, migrates and opens the file; makes it (0600) where there is none.

        Raises:
            StoreError: it is damaged, of a newer schema, or cannot be opened. Nothing is changed.
        """
        loop = self._loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(None, open_writer, self.path)
        log.info("SQLite %s, %s", sqlite3.sqlite_version, self.path)
        self._writer = Writer(connection, self.path, self._deliver)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")

    async def close(self) -> None:
        """Finishes what was asked for before; afterwards every call raises StoreError."""
        writer, self._writer = self._writer, None
        readers, self._readers = self._readers, None
        if writer is None or readers is None:
            return
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, readers.shutdown)
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        await loop.run_in_executor(None, writer.stop)

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        """Runs `work` in a transaction on the writer thread; returns after the commit.

        `durable`: and after the disk has it (synchronous FULL), which takes some milliseconds.
        Whatever `work` raises is raised here, with nothing of it written. It may be called twice
        (see writer.Job). Cancelling this call does not undo the work.

        Raises:
            StoreError: SQLite refused (full disk, damage, …); nothing of `work` was written.
        """
        if self._writer is None or self._loop is None:
            raise closed()
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.submit(Job(work, future, durable))
        return await future

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` on a reader thread. It sees all commits awaited before."""
        if self._readers is None:
            raise closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_reader(self.path)
            self._opened.append(connection)
        try:
            # One snapshot for all statements of `work`.
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def _deliver(self, results: list[tuple[Job, Outcome]]) -> None:
        """From the writer thread: wakes all waiters of one commit with one call into the loop."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, results)


def _settle(results: list[tuple[Job, Outcome]]) -> None:
    for job, outcome in results:
        future: asyncio.Future[object] = job.token
        if future.done():
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.value)
