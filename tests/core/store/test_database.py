"""The database shell: group commit, integrity, schema versions, full disks, private files."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from sereno.core.store import meta
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError
from sereno.core.store.writer import Job, run_group


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "sereno.db")
    await database.open()
    yield database
    await database.close()


async def test_a_write_is_there_for_the_next_read_and_the_next_open(tmp_path: Path) -> None:
    first = Database(tmp_path / "sereno.db")
    await first.open()
    await first.write(lambda c: meta.set_value(c, "a", "1"))
    assert await first.read(lambda c: meta.get(c, "a")) == "1"
    await first.close()
    second = Database(tmp_path / "sereno.db")
    await second.open()
    assert await second.read(lambda c: meta.get(c, "a")) == "1"
    assert await second.write(lambda c: meta.set_once(c, "a", "2")) == "1"
    await second.close()


async def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "sereno.db"
    path.touch(0o644)
    database = Database(path)
    await database.open()
    await database.write(lambda c: meta.set_value(c, "a", "1"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    await database.close()
    assert modes == {"sereno.db": 0o600, "sereno.db-wal": 0o600, "sereno.db-shm": 0o600}


async def test_many_writers_share_commits_and_keep_their_order(database: Database) -> None:
    seen: list[int] = []
    statements: list[str] = []
    assert database._writer is not None
    database._writer._connection.set_trace_callback(statements.append)

    async def one(number: int) -> None:
        await database.write(lambda c: meta.set_value(c, f"k{number}", str(number)))
        seen.append(number)

    async with anyio.create_task_group() as group:
        for number in range(200):
            group.start_soon(one, number)
    assert seen == list(range(200))
    rows = await database.read(lambda c: c.execute("SELECT count(*) FROM meta").fetchone()[0])
    assert rows == 200
    assert statements.count("COMMIT") < 100


async def test_a_refused_job_takes_no_other_with_it(database: Database) -> None:
    class Refused(Exception):
        pass

    def refuse(connection: sqlite3.Connection) -> None:
        meta.set_value(connection, "half", "written")
        raise Refused

    def broken(connection: sqlite3.Connection) -> None:
        meta.set_value(connection, "half", "written")
        connection.execute("INSERT INTO no_such_table VALUES (1)")

    results: dict[str, object] = {}

    async def run(name: str, work: object) -> None:
        try:
            results[name] = await database.write(work)  # type: ignore[arg-type]
        except (Refused, StoreError) as error:
            results[name] = error

    async with anyio.create_task_group() as group:
        group.start_soon(run, "a", lambda c: meta.set_value(c, "a", "1"))
        group.start_soon(run, "refuse", refuse)
        group.start_soon(run, "broken", broken)
        group.start_soon(run, "b", lambda c: meta.set_value(c, "b", "1"))
    assert isinstance(results["refuse"], Refused)
    assert isinstance(results["broken"], StoreError)
    keys = await database.read(lambda c: [k for (k,) in c.execute("SELECT key FROM meta")])
    assert keys == ["a", "b"]


@pytest.mark.parametrize("damage", ["header", "page", "other"])
async def test_a_damaged_database_is_refused_and_left_alone(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "sereno.db"
    database = Database(path)
    await database.open()
    for number in range(300):
        await database.write(lambda c, n=number: meta.set_value(c, f"k{n}", "x" * 500))  # type: ignore[misc]
    await database.close()
    data = bytearray(path.read_bytes())
    match damage:
        case "header":
            data[:16] = b"not a database!!"
        case "page":
            data[3 * 4096 : 12 * 4096] = b"\xa5" * (9 * 4096)
        case _:
            data = bytearray(b"hello, this is a letter to my aunt\n" * 300)
    path.write_bytes(data)
    with pytest.raises(StoreError) as caught:
        await Database(path).open()
    assert caught.value.code == "corrupt"
    assert str(path) in caught.value.message
    assert "moving" in caught.value.next_step
    assert path.read_bytes() == bytes(data)


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sereno.db"
    database = Database(path)
    await database.open()
    await database.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreError, match="newer Sereno") as caught:
        await Database(path).open()
    assert caught.value.code == "newer"


async def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sereno.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    with pytest.raises(StoreError) as caught:
        await Database(path).open()
    assert caught.value.code == "corrupt"


async def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        await Database(tmp_path / "nowhere" / "sereno.db").open()
    assert caught.value.code == "cannot_open"


async def test_a_full_disk_is_said_and_later_writes_recover(database: Database) -> None:
    """`max_page_count` makes SQLite answer SQLITE_FULL, as a full disk does."""
    await database.write(lambda c: meta.set_value(c, "before", "kept"))
    await database.write(lambda c: meta.set_value(c, "pages", str(_page_count(c))))
    pages = int(await database.read(lambda c: meta.get(c, "pages")) or 0)
    writer = database._writer
    assert writer is not None
    writer._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError) as caught:
        await database.write(lambda c: meta.set_value(c, "big", "x" * 1_000_000))
    assert caught.value.code == "disk_full"
    assert await database.read(lambda c: meta.get(c, "before")) == "kept"
    writer._connection.execute("PRAGMA max_page_count = 1000000")
    await database.write(lambda c: meta.set_value(c, "big", "x" * 1_000_000))
    big: str | None = await database.read(lambda c: meta.get(c, "big"))
    assert big == "x" * 1_000_000


async def test_a_full_disk_hurts_only_the_jobs_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "sereno.db"
    database = Database(path)
    await database.open()
    await database.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA max_page_count = {_page_count(connection) + 2}")
    jobs = [
        Job(lambda c: meta.set_value(c, "a", "1"), "a"),
        Job(lambda c: meta.set_value(c, "big", "x" * 1_000_000), "big"),
        Job(lambda c: meta.set_value(c, "b", "1"), "b"),
    ]
    outcomes = run_group(connection, jobs, path)
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert [key for (key,) in connection.execute("SELECT key FROM meta")] == ["a", "b"]
    connection.close()


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "sereno.db")
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            await database.write(lambda _c: None)
        assert caught.value.code == "closed"
        await database.open()
        await database.close()


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from sereno.core.store import meta
        from sereno.core.store.database import Database

        async def main():
            database = Database(Path(sys.argv[1]))
            await database.open()
            for number in range(100000):
                await database.write(lambda c: meta.set_value(c, "n", str(number)))
                print(number, flush=True)

        asyncio.run(main())
        """
    )
    path = tmp_path / "sereno.db"
    for kill_at in (1, 40, 200):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            acknowledged = -1
            for line in child.stdout:
                acknowledged = int(line)
                if acknowledged == kill_at:
                    child.kill()
                    break
            rest = child.stdout.read().split()
        if rest:
            acknowledged = int(rest[-1]) if rest[-1].isdigit() else acknowledged
        connection = sqlite3.connect(path)
        kept = int(connection.execute("SELECT value FROM meta WHERE key = 'n'").fetchone()[0])
        connection.close()
        assert kept >= acknowledged


def _page_count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA page_count").fetchone()[0])
