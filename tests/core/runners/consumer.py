"""A daemon in miniature, to be killed at any moment: commits what comes with its offset, and its
writes as intents. Started as a program: folder of the run, database, number of writes."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

from sereno.core.runners.attach import attach
from sereno.core.runners.link import RunnerLink
from sereno.core.runners.model import Frame, Stream

SCHEMA = """
CREATE TABLE IF NOT EXISTS state (offset INTEGER, asked INTEGER);
CREATE TABLE IF NOT EXISTS lines (text BLOB);
CREATE TABLE IF NOT EXISTS intents (id INTEGER PRIMARY KEY, data BLOB);
"""


def open_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")  # a kill loses nothing; only a power cut would
    database.executescript(SCHEMA)
    database.execute("INSERT INTO state SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM state)")
    return database


def take(database: sqlite3.Connection, batch: list[Frame]) -> None:
    """Lines, confirmations and the offset, in one transaction."""
    database.execute("BEGIN IMMEDIATE")
    for one in batch:
        if one.stream is Stream.OUT:
            rows = [(line,) for line in one.data.splitlines()]
            database.executemany("INSERT INTO lines VALUES (?)", rows)
        elif one.stream is Stream.WROTE:
            database.execute("DELETE FROM intents WHERE id = ?", (one.write_id,))
    database.execute("UPDATE state SET offset = ?", (batch[-1].end,))
    database.execute("COMMIT")


async def ask(database: sqlite3.Connection, link: RunnerLink, count: int) -> None:
    """What was not confirmed is sent again; then the rest, each with its intent first."""
    for write_id, data in database.execute("SELECT * FROM intents ORDER BY id").fetchall():
        await link.write(write_id, data)
    (asked,) = database.execute("SELECT asked FROM state").fetchone()
    for write_id in range(asked + 1, count + 1):
        data = b"ask %d\n" % write_id
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO intents VALUES (?, ?)", (write_id, data))
        database.execute("UPDATE state SET asked = ?", (write_id,))
        database.execute("COMMIT")
        await link.write(write_id, data)
        await asyncio.sleep(0.001)


async def main(folder: Path, path: Path, count: int) -> None:
    database = open_database(path)
    (offset,) = database.execute("SELECT offset FROM state").fetchone()
    link = await attach(folder, offset)
    print("attached", flush=True)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask(database, link, count))
        async for batch in link.frames():
            take(database, batch)
            await link.acknowledge(batch[-1].end)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
