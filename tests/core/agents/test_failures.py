"""The fleet when something fails: program, runner, driver, disk, predecessor."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from msgspec.structs import replace

from sereno.core.agents import leftovers
from sereno.core.agents.context import Timings
from sereno.core.agents.errors import NotPossible
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.values import UNSET
from sereno.core.runners.model import RunnerError, RunnerStartError
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError
from tests.core.agents.fakes import FakeCatalog, Link, Machine, Process
from tests.core.agents.place import BY, extra, running
from tests.core.agents.programs import obedient, silent, stubborn

T = TypeVar("T")


async def test_a_program_that_leaves_in_a_turn(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("exit")).snapshot.id
        outcome = await place.fleet.wait(agent, 5)
        assert outcome.status == "error"
        assert "I have had enough" in (outcome.error or "")
        log = await place.fleet.log(agent)
        assert "I have had enough" in [line.text for line in log.lines]
        assert (await place.fleet.inspect(agent)).exit == "exit code 3"
        await place.fleet.prompt(agent, "hello", by=BY)
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        assert (await place.texts(agent))[-1] == "You said hello."


async def test_a_program_that_never_gets_ready(tmp_path: Path) -> None:
    machine = Machine(silent)
    async with running(tmp_path, machine.runners, timings=Timings(start=0.05)) as place:
        agent = (await place.create("hello", client_message_id="m1")).snapshot.id
        outcome = await place.fleet.wait(agent, 5)
        assert outcome.status == "error"
        assert "within 0.05 s" in (outcome.error or "")
        assert "starting up" in (outcome.error or "")
        assert [one.text for one in extra(outcome.view).queue] == ["hello"], "nothing is lost"
        machine.program = obedient
        result = await place.fleet.prompt(agent, "hello", by=BY, message_id="m1")
        assert result.repeated
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        assert await place.texts(agent) == ["hello", "You said hello."]


async def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    machine = Machine(obedient)
    machine.refuse = RunnerStartError("not_found", "There is no program fake.", "Install it.")
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        view = (await place.fleet.wait(agent, 5)).view
        assert view.snapshot.last_error == "There is no program fake."
        assert extra(view).next_step == "Install it."
        machine.refuse = None
        await place.fleet.start(agent, by=BY)
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        assert await place.texts(agent) == ["hello", "You said hello."]


async def test_a_program_that_leaves_before_it_is_ready(tmp_path: Path) -> None:
    machine = Machine(lambda process, line: process.leave(code=0))
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        outcome = await place.fleet.wait(agent, 5)
        assert (outcome.status, machine.starts) == ("error", 1)
        assert "before it was ready (exit code 0)" in (outcome.error or "")


async def test_a_killed_runner(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        machine.last.say("say Last words.")
        machine.last.kill_runner()
        outcome_view = await place.status(agent, "error")
        assert "was killed" in str(outcome_view.snapshot.last_error)
        assert outcome_view.snapshot.pending_permissions == []
        assert (await place.texts(agent))[:3] == ["ask", "May I?", "Last words."]
        await place.fleet.prompt(agent, "hello", by=BY)
        assert (await place.fleet.wait(agent, 5)).status == "idle"


async def test_a_runner_killed_while_the_daemon_is_away(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
    machine.last.say("say Last words.")
    machine.last.kill_runner()
    async with running(tmp_path, machine.runners) as place:
        await place.status(agent, "error")
        assert (await place.texts(agent))[:3] == ["work", "Working.", "Last words."]


async def test_a_turn_that_does_not_end_when_asked(tmp_path: Path) -> None:
    machine = Machine(stubborn)
    async with running(tmp_path, machine.runners, timings=Timings(cancel=0.05)) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        machine.program = machine.last.program = stubborn
        await place.fleet.prompt(agent, "now", by=BY, delivery="interrupt")
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        assert machine.starts == 2, "its process was ended and the prompt ran in a new one"
        assert (await place.texts(agent))[-1] == "You said now."


async def test_a_mistake_with_one_agent_leaves_the_others_alone(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        good = (await place.create("work")).snapshot.id
        await place.status(good, "running")
        other = machine.last
        bad = (await place.create("crash")).snapshot.id
        outcome = await place.fleet.wait(bad, 5)
        assert outcome.status == "error"
        assert "a mistake in a driver" in (outcome.error or "")
        other.say("end completed")
        assert (await place.fleet.wait(good, 5)).status == "idle"


class Refusing(Database):
    """A database whose disk is full while `full` is set."""

    full = False

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        if self.full:
            raise StoreError("disk_full", "The disk is full.", "Free some space.")
        return await super().write(work, durable=durable)


async def test_a_full_disk_loses_nothing_and_goes_on_by_itself(tmp_path: Path) -> None:
    machine = Machine(obedient)
    (tmp_path / "home").mkdir(mode=0o700)
    database = Refusing(tmp_path / "home" / "sereno.db")
    timings = Timings(retry=0.02)
    async with running(tmp_path, machine.runners, timings=timings, database=database) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        database.full = True
        machine.last.say("say One.", "tool t1")
        with pytest.raises(StoreError):
            await place.fleet.answer(agent, "r1", Allow(), by=BY)
        with pytest.raises(StoreError):
            await place.fleet.prompt(agent, "x", by=BY)
        with pytest.raises(StoreError):
            await place.create("not made")
        assert len(place.fleet.list()) == 1
        machine.last.say("say Two.")
        shown = await place.until(agent, lambda view: view.snapshot.last_error is not UNSET)
        assert shown.snapshot.last_error == "The disk is full."
        assert extra(shown).next_step == "Free some space."
        assert [line for line in machine.last.heard if line.startswith("answer")] == []
        database.full = False
        await place.fleet.answer(agent, "r1", Allow(), by=BY)
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        assert place.fleet.view(agent).snapshot.last_error is UNSET
        texts = await place.texts(agent)
        assert "".join(texts) == "askMay I?One.t1Two.Thanks for r1 allow."


async def test_a_provider_that_went_away(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
    empty = FakeCatalog()
    empty.providers.clear()
    async with running(tmp_path, machine.runners, catalog=empty) as place:
        assert place.fleet.view(agent).snapshot.provider_unavailable is True
        with pytest.raises(NotPossible, match="fake"):
            await place.fleet.prompt(agent, "hi", by=BY)
    async with running(tmp_path, machine.runners) as place:
        machine.last.say("end completed")
        assert (await place.fleet.wait(agent, 5)).status == "idle"


async def test_only_runs_that_are_known_to_be_over_are_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not the run of an agent made meanwhile; not what another database would know."""
    machine = Machine(obedient)
    agents = tmp_path / "home" / "run" / "agents"
    working = threading.Event()
    look = leftovers._runs

    def look_late(folder: Path) -> list[Path]:
        assert working.wait(5)
        return look(folder)

    monkeypatch.setattr(leftovers, "_runs", look_late)
    (tmp_path / "home").mkdir(mode=0o700)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        over, later, unknown = agents / agent / "0", agents / agent / "9", agents / "gone" / "3"
        for folder in (over, later, unknown):
            folder.mkdir(parents=True)
        working.set()
        with anyio.fail_after(5):
            while over not in machine.removed or caplog.text.count("left alone") < 2:
                await anyio.sleep(0.01)
        machine.last.say("end completed")
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        assert machine.last.alive
        assert machine.removed == [over]
        assert str(unknown) in caplog.text


async def test_a_lost_database_ends_no_agent(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        await place.create("work")
        await place.until_said("Working.")
    home = tmp_path / "home"
    (home / "kept").mkdir()
    for file in home.glob("sereno.db*"):
        file.rename(home / "kept" / file.name)
    async with running(tmp_path, machine.runners) as place:
        assert place.fleet.list() == []
        await anyio.sleep(0.05)
    assert machine.last.alive
    for file in (home / "kept").iterdir():
        file.replace(home / file.name)
    for file in home.glob("sereno.db-*"):
        file.unlink()
    async with running(tmp_path, machine.runners) as place:
        (view,) = place.fleet.list()
        machine.last.say("end completed")
        assert (await place.fleet.wait(view.snapshot.id, 5)).status == "idle"


async def test_a_runner_that_lives_but_refuses_is_left_alone(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")

    async def refuse(folder: Path, offset: int) -> Link:
        raise RunnerError("refused", "The runner refused this daemon.", "Start it elsewhere.")

    runners = replace(machine.runners, attach=refuse)
    timings = Timings(retry=0.01)
    async with running(tmp_path, runners, timings=timings) as place:
        view = await place.status(agent, "error")
        assert view.snapshot.last_error == "The runner refused this daemon."
        ended = await place.fleet.end(agent, by=BY)
        assert not ended.verified, "what lives is not said to be gone"
    assert machine.last.alive


async def test_a_program_can_be_ended_while_the_disk_is_full(tmp_path: Path) -> None:
    machine = Machine(obedient)
    (tmp_path / "home").mkdir(mode=0o700)
    database = Refusing(tmp_path / "home" / "sereno.db")
    timings = Timings(retry=0.02, drain=0.1)
    async with running(tmp_path, machine.runners, timings=timings, database=database) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        database.full = True
        ended = await place.fleet.end(agent, by=BY)
        assert ended.verified
        assert not machine.last.alive
        database.full = False
        await place.until(agent, lambda view: view.snapshot.status in ("closed", "error"))


@pytest.mark.parametrize("knows_any", [True, False])
async def test_a_session_that_the_program_does_not_know(tmp_path: Path, knows_any: bool) -> None:
    """What waits runs in a new session, without being asked for again; but not for ever."""

    def forgetful(process: Process, line: str) -> None:
        if line == "start s1" or (line == "start -" and not knows_any and len(starts) > 1):
            starts.append(line)
            process.say("unknown")
            process.leave(code=1)
            return
        if line.startswith("start"):
            starts.append(line)
        obedient(process, line)

    starts: list[str] = []
    machine = Machine(forgetful)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("one")).snapshot.id
        await place.fleet.wait(agent, 5)
        await place.fleet.end(agent, by=BY)
        await place.fleet.prompt(agent, "two", by=BY)
        outcome = await place.fleet.wait(agent, 5)
        assert starts == ["start -", "start s1", "start -"]
        if knows_any:
            assert outcome.status == "idle"
            assert (await place.texts(agent))[-1] == "You said two."
            assert machine.last.heard[-1].endswith("two")
        else:
            assert outcome.status == "error"
            assert [one.text for one in extra(outcome.view).queue] == ["two"]
