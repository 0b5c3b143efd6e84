"""Pairings in the database: rows and back, what ends with what, and keys that are used once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from sereno.core.store import meta
from sereno.core.store import pairings as store
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError
from sereno.core.store.pairings import DeviceRow, PairingRow, QuestionRow
from sereno.core.store.writer import Job, run_group

A, B = b"\1" * 16, b"\2" * 16


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "sereno.db")
    await database.open()
    yield database
    await database.close()


def row(server_id: str = "srv_1", state: str = "open", **fields: object) -> PairingRow:
    values: dict[str, object] = {
        "server_id": server_id,
        "id": f"off_{server_id}",
        "kind": "app",
        "state": state,
        "made_ms": 1,
        "until_ms": 2,
        "name": "Phone",
        "rights": "operator",
        "confirm": True,
        "client": None,
        "ended": "closed" if state == "ended" else None,
        "ended_ms": 3 if state == "ended" else None,
    }
    return PairingRow(**(values | fields))  # type: ignore[arg-type]


def question(server_id: str = "srv_1", question_id: str = "ask_1") -> QuestionRow:
    return QuestionRow(question_id, server_id, A, "mobile", None, "one two", 1, 2)


def device(server_id: str = "srv_1", device_id: str = "dev_1") -> DeviceRow:
    return DeviceRow(device_id, server_id, A, "Phone", "viewer", False, 5)


async def fill(database: Database) -> None:
    def work(connection: sqlite3.Connection) -> None:
        for server_id in ("srv_1", "srv_2"):
            store.put(connection, row(server_id))
            store.put_question(connection, question(server_id, f"ask_{server_id}"))
            store.put_device(connection, device(server_id, f"dev_{server_id}"))
            assert store.claim(connection, server_id, A)

    await database.write(work)


async def test_rows_come_back_as_they_went(database: Database) -> None:
    paired = row(state="paired", client=A, confirm=False, rights="viewer")
    seen = DeviceRow("dev_1", "srv_1", A, "Phone", "operator", True, 5, 6, "relay")

    def work(connection: sqlite3.Connection) -> None:
        store.put(connection, row())
        store.put(connection, paired)
        store.put_question(connection, question())
        store.put_device(connection, device())
        store.put_device(connection, seen)

    await database.write(work)
    assert await database.read(store.pairings) == [paired]
    assert await database.read(store.questions) == [question()]
    assert await database.read(store.devices) == [seen]
    (found,) = await database.read(store.devices)
    assert found.blocked is True
    await database.write(lambda c: store.seen(c, "dev_1", 9, "direct"))
    (found,) = await database.read(store.devices)
    assert (found.seen_ms, found.way) == (9, "direct")


async def used(database: Database) -> list[tuple[str, bytes]]:
    query = "SELECT pairing, fingerprint FROM used_client_keys ORDER BY pairing"
    return await database.read(lambda c: c.execute(query).fetchall())


@pytest.mark.parametrize("how", ["end", "forget"])
async def test_what_hangs_on_a_pairing_goes_with_it_and_no_other(
    database: Database, how: str
) -> None:
    await fill(database)
    if how == "end":
        await database.write(lambda c: store.put(c, row(state="ended")))
    else:
        await database.write(lambda c: store.forget(c, "srv_1"))
    kept = [one.server_id for one in await database.read(store.pairings)]
    assert kept == (["srv_1", "srv_2"] if how == "end" else ["srv_2"])
    assert [one.pairing for one in await database.read(store.questions)] == ["srv_2"]
    assert [one.pairing for one in await database.read(store.devices)] == ["srv_2"]
    assert await used(database) == [("srv_2", A)]


async def test_the_database_itself_refuses_what_must_never_happen(database: Database) -> None:
    await database.write(lambda c: store.put(c, row("srv_1", "ended")))
    with pytest.raises(StoreError, match="ended never changes"):
        await database.write(lambda c: store.put(c, row("srv_1", "paired", client=A)))
    await database.write(lambda c: store.put(c, row("srv_2", "paired", client=A)))
    for other in (B, None):
        with pytest.raises(StoreError, match="bound to one client"):
            await database.write(
                lambda c, client=other: store.put(c, row("srv_2", "paired", client=client))  # type: ignore[misc]
            )
    with pytest.raises(StoreError):
        await database.write(lambda c: store.put(c, row("srv_3", "ended", ended=None)))


# Keys that are used once


async def test_t05_a_key_is_new_once_on_each_pairing(database: Database) -> None:
    for one in ("srv_1", "srv_2"):
        await database.write(lambda c, one=one: store.put(c, row(one)))  # type: ignore[misc]

    async def claim(server_id: str, key: bytes) -> bool:
        return await database.write(lambda c: store.claim(c, server_id, key), durable=True)

    assert await claim("srv_1", A)
    assert not await claim("srv_1", A)
    assert await claim("srv_1", B)
    assert await claim("srv_2", A), "another pairing has other keys"
    assert not await claim("srv_2", A)
    assert not await claim("srv_none", A), "a pairing that is gone takes nobody"
    await database.write(lambda c: store.put(c, row("srv_1", "ended")))
    assert not await claim("srv_1", b"\3" * 16), "nor does one that ended"


async def test_t05_of_many_that_show_the_same_key_at_once_one_gets_in(database: Database) -> None:
    await database.write(lambda c: store.put(c, row()))
    got: list[bool] = []

    async def one() -> None:
        got.append(await database.write(lambda c: store.claim(c, "srv_1", A), durable=True))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(one)
    assert got.count(True) == 1


async def test_c24_a_claim_is_committed_with_full_and_others_are_not(database: Database) -> None:
    await database.write(lambda c: store.put(c, row()))
    writer = database._writer
    assert writer is not None
    levels: list[tuple[str, int]] = []

    def look(name: str) -> object:
        def work(connection: sqlite3.Connection) -> None:
            level = connection.execute("PRAGMA synchronous").fetchone()[0]
            levels.append((name, level))

        return work

    await database.write(look("plain"))  # type: ignore[arg-type]
    await database.write(look("claim"), durable=True)  # type: ignore[arg-type]
    await database.write(look("after"))  # type: ignore[arg-type]
    full, normal = 2, 1
    assert levels == [("plain", normal), ("claim", full), ("after", normal)]


async def test_c24_full_holds_until_the_commit_of_a_claim_is_done(tmp_path: Path) -> None:
    """In the order in which SQLite is told, also where the claim shares its commit, and where the
    group is taken apart because another job of it is broken."""
    path = tmp_path / "sereno.db"
    database = Database(path)
    await database.open()
    await database.write(lambda c: store.put(c, row()))
    await database.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    said: list[str] = []
    connection.set_trace_callback(said.append)
    claim = Job(lambda c: store.claim(c, "srv_1", A), "claim", durable=True)
    plain = Job(lambda c: meta.set_value(c, "a", "1"), "plain")
    broken = Job(lambda c: c.execute("INSERT INTO no_such_table VALUES (1)"), "broken")

    outcomes = run_group(connection, [plain, claim], path)
    assert [one.error for one in outcomes] == [None, None]
    assert said[0] == "PRAGMA synchronous = FULL"
    assert said[-2:] == ["COMMIT", "PRAGMA synchronous = NORMAL"]

    said.clear()
    claim = Job(lambda c: store.claim(c, "srv_1", B), "claim", durable=True)
    outcomes = run_group(connection, [plain, broken, claim], path)
    assert [one.error is None for one in outcomes] == [True, False, True]
    level, commits = "", []
    for line in said:
        if line.startswith("PRAGMA synchronous"):
            level = line.rpartition(" ")[2]
        elif "used_client_keys" in line:
            inserted_at = level
        elif line == "COMMIT":
            commits.append(level)
    assert inserted_at == "FULL"
    assert commits[-1] == "FULL"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 1
    connection.close()


CLAIM = """
import asyncio, sys
from pathlib import Path
from sereno.core.store import pairings as store
from sereno.core.store.database import Database

async def main():
    database = Database(Path(sys.argv[1]))
    await database.open()
    new = await database.write(lambda c: store.claim(c, "srv_1", bytes(16)), durable=True)
    print("new" if new else "used", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_t05_a_claim_survives_kill_minus_nine(tmp_path: Path) -> None:
    path = tmp_path / "sereno.db"
    database = Database(path)
    await database.open()
    await database.write(lambda c: store.put(c, row()))
    await database.close()
    with subprocess.Popen(
        [sys.executable, "-P", "-c", CLAIM, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert answer == "new\n"
    await database.open()
    assert not await database.write(lambda c: store.claim(c, "srv_1", bytes(16)), durable=True)
    await database.close()


async def test_a_home_of_the_first_schema_is_taken_along(tmp_path: Path) -> None:
    path = tmp_path / "sereno.db"
    migrations = Path(store.__file__).parent / "migrations"
    connection = sqlite3.connect(path)
    connection.executescript((migrations / "0001_first.sql").read_text())
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO meta VALUES ('server_id', 'srv_old')")
    connection.commit()
    connection.close()
    database = Database(path)
    await database.open()
    assert await database.read(lambda c: meta.get(c, "server_id")) == "srv_old"
    await fill(database)
    assert len(await database.read(store.pairings)) == 2
    await database.close()
