"""What may happen to the database's files: killed in a migration, a cut WAL, not writable."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sereno.core.store import connect, meta
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError

NOBODY = 65_534


async def test_a_cut_wal_keeps_whole_commits_only(tmp_path: Path) -> None:
    """What is behind the cut is gone, as after a power cut; nothing is half there."""
    database = Database(tmp_path / "sereno.db")
    await database.open()
    for number in range(40):

        def both(connection: sqlite3.Connection, number: int = number) -> None:
            meta.set_value(connection, "a", str(number))
            meta.set_value(connection, "filler", str(number) * 3000)
            meta.set_value(connection, "b", str(number))

        await database.write(both)
    wal = (tmp_path / "sereno.db-wal").read_bytes()
    assert len(wal) > 100_000
    kept = []
    for index, length in enumerate(range(len(wal), 0, -len(wal) // 12)):
        folder = tmp_path / str(index)
        folder.mkdir()
        shutil.copy(tmp_path / "sereno.db", folder)
        (folder / "sereno.db-wal").write_bytes(wal[:length])
        kept.append(await reopened(folder / "sereno.db"))
    await database.close()
    assert kept[0] == 39
    assert kept == sorted(kept, reverse=True)
    assert len(set(kept)) > 5


async def reopened(path: Path) -> int:
    """The number that is kept, -1 where even the schema was behind the cut; and it works on."""
    database = Database(path)
    await database.open()
    try:
        a = await database.read(lambda c: meta.get(c, "a"))
        b = await database.read(lambda c: meta.get(c, "b"))
        assert a == b
        await database.write(lambda c: meta.set_value(c, "later", "works"))
        return -1 if a is None else int(a)
    finally:
        await database.close()


KILLED = """
    import os, sqlite3, sys
    from pathlib import Path
    from sereno.core.store import connect

    left = int(sys.argv[3])

    def tick():
        global left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), 9)

    real = sqlite3.connect

    def spied(*values, **options):
        made = real(*values, **options)
        made.set_progress_handler(tick, 50)
        return made

    sqlite3.connect = spied
    connect.MIGRATIONS = Path(sys.argv[2])
    connect.open_writer(Path(sys.argv[1])).close()
"""


def test_a_kill_in_a_migration_leaves_the_old_schema_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sereno.db"
    asyncio.run(_with_a_value(path))
    scripts = tmp_path / "migrations"
    shutil.copytree(connect.MIGRATIONS, scripts)
    newest = max(int(file.name[:4]) for file in scripts.glob("[0-9]*.sql"))
    (scripts / f"{newest + 1:04d}_more.sql").write_text(
        "ALTER TABLE meta ADD COLUMN more TEXT NOT NULL DEFAULT 'x';\n"
        "CREATE TABLE numbers (n INTEGER);\n"
        "INSERT INTO numbers WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
        " WHERE n < 2000) SELECT n FROM c;\n"
    )
    killed = 0
    for ticks in range(1, 2000, 60):
        copy = tmp_path / f"copy-{ticks}.db"
        shutil.copy(path, copy)
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(copy), str(scripts)]
        done = subprocess.run([*command, str(ticks)], check=False, timeout=30)
        killed += done.returncode == -signal.SIGKILL
        assert done.returncode in (0, -signal.SIGKILL)
        connection = sqlite3.connect(copy)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'numbers'")
        assert tables.fetchone()[0] == version - newest
        connection.close()
        monkeypatch.setattr(connect, "MIGRATIONS", scripts)
        again = connect.open_writer(copy)
        assert again.execute("PRAGMA user_version").fetchone()[0] == newest + 1
        assert again.execute("SELECT count(*) FROM numbers").fetchone()[0] == 2000
        assert meta.get(again, "before") == "kept"
        again.close()
        if done.returncode == 0:
            break
    assert killed >= 3


async def _with_a_value(path: Path) -> None:
    database = Database(path)
    await database.open()
    await database.write(lambda c: meta.set_value(c, "before", "kept"))
    await database.close()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_written_is_said_and_left_as_it_is(what: str) -> None:
    """As a user without root's rights, who would not notice. Not in pytest's own folder: its
    parents are closed to others."""
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    try:
        path = folder / "sereno.db"
        asyncio.run(_with_a_value(path))
        before = path.read_bytes()
        for entry in (folder, path):
            if os.geteuid() == 0:
                os.chown(entry, NOBODY, NOBODY)
        path.chmod(0o400 if what == "file" else 0o600)
        folder.chmod(0o500 if what == "folder" else 0o700)
        code, words = _opened_as_somebody(path)
        assert code in ("cannot_open", "read_only")
        assert str(path) in words
        assert "ls -l" in words or "may write" in words
        folder.chmod(0o700)
        assert path.read_bytes() == before
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


def _opened_as_somebody(path: Path) -> tuple[str, str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "opened\nit"
        try:
            if os.geteuid() == 0:
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            connect.open_writer(path)
        except StoreError as error:
            said = f"{error.code}\n{error}"
        except BaseException as error:  # noqa: BLE001 - a fork must end here, and say why
            said = f"broke\n{error!r}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        code, _, words = file.read().decode().partition("\n")
    os.waitpid(child, 0)
    return code, words
