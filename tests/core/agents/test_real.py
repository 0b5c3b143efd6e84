"""Real runner, real programs that misbehave: cause and next step, and nothing lost."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from sereno.core.agents.context import Timings
from sereno.core.config import Config, ProviderConfig
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.values import given
from sereno.core.providers.catalog import Catalog
from tests.core.agents.place import BY, Place, extra, numbers, running

DEMO = (sys.executable, "-P", "-m", "sereno.core.providers.demo", "--pace", "0")


@asynccontextmanager
async def place_with(
    root: Path, command: tuple[str, ...] = DEMO, timings: Timings | None = None
) -> AsyncIterator[Place]:
    """A fleet whose provider `it` runs this command; nothing of it is left behind."""
    provider = ProviderConfig("it", "acp", command=command)
    catalog = Catalog(Config(providers={"it": provider}))
    async with running(root, catalog=catalog, timings=timings) as place:
        try:
            yield place
        finally:
            for view in place.fleet.list():
                await place.fleet.end(view.snapshot.id, by=BY)


def alive(pid: int | None) -> bool:
    """Whether a process still runs; one that is dead and not yet reaped by init does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


async def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    async with place_with(tmp_path, ("no-such-agent-program",)) as place:
        agent = (await place.create("hello", "it")).snapshot.id
        view = (await place.fleet.wait(agent, 10)).view
        assert view.snapshot.status == "error"
        assert "no-such-agent-program" in str(view.snapshot.last_error)
        assert extra(view).next_step
        assert [one.text for one in extra(view).queue] == ["hello"]


async def test_a_program_that_exits_at_once(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('no licence found')")
    async with place_with(tmp_path, command) as place:
        agent = (await place.create("hello", "it")).snapshot.id
        outcome = await place.fleet.wait(agent, 10)
        assert outcome.status == "error"
        assert "no licence found" in str(outcome.error)
        assert [one.text for one in extra(outcome.view).queue] == ["hello"]
        assert (await place.fleet.inspect(agent)).exit == "exit code 1"


async def test_a_program_that_never_answers(tmp_path: Path) -> None:
    code = "import sys, time; print('warming up', file=sys.stderr, flush=True); time.sleep(60)"
    timings = Timings(start=0.6)
    async with place_with(tmp_path, (sys.executable, "-c", code), timings) as place:
        agent = (await place.create("hello", "it")).snapshot.id
        pid = None
        with anyio.fail_after(10):
            while pid is None:
                pid = (await place.fleet.inspect(agent)).agent_pid
                await anyio.sleep(0.01)
        outcome = await place.fleet.wait(agent, 10)
        assert outcome.status == "error"
        assert "within 0.6 s" in str(outcome.error)
        assert "warming up" in str(outcome.error)
        ended = await place.fleet.end(agent, by=BY)
        assert ended.verified
        assert not alive(pid)


async def test_a_program_that_prints_garbage_and_floods_stderr(tmp_path: Path) -> None:
    async with place_with(tmp_path) as place:
        agent = (await place.create("garbage 5", "it")).snapshot.id
        assert (await place.fleet.wait(agent, 10)).status == "idle"
        await place.fleet.prompt(agent, "flood 20000", by=BY)
        assert (await place.fleet.wait(agent, 20)).status == "idle"
        page = await place.fleet.log(agent, limit=2_000)
        assert 0 < len(page.lines) <= 2_000
        assert page.has_older or page.start_cursor >= 1
        assert any("left out" in line.text for line in page.lines)
        await place.fleet.prompt(agent, "half", by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "idle"


async def test_a_program_that_dies_in_a_turn_goes_on_with_the_next_prompt(tmp_path: Path) -> None:
    async with place_with(tmp_path) as place:
        agent = (await place.create("crash 7", "it")).snapshot.id
        outcome = await place.fleet.wait(agent, 10)
        assert outcome.status == "error"
        assert extra(outcome.view).next_step
        assert (await place.fleet.inspect(agent)).exit == "exit code 7"
        await place.fleet.prompt(agent, "cut", by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "error"
        await place.fleet.prompt(agent, "stream 3 events", by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "idle"
        assert "stream 3 events" in await place.texts(agent)


async def test_a_program_that_closes_its_input(tmp_path: Path) -> None:
    async with place_with(tmp_path, timings=Timings(deaf=0.1)) as place:
        agent = (await place.create("deaf", "it")).snapshot.id
        await place.fleet.wait(agent, 10)
        await place.fleet.prompt(agent, "stream 3 events", by=BY)
        outcome = await place.fleet.wait(agent, 10)
        assert outcome.status == "error"
        await place.fleet.prompt(agent, "stream 4 events", by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "idle"
        assert "stream 4 events" in await place.texts(agent)


async def test_a_program_that_does_not_stop_is_ended(tmp_path: Path) -> None:
    async with place_with(tmp_path, timings=Timings(cancel=0.3)) as place:
        agent = (await place.create("hang hard", "it")).snapshot.id
        await place.status(agent, "running")
        pid = (await place.fleet.inspect(agent)).agent_pid
        await place.fleet.interrupt(agent, by=BY)
        await place.until(agent, lambda view: view.snapshot.status == "closed")
        await place.fleet.end(agent, by=BY)
        assert not alive(pid)
        await place.fleet.prompt(agent, "stream 3 events", by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "idle"


async def test_a_killed_runner_leaves_no_process_and_every_event(tmp_path: Path) -> None:
    async with place_with(tmp_path) as place:
        agent = (await place.create("stream 2000 tools every 1ms", "it")).snapshot.id
        with anyio.fail_after(10):
            while (await place.page(agent)).window.max_seq < 50:
                await place.audience.more.wait()
        seen = await place.fleet.inspect(agent)
        assert seen.runner_pid is not None
        os.kill(seen.runner_pid, signal.SIGKILL)
        outcome = await place.fleet.wait(agent, 10)
        assert outcome.status == "error"
        assert "was killed" in str(outcome.error)
        page = await place.page(agent)
        seen_events = numbers(page.entries)
        assert seen_events == list(range(1, len(seen_events) + 1))
        assert len(seen_events) >= 49
        await place.fleet.end(agent, by=BY)
        assert not alive(seen.agent_pid)
        await place.fleet.prompt(agent, "stream 3 events", by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "idle"


async def test_a_working_directory_that_vanished(tmp_path: Path) -> None:
    async with place_with(tmp_path) as place:
        agent = (await place.create("stream 3 events", "it")).snapshot.id
        await place.fleet.wait(agent, 10)
        await place.fleet.end(agent, by=BY)
        shutil.rmtree(place.cwd)
        await place.fleet.prompt(agent, "stream 4 events", by=BY)
        outcome = await place.fleet.wait(agent, 10)
        assert outcome.status == "error"
        assert "work" in str(outcome.error)
        (tmp_path / "work").mkdir()
        await place.fleet.start(agent, by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "idle"
        assert "stream 4 events" in await place.texts(agent)


async def test_a_flood_of_output_is_ended_at_once(tmp_path: Path) -> None:
    async with place_with(tmp_path, ("yes",), Timings(drain=0.5)) as place:
        agent = (await place.create("hello", "it")).snapshot.id
        with anyio.fail_after(10):
            while not (await place.fleet.inspect(agent)).journal_bytes:
                await anyio.sleep(0.01)
        with anyio.fail_after(30):
            ended = await place.fleet.end(agent, by=BY)
        assert ended.verified
        assert place.fleet.view(agent).snapshot.status in ("closed", "error")


async def test_a_permission_is_asked_answered_and_carried_out_once(tmp_path: Path) -> None:
    async with place_with(tmp_path) as place:
        agent = (await place.create("write note.txt hello", "it")).snapshot.id
        outcome = await place.fleet.wait(agent, 10)
        assert outcome.status == "permission"
        (asked,) = outcome.view.snapshot.pending_permissions
        action = next(one.id for one in given(asked.actions, []) if one.behavior == "allow")
        await place.fleet.answer(agent, asked.id, Allow(selected_action_id=action), by=BY)
        assert (await place.fleet.wait(agent, 10)).status == "idle"
        assert (Path(place.cwd) / "note.txt").read_text().strip() == "hello"


async def test_an_ended_agent_leaves_nothing_running(tmp_path: Path) -> None:
    async with place_with(tmp_path) as place:
        agent = (await place.create("hello", "it")).snapshot.id
        await place.fleet.wait(agent, 10)
        seen = await place.fleet.inspect(agent)
        pids = [row.pid for row in seen.processes]
        assert len(pids) >= 2
        assert seen.memory_kib > 0
        ended = await place.fleet.end(agent, by=BY)
        assert ended.verified
        with anyio.fail_after(5):
            while any(alive(pid) for pid in pids):
                await anyio.sleep(0.01)
        assert not any((tmp_path / "home" / "run" / "agents" / agent).glob("*/runner.json"))
