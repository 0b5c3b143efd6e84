"""A clock that is set back, and a queue that survives a kill: order never hangs on the time."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sereno.core.agents.fleet import Fleet
from sereno.core.agents.step import Step
from sereno.core.protocol.messages import AgentUpserted
from sereno.core.providers import effects
from tests.core.agents import sample
from tests.core.agents.fakes import Machine, Process
from tests.core.agents.place import BY, extra, running
from tests.core.agents.programs import obedient
from tests.core.agents.test_life import running as busy
from tests.core.agents.test_life import take

HOUR = 3_600_000


def asks_often(process: Process, line: str) -> None:
    word, _, rest = line.partition(" ")
    if word == "prompt" and rest.endswith("ask"):
        process.say("\n".join(f"ask r{number}" for number in range(1, 13)))
    else:
        obedient(process, line)


def set_clock(fleet: Fleet, now: int) -> None:
    msgspec.structs.force_setattr(fleet.context, "clock", lambda: now)


async def test_a_clock_set_back_disorders_nothing(tmp_path: Path) -> None:
    machine = Machine(obedient)
    now = 2_000_000_000_000
    async with running(tmp_path, machine.runners) as place:
        set_clock(place.fleet, now)
        agent = (await place.create("one")).snapshot.id
        await place.fleet.wait(agent, 5)
        set_clock(place.fleet, now - HOUR)
        await place.fleet.prompt(agent, "two", by=BY)
        await place.fleet.wait(agent, 5)
        updates = [
            one.agent.updated_at for one in place.heard(agent) if isinstance(one, AgentUpserted)
        ]
        assert updates == sorted(set(updates)), "each is newer than the one before (wire 6.2.2)"
    async with running(tmp_path, machine.runners) as place:
        set_clock(place.fleet, now - 2 * HOUR)
        await place.fleet.prompt(agent, "three", by=BY)
        await place.fleet.wait(agent, 5)
        said = [text for text in await place.texts(agent) if "You" not in text]
        assert said == ["one", "two", "three"]
        seqs = [entry.seq_end for entry in (await place.page(agent)).entries]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_requests_keep_their_order_over_a_restart(tmp_path: Path) -> None:
    """Twelve of one moment: by their names alone r10 would come before r2."""
    machine = Machine(asks_often)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        names = [f"r{number}" for number in range(1, 13)]
        view = await place.until(agent, lambda v: len(v.snapshot.pending_permissions) == 12)
        assert [one.id for one in view.snapshot.pending_permissions] == names
    async with running(tmp_path, machine.runners) as place:
        assert [one.id for one in place.fleet.view(agent).snapshot.pending_permissions] == names


def test_a_request_is_never_older_than_the_one_before() -> None:
    step = Step(busy(), 200)
    take(step, effects.Asked(sample.request("r2")))
    step.ask(sample.request("r1"), 100)
    assert [one.asked_ms for one in step.requests] == [200, 201]


async def test_what_was_to_run_next_runs_next_after_a_restart(tmp_path: Path) -> None:
    def deaf_to_cancel(process: Process, line: str) -> None:
        if line != "cancel":
            obedient(process, line)

    machine = Machine(deaf_to_cancel)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        for text in ("a", "b"):
            await place.fleet.prompt(agent, text, by=BY)
        await place.fleet.prompt(agent, "at once", by=BY, delivery="interrupt")
        wanted = ["at once", "a", "b"]
        assert [one.text for one in extra(place.fleet.view(agent)).queue] == wanted
    async with running(tmp_path, machine.runners) as place:
        assert [one.text for one in extra(place.fleet.view(agent)).queue] == wanted
