"""A journal that is full, or a disk that is, holds the agent back and loses nothing."""

from __future__ import annotations

import asyncio
import resource
import time
from pathlib import Path

from sereno.core.runners.model import RunnerInfo, Stream
from tests.core.runners.place import Place, Reader, lives, python, shell, until

LIMIT = 256 * 1024
NUMBERS = "i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); done; {then}"
COUNT = """
import sys
for n in range(20_000):
    sys.stdout.write(f"line {n} " + "x" * 60 + "\\n")
    sys.stdout.flush()
open("done", "w").close()
sys.stdin.read()
"""


def lines(reader: Reader) -> list[int]:
    return [int(line.split()[1]) for line in reader.said().splitlines()]


def used(info: RunnerInfo) -> int:
    return sum(path.stat().st_size for path in info.folder.glob("journal.*"))


async def settled(info: RunnerInfo) -> int:
    """Waits until the journal no longer grows; its size."""
    size, since = used(info), time.monotonic()
    while time.monotonic() - since < 0.3:
        await asyncio.sleep(0.02)
        if used(info) != size:
            size, since = used(info), time.monotonic()
    return size


async def test_t86_a_full_journal_holds_the_agent_and_loses_nothing(place: Place) -> None:
    info = await place.start(*python(COUNT), limit=LIMIT)
    assert LIMIT <= await settled(info) < LIMIT + 70_000
    assert not (place.cwd / "done").exists()
    reader = await place.attach(info)
    assert reader.link.stalled == "journal_full"
    await until(lambda: "journal_full" in reader.notes(), "the person is told")
    held = len(lines(reader))
    assert held < 20_000
    # Now the daemon takes what it gets: the agent goes on, in order, and the journal stays small.
    taker = await place.attach(info, acknowledge=True)
    await until(lambda: (place.cwd / "done").exists(), "the agent has said all")
    await until(lambda: len(lines(taker)) == 20_000, "all came")
    assert lines(taker) == list(range(20_000))
    assert taker.link.stalled == ""
    assert taker.notes()[-1] == "journal_resumed"
    assert used(info) < LIMIT


async def test_an_agent_behind_a_full_journal_can_be_written_to_and_ended(place: Place) -> None:
    code = "import sys, threading\n"
    code += "threading.Thread(target=lambda: [open('heard', 'w').write(l) for l in sys.stdin],"
    code += " daemon=True).start()\nwhile True: print('x' * 1000)"
    info = await place.start(*python(code), limit=LIMIT)
    await settled(info)
    reader = await place.attach(info)
    await reader.link.write(1, b"hello\n")
    await until((place.cwd / "heard").exists, "the agent heard it")
    await until(lambda: reader.written() == [1], "the write is confirmed")
    assert (await reader.link.end(0.2)).verified
    assert info.child_pid is not None
    assert not lives(info.child_pid)
    assert reader.exit() is None  # what is in the pipe comes first, and there is no room
    await reader.link.acknowledge(reader.frames[-1].end)
    await reader.until_exit()


async def test_the_runner_stays_small_however_much_it_keeps(place: Place) -> None:
    info = await place.start(*shell("yes | head -c 30000000; touch done; cat"))
    await until((place.cwd / "done").exists, "all is in the journal")
    assert used(info) > 29_000_000
    reader = await place.attach(info, acknowledge=True)
    await until(lambda: len(reader.said()) == 30_000_000, "all came")
    status = Path(f"/proc/{info.runner_pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 12 * 1024


def limit_files(info: RunnerInfo, size: int) -> None:
    """The runner's files may not grow beyond `size`: what a full disk is to it."""
    resource.prlimit(info.runner_pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def test_a_full_disk_holds_the_agent_until_there_is_room(place: Place) -> None:
    info = await place.start(*shell(f"read go; {NUMBERS.format(count=3000, then='cat')}"))
    reader = await place.attach(info)
    limit_files(info, 5000)
    await reader.link.write(1, b"go\n")
    await until(lambda: reader.link.stalled == "disk_full", "the daemon is told")
    assert used(info) <= 5000
    await asyncio.sleep(1.2)  # it tries again meanwhile
    assert reader.link.stalled == "disk_full"
    assert lives(info.runner_pid)
    limit_files(info, resource.RLIM_INFINITY)
    await until(lambda: len(lines(reader)) == 3000, "all came")
    assert lines(reader) == list(range(3000))
    assert reader.notes() == ["disk_full", "journal_resumed"]
    assert reader.written() == [1]
    assert [one.stream for one in reader.frames].index(Stream.WROTE) < 3
    assert reader.link.stalled == ""


async def test_writes_wait_while_the_disk_is_full(place: Place) -> None:
    """A write that cannot be recorded would be sent again after a restart."""
    info = await place.start(*python("import sys\nfor l in sys.stdin: open(l.strip(), 'w')"))
    reader = await place.attach(info)
    await reader.link.write(1, b"first\n")
    await until(lambda: reader.written() == [1], "the first is written")
    limit_files(info, used(info))
    await reader.link.write(2, b"second\n")
    await until(lambda: reader.link.stalled == "disk_full", "the daemon is told")
    await reader.link.write(3, b"third\n")
    await asyncio.sleep(0.2)
    assert not (place.cwd / "third").exists()
    limit_files(info, resource.RLIM_INFINITY)
    await until((place.cwd / "third").exists, "the third is written")
    await until(lambda: reader.written() == [1, 2, 3], "all are confirmed")
    assert (place.cwd / "second").exists()
