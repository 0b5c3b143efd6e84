"""Parking: who is due, what is never parked, and that a parked agent goes on."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.agents import life
from sereno.core.agents.context import Timings
from sereno.core.agents.errors import NotPossible
from sereno.core.agents.parking import Idle, due, hindrance, look
from sereno.core.agents.states import State
from sereno.core.agents.step import Step
from sereno.core.agents.views import Ended
from sereno.core.config import AgentsConfig, Config
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.values import UNSET
from sereno.core.providers import effects
from sereno.core.runners.model import ProcessInfo
from tests.core.agents import sample
from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, Place, extra, running
from tests.core.agents.programs import obedient, silent

ENDS = (State.ENDING, State.CLOSED, State.STARTING)
TIMES = Timings(parking=0.01)
AT_ONCE = Config(agents=AgentsConfig(park_after_minutes=0.0001))

idle = st.builds(
    Idle,
    agent_id=st.uuids().map(str),
    since_ms=st.integers(0, 1_000),
    memory_kib=st.integers(0, 100),
)


@given(st.lists(idle), st.integers(0, 2_000), st.integers(-100, 500))
def test_the_longest_idle_go_until_enough_is_free(
    agents: list[Idle], now_ms: int, over_kib: int
) -> None:
    found = due(agents, now_ms, after_ms=0, over_kib=over_kib)
    order = sorted(agents, key=lambda one: one.since_ms)
    assert list(found) == [one.agent_id for one in order[: len(found)]]
    freed = sum(one.memory_kib for one in order[: len(found)])
    assert freed >= over_kib or len(found) == len(agents)
    if found and over_kib > 0:
        assert freed - order[len(found) - 1].memory_kib < over_kib
    assert over_kib > 0 or not found


@given(st.lists(idle), st.integers(0, 2_000), st.integers(1, 500))
def test_who_is_idle_for_long_goes(agents: list[Idle], now_ms: int, after_ms: int) -> None:
    found = due(agents, now_ms, after_ms=after_ms, over_kib=0)
    assert set(found) == {one.agent_id for one in agents if now_ms - one.since_ms >= after_ms}


async def test_an_idle_agent_is_parked_and_goes_on_at_the_next_prompt(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners, config=AT_ONCE, timings=TIMES) as place:
        agent = (await place.create("hello")).snapshot.id
        parked = await place.until(agent, lambda view: extra(view).parked is True)
        closed = await place.status(agent, "closed")
        assert extra(closed).parked is True
        session = parked.snapshot.persistence
        await place.fleet.prompt(agent, "again", by=BY)
        await place.until_said("You said again.")
        assert machine.starts == 2
        assert place.fleet.view(agent).snapshot.persistence == session
        await place.until(agent, lambda view: extra(view).parked is True)


async def test_a_prompt_while_it_is_parked_is_not_lost(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners, config=AT_ONCE, timings=TIMES) as place:
        agent = (await place.create("hello")).snapshot.id
        for number in range(5):
            await place.until(agent, lambda view: extra(view).parked is True)
            await place.fleet.prompt(agent, f"go {number}", by=BY)
            await place.until_said(f"You said go {number}.")


@pytest.mark.parametrize("program", [silent, obedient])
async def test_who_works_or_starts_is_not_parked(tmp_path: Path, program: object) -> None:
    machine = Machine(program)  # type: ignore[arg-type]
    async with running(tmp_path, machine.runners, config=AT_ONCE, timings=TIMES) as place:
        agent = (await place.create("work" if program is obedient else "")).snapshot.id
        if program is obedient:
            await place.until_said("Working.")
        await anyio.sleep(0.1)  # many looks
        assert place.fleet.view(agent).snapshot.status in ("running", "initializing")
        reason = "A turn runs." if program is obedient else "It is being started."
        assert hindrance(place.fleet._agents[agent]) == reason


async def test_nothing_is_parked_unless_it_is_wished(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners, timings=TIMES) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        await anyio.sleep(0.1)
        assert place.fleet.view(agent).snapshot.status == "idle"
        assert hindrance(place.fleet._agents[agent]) is None


async def test_too_much_memory_parks_the_longest_idle(tmp_path: Path) -> None:
    machine = Machine(obedient)
    config = Config(agents=AgentsConfig(park_memory_mb=1))
    table: dict[str, int] = {}

    def processes(folder: Path) -> tuple[ProcessInfo, ...]:
        return (ProcessInfo(1, 0, "x", table.get(folder.parent.name, 0)),)

    runners = msgspec.structs.replace(machine.runners, processes=processes)
    async with running(tmp_path, runners, config=config, timings=TIMES) as place:
        first = (await place.create("hello")).snapshot.id
        await place.fleet.wait(first, 5)
        second = (await place.create("hello")).snapshot.id
        await place.fleet.wait(second, 5)
        agents = [place.fleet._agents[one] for one in (first, second)]
        table |= {first: 700, second: 600}
        assert [(await look(one)).memory_kib for one in agents] == [700, 600]
        await place.until(first, lambda view: extra(view).parked is True)
        table[first] = 0
        await anyio.sleep(0.1)
        assert place.fleet.view(second).snapshot.status == "idle"


async def refused(place: Place, agent: str) -> str:
    with pytest.raises(NotPossible) as found:
        await place.fleet.park(agent, by=BY)
    assert found.value.code == "not_parked"
    return found.value.message


async def test_a_person_parks_and_is_told_why_not(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        assert await refused(place, agent) == "A turn runs."
        await place.fleet.answer(agent, "r1", Allow(), by=BY)
        await place.fleet.wait(agent, 5)
        assert (await place.fleet.park(agent, by=BY)).verified
        shown = place.fleet.view(agent)
        assert (shown.snapshot.status, extra(shown).parked) == ("closed", True)
        assert await refused(place, agent) == "No program of it runs."
        await place.fleet.prompt(agent, "fail", by=BY)
        await place.status(agent, "error")
        assert extra(place.fleet.view(agent)).parked is UNSET
        assert await refused(place, agent) == "Its last turn failed, and that is to be seen."


async def test_what_works_in_the_background_keeps_it_from_being_parked(tmp_path: Path) -> None:
    machine = Machine(obedient)
    config = Config(agents=AgentsConfig(park_after_minutes=0.0001, park_memory_mb=1))
    rows: list[ProcessInfo] = []
    runners = msgspec.structs.replace(machine.runners, processes=lambda _: tuple(rows))
    rows += [
        ProcessInfo(1, 0, "runner", 5_000, group=1, age_s=1e6),
        ProcessInfo(2, 1, "program", 5_000, group=2, age_s=1e6),
        ProcessInfo(3, 2, "language server", 5_000, group=2, age_s=0.0),
        ProcessInfo(4, 2, "MCP server", 5_000, group=4, age_s=1e5),
        ProcessInfo(5, 1, "make serve", 5_000, group=5, age_s=0.0),
    ]
    async with running(tmp_path, runners, config=config, timings=TIMES) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        words = await refused(place, agent)
        assert words == "What it started is still running: 5 make serve."
        await anyio.sleep(0.1)  # many looks
        assert place.fleet.view(agent).snapshot.status == "idle"
        living = place.fleet._agents[agent]
        living.driver.background = 2  # type: ignore[union-attr]
        del rows[4]
        assert hindrance(living) == "Its program has work in the background (2)."
        del living.driver.background  # type: ignore[union-attr]
        rows.clear()
        await place.until(agent, lambda view: extra(view).parked is True)


async def test_a_prompt_that_is_quicker_than_a_parking_wins(tmp_path: Path) -> None:
    machine = Machine(obedient)
    looked, go_on = threading.Event(), threading.Event()

    def processes(folder: Path) -> tuple[ProcessInfo, ...]:
        looked.set()
        assert go_on.wait(10)
        return ()

    runners = msgspec.structs.replace(machine.runners, processes=processes)
    async with running(tmp_path, runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        async with anyio.create_task_group() as group:
            reasons: list[str] = []

            async def try_it() -> None:
                reasons.append(await refused(place, agent))

            group.start_soon(try_it)
            await anyio.to_thread.run_sync(looked.wait, 10)
            await place.fleet.prompt(agent, "quick", by=BY)
            await place.until_said("You said quick.")
            await place.status(agent, "idle")
            go_on.set()
        assert reasons == ["It was just given something to do."]
        assert machine.starts == 1


@pytest.mark.parametrize("parking", [True, False])
async def test_a_prompt_during_the_end_runs_once_in_the_next_process(
    tmp_path: Path, parking: bool
) -> None:
    """The end is verified of the old run only: the next one, begun meanwhile, is left alone."""
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        act = place.fleet.park if parking else place.fleet.end
        async with anyio.create_task_group() as group:
            results: list[Ended] = []

            async def end() -> None:
                results.append(await act(agent, by=BY))

            group.start_soon(end)
            await place.until(agent, lambda _: place.fleet._agents[agent].base.record.state in ENDS)
            await place.fleet.prompt(agent, "work on", by=BY)
            await place.until_said("Working.")
        assert [one.verified for one in results] == [True]
        assert machine.starts == 2
        assert machine.last.alive
        heard = [line for process in machine.processes.values() for line in process.heard]
        assert len([line for line in heard if line.endswith("work on")]) == 1
        assert place.fleet.view(agent).snapshot.status == "running"


async def test_settings_of_a_parked_agent_are_those_of_its_next_run(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        await place.fleet.set_mode(agent, "plan", by=BY)
        await place.fleet.park(agent, by=BY)
        parked = place.fleet.view(agent).snapshot
        assert parked.current_mode_id == "plan"
        assert [mode.id for mode in parked.available_modes] == ["ask", "plan", "danger"]
        await place.fleet.set_mode(agent, "ask", by=BY)
        assert place.fleet.view(agent).snapshot.current_mode_id == "ask"
        assert machine.starts == 1
        assert place.fleet._agents[agent].record.wish.mode == "ask"


async def test_a_start_while_it_is_parked_is_not_lost(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: place.fleet.park(agent, by=BY))
            await place.until(agent, lambda _: place.fleet._agents[agent].base.record.state in ENDS)
            await place.fleet.start(agent, by=BY)
        await place.status(agent, "idle")
        assert machine.starts == 2


async def test_who_was_never_prompted_begins_anew(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("")).snapshot.id
        await place.status(agent, "idle")
        await place.fleet.park(agent, by=BY)
        await place.fleet.prompt(agent, "hello", by=BY)
        await place.until_said("You said hello.")
        assert machine.last.heard[0] == "start -"


async def test_a_session_under_a_new_id_is_the_one_that_is_resumed(tmp_path: Path) -> None:
    step = Step(sample.base(State.IDLE), 100)
    life.take(step, effects.Changed(session_id="s2"), 100, "srv")
    _, base, _ = sample.finish(step)
    assert base.record.session_id == "s2"


async def test_a_stop_of_an_idle_agent_stops_what_it_left_at_work(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        await place.fleet.interrupt(agent, by=BY)
        assert "cancel" not in machine.last.heard
        place.fleet._agents[agent].driver.background = 1  # type: ignore[union-attr]
        await place.fleet.interrupt(agent, by=BY)
        with anyio.fail_after(5):
            while "cancel" not in machine.last.heard:
                await anyio.sleep(0.01)
