"""Each write reaches the agent once, whole and in order, through daemons that come and go."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from sereno.core.runners.model import RunnerError
from sereno.core.runners.process.wire import WRITE_WINDOW
from tests.core.runners.place import Place, python, shell, until


async def test_ids_that_were_written_are_not_written_again(place: Place) -> None:
    info = await place.start("cat")
    first = await place.attach(info)
    await first.link.write(1, b"one\n")
    await first.link.write(2, b"two\n")
    await first.link.write(1, b"ONE\n")
    await first.until_said(b"two\n")
    await first.link.aclose()
    second = await place.attach(info)
    await second.link.write(1, b"one\n")
    await second.link.write(2, b"two\n")
    await second.link.write(3, b"three\n")
    await second.until_said(b"three\n")
    assert second.said() == b"one\ntwo\nthree\n"
    assert second.written() == [1, 2, 3]


async def test_an_agent_that_does_not_read_blocks_nobody(place: Place) -> None:
    reader = await place.run(*shell("echo started; read line; echo $line; exec sleep 1000"))
    await reader.until_said(b"started\n")
    fit = 129  # one window under way, 128 MiB waiting
    for write_id in range(1, fit + 1):
        await reader.link.write(write_id, b"z" * WRITE_WINDOW)
    with pytest.raises(RunnerError, match="does not read") as caught:
        await reader.link.write(fit + 1, b"z" * WRITE_WINDOW)
    assert caught.value.code == "not_reading"
    rss = Path(f"/proc/{reader.link.info.runner_pid}/statm").read_text().split()[1]
    assert int(rss) * os.sysconf("SC_PAGE_SIZE") < 20 << 20
    assert (await reader.link.end(0.2)).verified


async def test_long_writes_go_through_whole_and_in_order(place: Place) -> None:
    code = "import sys, hashlib\nwhile n := sys.stdin.readline():\n"
    code += "    print(len(n), hashlib.sha256(n.encode()).hexdigest())\n"
    reader = await place.run(*python(code))
    sizes = [5, 3 << 20, 1, 700_000, 700_000, 10 << 20, 0, 9]
    expected = b""
    for write_id, size in enumerate(sizes):
        line = bytes([97 + write_id]) * size + b"\n"
        expected += b"%d %s\n" % (len(line), hashlib.sha256(line).hexdigest().encode())
        await reader.link.write(write_id, line)
    await until(lambda: len(reader.written()) == len(sizes), "all is written")
    await reader.until_said(expected.splitlines()[-1])
    assert reader.said() == expected
    with pytest.raises(RunnerError) as caught:
        await reader.link.write(99, bytes(65 << 20))
    assert caught.value.code == "too_long"


async def test_a_write_that_was_half_read_is_finished_for_the_next_daemon(place: Place) -> None:
    code = "import sys, time\nsys.stdin.buffer.read(100)\nprint('half')\n"
    code += "open('go').read()\nprint(len(sys.stdin.buffer.read()) + 100)"
    os.mkfifo(place.cwd / "go")
    info = await place.start(*python(code))
    first = await place.attach(info)
    await first.link.write(1, bytes(900_000))
    await first.link.write(2, bytes(900_000))
    await first.until_said(b"half\n")
    await first.link.aclose()
    second = await place.attach(info)
    await second.link.write(1, bytes(900_000))
    await second.link.write(2, bytes(900_000))
    (place.cwd / "go").write_text("")
    await until(lambda: second.written() == [1, 2], "both are written")
    end = asyncio.create_task(second.link.end(10))
    await second.until_said(b"1800000\n")
    assert (await end).verified


async def test_an_agent_that_closes_its_stdin(place: Place) -> None:
    reader = await place.run(*shell("exec 0<&-; echo closed; exec sleep 1000"))
    await reader.until_said(b"closed\n")
    await reader.link.write(1, b"one\n")
    await until(lambda: "write_lost:1" in reader.notes(), "the loss is told")
    await reader.link.write(2, b"two\n")
    await until(lambda: "write_lost:2" in reader.notes(), "the loss is told")
    assert reader.notes() == ["stdin_closed", "write_lost:1", "write_lost:2"]
    assert reader.written() == []
