"""The fleet when two people want the opposite at once, and when the machine has nothing left."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from sereno.core.agents import ending, leftovers, live, parking
from sereno.core.agents.agent import Agent
from sereno.core.agents.context import Timings
from sereno.core.agents.errors import NotPossible, UnknownAgent
from sereno.core.agents.lacking import what_is_lacking
from sereno.core.agents.states import State
from sereno.core.agents.views import Ended
from sereno.core.runners.model import JournalGap, ProcessInfo, RunnerGone, RunnerInfo, RunnerSpec
from sereno.core.store.database import Database
from tests.core.agents.fakes import Link, Machine
from tests.core.agents.place import BY, Place, running
from tests.core.agents.programs import obedient

QUICK = Timings(retry=0.02)


def lacking(number: int = errno.EMFILE) -> OSError:
    return OSError(number, os.strerror(number))


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[Agent], Awaitable[object]], times: int = 1
) -> None:
    """Something happens between the end of an agent and what its end was for."""
    end = ending.end
    left = times

    async def end_and_act(agent: Agent, *, by: str) -> Ended:
        nonlocal left
        result = await end(agent, by=by)
        if left:
            left -= 1
            await act(agent)
        return result

    monkeypatch.setattr(ending, "end", end_and_act)


def living(machine: Machine) -> int:
    return sum(process.alive for process in machine.processes.values())


async def test_a_prompt_during_a_deletion_leaves_no_process_and_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that it began had no agent any more, and its end was the end of the daemon."""
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        other = (await place.create("work")).snapshot.id
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        meanwhile(monkeypatch, lambda _: place.fleet.prompt(agent, "again", by=BY))
        await place.fleet.delete(agent, by=BY)
        with pytest.raises(UnknownAgent):
            place.fleet.view(agent)
        assert (machine.starts, living(machine)) == (3, 1)
        assert place.fleet.view(other).snapshot.status == "running"


async def test_a_prompt_during_archiving_leaves_nothing_running_out_of_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        meanwhile(monkeypatch, lambda _: place.fleet.prompt(agent, "again", by=BY))
        view = await place.fleet.archive(agent, by=BY)
        assert view.snapshot.archived_at is not None
        assert (view.snapshot.status, living(machine)) == ("closed", 0)


async def test_one_that_is_always_started_again_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        meanwhile(monkeypatch, lambda _: place.fleet.start(agent, by=BY), times=99)
        with pytest.raises(NotPossible, match="again"):
            await place.fleet.delete(agent, by=BY)
        assert place.fleet.view(agent).snapshot.id == agent


def driven(place: Place, agent: str) -> live.Live:
    found = place.fleet._agents[agent].live
    assert found is not None
    return found


async def lose_the_link(place: Place, agent: str) -> None:
    """As when the daemon had to drop the connection: the runner lives."""
    async with place.fleet._agents[agent].lock:
        driven(place, agent).reconnect()


async def test_without_descriptors_an_agent_is_left_alone_and_found_again(tmp_path: Path) -> None:
    machine = Machine(obedient)
    attach, refusals = machine.attach, [lacking(), lacking(errno.ENFILE), lacking(errno.ENOMEM)]

    async def refusing(folder: Path, offset: int) -> Link:
        if machine.starts and machine.last.heard and refusals:
            raise refusals.pop()
        return await attach(folder, offset)

    runners = replace(machine.runners, attach=refusing)
    async with running(tmp_path, runners, timings=QUICK) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        await lose_the_link(place, agent)
        machine.last.say("say More.", "end completed")
        outcome = await place.fleet.wait(agent, 5)
        assert (outcome.status, machine.starts, refusals) == ("idle", 1, [])
        assert "".join(await place.texts(agent)) == "workWorking.More."


async def test_what_a_dead_runner_left_is_swept_once_the_machine_can(tmp_path: Path) -> None:
    machine = Machine(obedient)
    sweeps = []

    async def sweep(folder: Path) -> object:
        sweeps.append(folder)
        if len(sweeps) < 3:
            raise lacking()
        return await Machine.sweep(machine, folder)

    runners = replace(machine.runners, sweep=sweep)
    async with running(tmp_path, runners, timings=QUICK) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        machine.last.kill_runner()
        view = await place.status(agent, "error")
        assert "was killed" in str(view.snapshot.last_error)
        assert len(sweeps) == 3


async def test_after_a_mistake_the_end_is_tried_until_the_machine_can(tmp_path: Path) -> None:
    """Else the old program would run beside the next one."""
    machine = Machine(obedient)
    attach, refusals = machine.attach, [lacking(), lacking()]

    async def refusing(folder: Path, offset: int) -> Link:
        if machine.last.heard and refusals:
            raise refusals.pop()
        return await attach(folder, offset)

    runners = replace(machine.runners, attach=refusing)
    async with running(tmp_path, runners, timings=QUICK) as place:
        agent = (await place.create("crash")).snapshot.id
        await place.status(agent, "error")
        with anyio.fail_after(5):
            while refusals or living(machine):
                await anyio.sleep(0.01)


async def test_an_end_that_cannot_be_verified_now_is_said_in_words(tmp_path: Path) -> None:
    machine = Machine(obedient)

    def refuse(_folder: Path) -> tuple[ProcessInfo, ...]:
        raise lacking()

    async with running(tmp_path, replace(machine.runners, processes=refuse)) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        with pytest.raises(NotPossible, match=r"cannot be seen now: .*Too many open files"):
            await place.fleet.end(agent, by=BY)
        assert place.fleet.view(agent).snapshot.status == "closed"


async def test_a_mistake_in_cleaning_up_after_a_mistake_ends_no_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def collapse(_live: live.Live, _error: Exception) -> None:
        raise ValueError("one more")

    monkeypatch.setattr(live, "collapse", collapse)
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        bad = (await place.create("crash")).snapshot.id
        with anyio.fail_after(5):
            await driven(place, bad).over.wait()
        good = (await place.create("hello")).snapshot.id
        assert (await place.fleet.wait(good, 5)).status == "idle"


async def test_a_run_is_ended_though_its_journal_begins_later(tmp_path: Path) -> None:
    """What was acknowledged is dropped: a long run has no beginning any more."""
    machine = Machine(obedient)
    attach = machine.attach

    async def attach_behind(folder: Path, offset: int) -> Link:
        if offset == 0 and machine.last.heard:
            raise JournalGap(0, 4096, 8192)
        return await attach(folder, offset)

    runners = replace(machine.runners, attach=attach_behind)
    async with running(tmp_path, runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        folder = place.fleet._agents[agent].folder
        result = await leftovers.clear(place.fleet.context, folder)
        assert (result.remaining, living(machine)) == ((), 0)
        assert folder in machine.removed
        with pytest.raises(RunnerGone):
            await attach(folder, 0)


async def test_a_folder_that_goes_while_leftovers_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents = tmp_path / "agents"
    for name in ("a", "b"):
        (agents / name / "1").mkdir(parents=True)
    (agents / "file").touch()
    iterdir = Path.iterdir

    def go(path: Path) -> object:
        if path.name == "a":
            raise FileNotFoundError(errno.ENOENT, "gone", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", go)
    assert leftovers._runs(agents) == [agents / "b" / "1"]


async def test_a_place_that_cannot_be_looked_at_ends_nothing(tmp_path: Path) -> None:
    """At the start of a daemon, and after each turn."""
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)

        def refuse(_cwd: str) -> object:
            raise lacking()

        place.fleet.context = replace(place.fleet.context, place=refuse)
        place.fleet._agents[agent].context = place.fleet.context
        await place.fleet._refresh_places()
        await place.fleet.prompt(agent, "hello", by=BY)
        assert (await place.fleet.wait(agent, 5)).status == "idle"


async def test_one_that_is_deleted_before_it_is_parked_ends_nothing(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        made = (await place.create("hello")).snapshot.id
        await place.fleet.wait(made, 5)
        agent = place.fleet._agents[made]
        await place.fleet.delete(made, by=BY)
        await parking._park_quietly(agent)
        assert agent.record.state is State.CLOSED


async def test_a_memory_that_no_driver_can_read_breaks_one_agent_off_and_no_daemon(
    tmp_path: Path,
) -> None:
    """Another release may have written it: the daemon starts, and the agent's session stays."""
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        other = (await place.create("hello")).snapshot.id
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
    database = Database(tmp_path / "home" / "sereno.db")
    await database.open()
    await database.write(
        lambda c: c.execute("UPDATE progress SET driver = x'3f' WHERE agent = ?", (agent,)) and None
    )
    await database.close()
    async with running(tmp_path, machine.runners) as place:
        outcome = await place.fleet.wait(agent, 5)
        assert outcome.status == "error"
        assert "Sereno failed while it drove this agent" in (outcome.error or "")
        with anyio.fail_after(5):
            while living(machine) > 1:
                await anyio.sleep(0.01)
        for one in (agent, other):
            await place.fleet.prompt(one, "hello", by=BY)
            assert (await place.fleet.wait(one, 5)).status == "idle"


async def test_a_runner_that_is_slow_to_start_is_not_started_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon that began it was killed: the next one waits as long as somebody is starting."""
    monkeypatch.setattr(live, "STARTING_RUNNER", 0.01)
    machine = Machine(obedient)
    begun, looks = anyio.Event(), []

    async def slow(_spec: RunnerSpec) -> RunnerInfo:
        begun.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with running(tmp_path, replace(machine.runners, start=slow)) as place:
        agent = (await place.create("hello")).snapshot.id
        await begun.wait()
        spec = driven(place, agent)._spec()

    def claimed(_folder: Path) -> bool:
        looks.append(machine.starts)
        return True

    async with running(tmp_path, replace(machine.runners, claimed=claimed)) as place:
        with anyio.fail_after(5):
            while len(looks) < 3:
                await anyio.sleep(0.01)
        assert looks == [0] * len(looks)
        await machine.start(spec)
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        assert machine.starts == 1
        assert await place.texts(agent) == ["hello", "You said hello."]


def test_what_is_lacking() -> None:
    one = lacking()
    assert what_is_lacking(one) is one
    assert what_is_lacking(ExceptionGroup("", [one])) is one
    assert what_is_lacking(ExceptionGroup("", [one, ValueError()])) is None
    assert what_is_lacking(OSError(errno.EACCES, "no")) is None
    assert what_is_lacking(ValueError(secrets.token_hex(2))) is None
