"""`kill -9` at random moments: of the daemon, of the runner. Everything exactly once, in order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sereno.core.runners.attach import attach
from sereno.core.runners.dead import read_journal, sweep
from sereno.core.runners.folder import dies_soon
from sereno.core.runners.model import Frame, RunnerGone, RunnerInfo, Stream
from tests.core.runners.consumer import open_database
from tests.core.runners.place import Place, python, until, with_marker

TALKER = """
import os, sys, threading, time
count, pause = int(sys.argv[1]), float(sys.argv[2])
lock = threading.Lock()
log = open("asked", "w", buffering=1)
def say(text):
    with lock:
        sys.stdout.write(text)
        sys.stdout.flush()
def listen():
    for line in sys.stdin:
        log.write(line)
        say("got " + line)
    log.close()
listener = threading.Thread(target=listen)
listener.start()
n = 0
while n < count and not os.path.exists("stop"):
    say(f"line {n}\\n" if n % 50 else f"line {n} " + "x" * 5000 + "\\n")
    if pause and not n % 10: time.sleep(pause)
    n += 1
say(f"done {n}\\n")
listener.join()
"""
SEED = random.randrange(10**6)


def consume(info: RunnerInfo, database: Path, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.core.runners.consumer"]
    root = Path(__file__).parents[3]
    arguments = [str(info.folder), str(database), str(count)]
    return subprocess.Popen([*command, *arguments], cwd=root, stdout=subprocess.PIPE)


async def test_twenty_kills_of_the_daemon_lose_and_double_nothing(
    place: Place, tmp_path: Path
) -> None:
    asks = 600
    info = await place.start(*python(TALKER), "10000000", "0.001", limit=1 << 20)
    path = tmp_path / "events.db"
    database = open_database(path)
    chance = random.Random(SEED)
    for _ in range(20):
        consumer = consume(info, path, asks)
        assert consumer.stdout is not None
        assert await asyncio.to_thread(consumer.stdout.readline) == b"attached\n"
        await asyncio.sleep(chance.uniform(0, 0.12))
        consumer.kill()
        consumer.communicate()
    (place.cwd / "stop").touch()
    last = consume(info, path, asks)
    try:
        query = "SELECT count(*) FROM lines WHERE substr(text, 1, 5) != CAST('line ' AS BLOB)"
        await until(lambda: database.execute(query).fetchone()[0] > asks, "all is committed")
    finally:
        last.kill()
        last.communicate()
    rows = [bytes(row[0]) for row in database.execute("SELECT text FROM lines ORDER BY rowid")]
    said = [int(row.split()[1]) for row in rows if row.startswith(b"line ")]
    (done,) = [int(row.split()[1]) for row in rows if row.startswith(b"done ")]
    assert said == list(range(done)), f"seed {SEED}"
    assert done > 5000
    got = [int(row.split()[2]) for row in rows if row.startswith(b"got ")]
    assert got == list(range(1, asks + 1)), f"seed {SEED}"
    asked = (place.cwd / "asked").read_text().splitlines()
    assert asked == [f"ask {number}" for number in range(1, asks + 1)], f"seed {SEED}"
    assert database.execute("SELECT count(*) FROM intents").fetchone() == (0,)
    database.close()


async def test_kills_of_the_runner_keep_all_that_it_gave_out(place: Place) -> None:
    chance = random.Random(SEED)
    for _ in range(8):
        info = await place.start(*python(TALKER), "1000000", "0", limit=1 << 23)
        reader = await place.attach(info)
        await asyncio.sleep(chance.uniform(0, 0.1))
        os.kill(info.runner_pid, signal.SIGKILL)
        await reader.finished()
        assert await dies_soon(info.runner)
        assert (await sweep(info.folder)).verified
        assert with_marker(info.run) == set()
        left = await read_journal(info.folder, 0)
        assert left[: len(reader.frames)] == reader.frames, f"seed {SEED}"
        said = b"".join(one.data for one in left if one.stream is Stream.OUT)
        numbers = [int(line.split()[1]) for line in said.splitlines()]
        assert numbers == list(range(len(numbers))), f"seed {SEED}"
        assert said.endswith(b"\n") or not said
        with pytest.raises(RunnerGone):
            await attach(info.folder, 0)


def is_last(frames: list[Frame]) -> bool:
    return bool(frames) and frames[-1].stream is Stream.OUT and b"\ndone " in frames[-1].data


async def test_many_daemons_in_a_row_share_one_stream_without_a_gap(place: Place) -> None:
    """Each takes over from the one before, in the middle of frames, without any pause."""
    lines = 60_000
    info = await place.start(*python(TALKER), str(lines), "0", limit=1 << 20)
    frames: list[Frame] = []
    deadline = time.monotonic() + 30
    takeovers = 0
    while not is_last(frames):
        assert time.monotonic() < deadline
        offset = frames[-1].end if frames else 0
        link = await attach(info.folder, offset)
        place.links.append(link)
        takeovers += 1
        async for batch in link.frames():
            frames += batch
            await link.acknowledge(frames[-1].end)
            if takeovers < 200:
                break
            if is_last(frames):
                break
    said = b"".join(one.data for one in frames if one.stream is Stream.OUT)
    numbers = [int(line.split()[1]) for line in said.splitlines()[:-1]]
    assert numbers == list(range(lines))
    assert takeovers > 5
