"""What a dead runner leaves: its journal is read, its processes are ended, strangers are not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sereno.core.runners.attach import attach
from sereno.core.runners.dead import read_journal, remove, sweep
from sereno.core.runners.folder import read_record
from sereno.core.runners.inside import processes
from sereno.core.runners.model import RunnerError, RunnerGone, RunnerInfo, Stream
from sereno.core.runners.process import tree
from sereno.core.runners.process.wire import frame
from tests.core.runners import trees
from tests.core.runners.place import (
    Place,
    Reader,
    lives,
    pids_in,
    python,
    shell,
    until,
    with_marker,
)


async def kill_runner(info: RunnerInfo) -> None:
    os.kill(info.runner_pid, signal.SIGKILL)
    await until(lambda: not lives(info.runner_pid), "the runner is dead")


async def test_a_silent_child_of_a_killed_runner_is_ended_by_a_sweep(place: Place) -> None:
    reader = await place.run(*python(trees.SCATTERED))
    await until(lambda: len(pids_in(reader.said())) == trees.SCATTERED_COUNT, "all have started")
    info, pids = reader.link.info, pids_in(reader.said())
    await kill_runner(info)
    assert await reader.finished() == "gone"
    assert sum(map(lives, pids)) == len(pids)
    assert processes(info.folder) == ()
    # One of them dropped its environment and its parent: without a runner nobody can know it.
    lost = [pid for pid in pids if lives(pid) and pid not in with_marker(info.run)]
    assert len(lost) == 1
    try:
        assert (await sweep(info.folder)).verified
        assert [pid for pid in pids if lives(pid)] == lost
    finally:
        os.kill(lost[0], signal.SIGKILL)
    assert (await sweep(info.folder)).verified
    frames = await read_journal(info.folder, 0)
    assert frames == reader.frames


async def test_a_sweep_ends_a_child_that_dropped_the_marker_itself(place: Place) -> None:
    reader = await place.run("/usr/bin/env", "-i", "/bin/sleep", "1000")
    info = reader.link.info
    assert info.child_pid is not None
    await until(lambda: not with_marker(info.run) - {info.runner_pid}, "the marker is gone")
    await kill_runner(info)
    assert lives(info.child_pid)
    assert (await sweep(info.folder)).verified
    assert not lives(info.child_pid)


async def test_a_sweep_ends_what_forks_for_ever(place: Place) -> None:
    reader = await place.run(*python(trees.BESIDE_CHAIN))
    await until(lambda: pids_in(reader.said()), "it runs")
    await kill_runner(reader.link.info)
    assert (await sweep(reader.link.info.folder)).verified
    assert with_marker(reader.link.info.run) == set()


async def test_t83_a_reused_pid_is_never_signalled(place: Place) -> None:
    """The record names a stranger's pid, with the start time of the process that had it before."""
    info = await place.start("cat")
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        await kill_runner(info)
        path = info.folder / "runner.json"
        record = json.loads(path.read_text())
        boot, ticks = record["child"]["start"].split(":")
        for start in (f"{boot}:{int(ticks) - 1}", f"another-boot:{ticks}", ""):
            for who in ("child", "runner"):
                record[who] = {"pid": stranger.pid, "start": start}
            path.write_text(json.dumps(record))
            assert (await sweep(info.folder, runner_too=True)).verified
            assert processes(info.folder) == ()
            with pytest.raises(RunnerGone):
                await attach(info.folder, 0)
        seen = tree.look(stranger.pid)
        assert seen is not None
        assert not tree.send(tree.Process(seen.pid, 0, 0, "before", ""), signal.SIGKILL)
        time.sleep(0.05)  # a signal that was sent would have arrived
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_t83_an_own_process_with_the_right_start_is_signalled(place: Place) -> None:
    """The test above can fail: with the true start time the same record ends the process."""
    info = await place.start("cat")
    stranger = subprocess.Popen(["sleep", "1000"])
    await kill_runner(info)
    seen = tree.look(stranger.pid)
    assert seen is not None
    path = info.folder / "runner.json"
    record = json.loads(path.read_text())
    record["child"] = {"pid": stranger.pid, "start": seen.start}
    path.write_text(json.dumps(record))
    assert (await sweep(info.folder)).verified
    assert stranger.wait() == -signal.SIGKILL


async def test_a_living_runner_is_not_swept(place: Place) -> None:
    info = await place.start("cat")
    with pytest.raises(RunnerError) as caught:
        await sweep(info.folder)
    assert caught.value.code == "alive"
    assert lives(info.runner_pid)
    assert (await sweep(info.folder, runner_too=True)).verified
    assert not lives(info.runner_pid)


async def test_an_end_after_the_runners_death_sweeps(place: Place) -> None:
    reader = await place.run(*shell("exec sleep 1000"))
    info = reader.link.info
    await kill_runner(info)
    assert info.child_pid is not None
    assert lives(info.child_pid)
    assert (await reader.link.end()).verified
    assert not lives(info.child_pid)


async def test_a_journal_of_many_segments_is_read_from_any_frame(place: Place) -> None:
    info = await place.start(*shell("yes '0123456789' | head -c 3000000; cat"), limit=1 << 23)
    reader = await place.attach(info)
    await until(lambda: len(reader.said()) == 3_000_000, "all was said")
    await kill_runner(info)
    assert len(list(info.folder.glob("journal.*"))) == 3
    assert await read_journal(info.folder, 0) == reader.frames
    for index in range(0, len(reader.frames), 7):
        offset = reader.frames[index].end
        assert await read_journal(info.folder, offset) == reader.frames[index + 1 :]
    assert await read_journal(info.folder, reader.frames[-1].end) == []


@pytest.mark.parametrize("tail", [b"\x01", frame(1, b"torn")[:-1], bytes(40), b"\xff" * 40])
async def test_a_torn_tail_is_cut(place: Place, tail: bytes) -> None:
    reader = await place.run(*shell("echo one; echo two; exec sleep 1000"))
    await reader.until_said(b"two\n")
    info = reader.link.info
    await kill_runner(info)
    with (info.folder / "journal.00000000000000000000").open("ab") as file:
        file.write(tail)
    assert await read_journal(info.folder, 0) == reader.frames


async def test_what_lies_behind_a_hole_is_not_given_out(place: Place) -> None:
    info = await place.start(*shell("yes | head -c 3000000; cat"), limit=1 << 23)
    reader = await place.attach(info)
    await until(lambda: len(reader.said()) == 3_000_000, "all was said")
    await kill_runner(info)
    middle = sorted(info.folder.glob("journal.*"))[1]
    os.truncate(middle, middle.stat().st_size - 5)
    frames = await read_journal(info.folder, 0)
    assert frames == reader.frames[: len(frames)]
    assert frames[-1].end < int(sorted(info.folder.glob("journal.*"))[2].suffix[1:])


async def test_a_kind_of_a_later_release_is_passed_on_as_a_note(place: Place) -> None:
    reader = await place.run("cat")
    info = reader.link.info
    await until(lambda: reader.frames, "the start")
    await kill_runner(info)
    with (info.folder / "journal.00000000000000000000").open("ab") as file:
        file.write(frame(99, b"?") + frame(Stream.OUT, b"after\n"))
    frames = await read_journal(info.folder, 0)
    assert [one.data for one in frames[1:]] == [b"unknown_kind:99", b"after\n"]
    assert frames[-1].end == (info.folder / "journal.00000000000000000000").stat().st_size


async def test_files_go_only_when_nothing_runs(place: Place) -> None:
    reader = await place.run("cat")
    info = reader.link.info
    with pytest.raises(RunnerError, match="still runs"):
        remove(info.folder)
    assert read_record(info.folder) is not None
    await reader.link.end()
    await reader.until_exit()
    assert lives(info.runner_pid)  # its last frames are not acknowledged
    remove(info.folder)
    assert not info.folder.exists()
    assert await reader.finished() == "gone"
    await until(lambda: not lives(info.runner_pid), "the runner went")
    remove(info.folder)


async def test_a_damaged_record_is_told_and_signals_nobody(place: Place) -> None:
    info = await place.start("cat")
    path = info.folder / "runner.json"
    good = path.read_text()
    for bad in ("", "{}", "[]", '{"runner": 1}', good[:50], good.replace('"pid"', '"bid"')):
        path.write_text(bad)
        with pytest.raises(RunnerError) as caught:
            await sweep(info.folder, runner_too=True)
        assert caught.value.code == "damaged"
        assert caught.value.next_step
    path.write_text(good)
    assert lives(info.runner_pid)


async def test_nothing_to_read_or_sweep_where_no_runner_was(tmp_path: Path) -> None:
    assert await read_journal(tmp_path / "none", 0) == []
    assert (await sweep(tmp_path / "none")).verified
    assert processes(tmp_path / "none") == ()
    remove(tmp_path / "none")


async def test_a_daemon_that_is_killed_in_the_start_leaves_a_runner_that_is_found(
    place: Place, tmp_path: Path
) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from sereno.core.runners import start
from sereno.core.runners.model import RunnerSpec
start.decode_report = lambda report: __import__("os").kill(__import__("os").getpid(), 9)
folder = Path({str(tmp_path / "agent" / "1")!r})
asyncio.run(start.start_runner(RunnerSpec("a", folder, ("/bin/cat",), Path("/"), {{}})))
"""
    daemon = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
    assert daemon.returncode == -signal.SIGKILL
    folder = tmp_path / "agent" / "1"
    place.folders.append(folder)
    link = await attach(folder, 0)
    place.links.append(link)
    reader = Reader(link)
    place.readers.append(reader)
    await link.write(1, b"alive\n")
    await reader.until_said(b"alive\n")
