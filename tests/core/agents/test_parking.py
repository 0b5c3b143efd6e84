"""Parking: who is due, what is never parked, and that a parked agent goes on."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.agents.context import Timings
from sereno.core.agents.parking import Idle, due, measure, parkable
from sereno.core.config import AgentsConfig, Config
from sereno.core.runners.model import ProcessInfo
from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, extra, running
from tests.core.agents.programs import obedient, silent

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
async def test_who_works_or_was_never_asked_is_not_parked(tmp_path: Path, program: object) -> None:
    machine = Machine(program)  # type: ignore[arg-type]
    async with running(tmp_path, machine.runners, config=AT_ONCE, timings=TIMES) as place:
        agent = (await place.create("work" if program is obedient else "")).snapshot.id
        if program is obedient:
            await place.until_said("Working.")
        await anyio.sleep(0.1)  # many looks
        assert place.fleet.view(agent).snapshot.status in ("running", "initializing")
        assert not parkable(place.fleet._agents[agent])


async def test_nothing_is_parked_unless_it_is_wished(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners, timings=TIMES) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        await anyio.sleep(0.1)
        assert place.fleet.view(agent).snapshot.status == "idle"
        assert parkable(place.fleet._agents[agent])


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
        assert await measure(place.fleet.context, agents) == {first: 700, second: 600}
        await place.until(first, lambda view: extra(view).parked is True)
        table[first] = 0
        await anyio.sleep(0.1)
        assert place.fleet.view(second).snapshot.status == "idle"
