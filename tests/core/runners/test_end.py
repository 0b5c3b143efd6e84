"""The end of an agent is the end of every process that it started, in stages, and verified."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from sereno.core.runners import link as link_module
from sereno.core.runners import start as start_module
from sereno.core.runners.inside import processes
from sereno.core.runners.model import Stream
from sereno.core.runners.process import tree
from tests.core.runners import trees
from tests.core.runners.place import (
    Place,
    Reader,
    command_of,
    lives,
    pids_in,
    python,
    shell,
    until,
    with_marker,
)


@pytest.fixture(params=["subreaper", "portable"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a runner knows its processes: as on Linux, and as where there is only `ps` (macOS)."""
    if request.param == "portable":
        options = ("-X", "portable", *start_module.OPTIONS)
        monkeypatch.setattr(start_module, "OPTIONS", options)
        monkeypatch.setattr(tree, "LINUX", False)
    return str(request.param)


async def scattered(place: Place, code: str = trees.SCATTERED) -> tuple[Reader, list[int]]:
    reader = await place.run(*python(code))
    await until(lambda: len(pids_in(reader.said())) == trees.SCATTERED_COUNT, "all have started")
    return reader, pids_in(reader.said())


async def test_t65_every_descendant_is_gone_after_the_end(place: Place) -> None:
    reader, pids = await scattered(place)
    await until(lambda: "sleep" in "".join(map(command_of, pids)), "one has thrown off its marker")
    started = time.monotonic()
    result = await reader.link.end(0.4)
    assert result.verified
    assert 0.4 <= time.monotonic() - started < 5
    assert [pid for pid in pids if lives(pid)] == []
    assert with_marker(reader.link.info.run) <= {reader.link.info.runner_pid}
    assert await reader.until_exit() == '{"code":null,"signal":9}'


async def test_portable_end_finds_what_ps_can_tell(
    place: Place, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double fork that dropped its environment and its pipes is the one that `ps` misses."""
    code = trees.SCATTERED.replace('["sleep", "1000"], {}', '["sleep", "1000"], os.environ')
    reader, pids = await scattered(place, code)
    assert (await reader.link.end(0.4)).verified
    assert [pid for pid in pids if lives(pid)] == []
    assert await reader.until_exit() == '{"code":null,"signal":9}'


async def test_no_grace_kills_at_once(place: Place) -> None:
    reader, pids = await scattered(place)
    started = time.monotonic()
    assert (await reader.link.end(0)).verified
    assert time.monotonic() - started < 2
    assert [pid for pid in pids if lives(pid)] == []


@pytest.mark.parametrize("code", [trees.CHAIN, trees.BESIDE_CHAIN, trees.BUSH])
async def test_processes_that_fork_for_ever_are_ended(place: Place, code: str) -> None:
    reader = await place.run(*python(code))
    await until(lambda: pids_in(reader.said()), "the agent runs")
    await asyncio.sleep(0)
    result = await reader.link.end(0.2)
    assert result.verified
    assert with_marker(reader.link.info.run) <= {reader.link.info.runner_pid}
    await reader.until_exit()


async def test_an_agent_that_ends_with_its_input_gets_no_signal(place: Place, way: str) -> None:
    code = "import signal, sys\nsignal.signal(15, lambda *_: print('TERM'))\n"
    code += "print('ready')\nsys.stdin.read()\nprint('goodbye')\nsys.exit(5)"
    reader = await place.run(*python(code))
    await reader.until_said(b"ready\n")
    assert (await reader.link.end()).verified
    assert await reader.until_exit() == '{"code":5,"signal":null}'
    assert reader.said() == b"ready\ngoodbye\n"


async def test_term_comes_before_kill_and_its_last_words_are_kept(place: Place) -> None:
    code = "import signal, sys, time\n"
    code += "signal.signal(15, lambda *_: (print('last words'), sys.exit(6)))\n"
    code += "print('ready')\nwhile True: time.sleep(1000)"
    reader = await place.run(*python(code))
    await reader.until_said(b"ready\n")
    assert (await reader.link.end(1.0)).verified
    assert await reader.until_exit() == '{"code":6,"signal":null}'
    assert reader.said() == b"ready\nlast words\n"


async def test_what_outlives_the_agent_is_ended_too(place: Place) -> None:
    reader, pids = await scattered(place, trees.LEAVES_OTHERS)
    assert await reader.until_exit() == '{"code":4,"signal":null}'
    assert [pid for pid in pids if lives(pid)] == []


async def test_leftovers_may_say_goodbye(place: Place, way: str) -> None:
    code = "trap 'echo child goodbye; exit' TERM; echo child; while :; do sleep 0.01; done"
    reader = await place.run(*shell(f'sh -c "{code}" & sleep 0.3; exit 0'))
    assert await reader.until_exit() == '{"code":0,"signal":null}'
    assert reader.said() == b"child\nchild goodbye\n"


async def test_two_who_end_at_once_both_hear_of_it(place: Place) -> None:
    reader = await place.run(*python("import time\ntime.sleep(1000)"))
    results = await asyncio.gather(*[reader.link.end(0.2) for _ in range(3)])
    assert all(result.verified for result in results)
    assert (await reader.link.end()).verified


async def test_a_second_end_with_less_grace_hastens_the_first(place: Place) -> None:
    reader, _ = await scattered(place)
    started = time.monotonic()
    first = asyncio.create_task(reader.link.end(30))
    await asyncio.sleep(0)
    assert (await reader.link.end(0.2)).verified
    assert (await first).verified
    assert time.monotonic() - started < 10


async def test_an_end_goes_on_without_the_daemon_that_asked(place: Place) -> None:
    reader, pids = await scattered(place)
    asked = asyncio.create_task(reader.link.end(0.5))
    await until(lambda: "end_asked" in reader.notes(), "the runner knows")
    asked.cancel()
    await reader.link.aclose()
    await until(lambda: not any(map(lives, pids)), "all are gone")
    again = await place.attach(reader.link.info, reader.frames[-1].end)
    assert await again.until_exit() == '{"code":null,"signal":9}'


async def test_writes_on_their_way_are_lost_aloud(place: Place) -> None:
    reader = await place.run(*shell("sleep 1000"))
    await reader.link.write(1, bytes(500_000))
    await reader.link.write(2, b"next\n")
    assert (await reader.link.end(0.2)).verified
    assert reader.notes() == ["end_asked", "write_lost:1", "write_lost:2"]
    assert reader.written() == []


async def test_the_runner_stays_until_its_last_word_is_acknowledged(place: Place) -> None:
    reader = await place.run(*shell("echo one"))
    await reader.until_exit()
    info = reader.link.info
    await reader.link.aclose()
    again = await place.attach(info)
    assert again.link.closed_because == ""
    await again.until_exit()
    await again.link.acknowledge(again.frames[-2].end)
    await again.link.acknowledge(again.frames[-1].end)
    assert await again.finished() == "gone"
    await until(lambda: not lives(info.runner_pid), "the runner is gone")
    assert not (info.folder / "runner.sock").exists()


async def test_the_runner_goes_when_told_to(place: Place) -> None:
    reader = await place.run(*shell("read line"))
    await reader.link.leave()
    await reader.link.write(1, b"go\n")
    assert await reader.finished() == "gone"
    assert reader.exit() == '{"code":0,"signal":null}'


async def test_term_for_the_runner_ends_the_agent_and_keeps_its_words(place: Place) -> None:
    reader, pids = await scattered(place)
    os.kill(reader.link.info.runner_pid, signal.SIGTERM)
    for harmless in (signal.SIGHUP, signal.SIGINT):
        os.kill(reader.link.info.runner_pid, harmless)
    assert await reader.finished() == "gone"
    assert reader.exit() == '{"code":null,"signal":9}'
    assert [pid for pid in pids if lives(pid)] == []


async def test_a_runner_that_does_not_answer_is_swept_away(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "END_SLACK", 0.2)
    reader, pids = await scattered(place)
    info = reader.link.info
    os.kill(info.runner_pid, signal.SIGSTOP)
    assert (await reader.link.end(0.1)).verified
    assert [pid for pid in [*pids, info.runner_pid] if lives(pid)] == []


@pytest.mark.parametrize(("command", "said"), [("sleep 1000", 0), ("yes", 1 << 16)])
async def test_a_folder_that_was_deleted_ends_a_runner_that_nobody_can_reach(
    place: Place, command: str, said: int
) -> None:
    """Also one whose journal is full: it takes no exit any more."""
    info = await place.start(*shell(command), limit=1 << 16)
    journal = info.folder.glob
    await until(
        lambda: sum(one.stat().st_size for one in journal("journal.*")) >= said, "it said so much"
    )
    for path in info.folder.iterdir():
        path.unlink()
    info.folder.rmdir()
    place.folders.clear()

    def woken_and_gone() -> bool:
        """An idle runner looks every 30 seconds; one that is woken looks sooner."""
        if lives(info.runner_pid):
            os.kill(info.runner_pid, signal.SIGCHLD)
        return not with_marker(info.run)

    try:
        await until(woken_and_gone, "runner and agent are gone")
    finally:
        for pid in with_marker(info.run):
            os.kill(pid, signal.SIGKILL)


async def test_processes_shows_the_whole_tree(place: Place) -> None:
    reader, pids = await scattered(place)
    shown = processes(reader.link.info.folder)
    assert [row.pid for row in shown][:1] == [reader.link.info.runner_pid]
    assert {row.pid for row in shown[1:]} == set(pids)
    assert all(row.rss_kib > 100 and row.command for row in shown)
    assert "runners/process" in shown[0].command
    await reader.link.end(0)
    assert {row.pid for row in processes(reader.link.info.folder)} == {shown[0].pid}


async def test_exit_is_the_last_frame_after_all_that_was_said(place: Place) -> None:
    reader = await place.run(*shell("yes | head -c 3000000; kill -9 $$"), acknowledge=True)
    assert await reader.until_exit() == '{"code":null,"signal":9}'
    assert len(reader.said()) == 3_000_000
    assert [one.stream for one in reader.frames[-2:]] == [Stream.OUT, Stream.EXIT]
