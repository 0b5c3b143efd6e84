"""Parked agents in the real program: nothing is left of them, nothing is lost, kill -9 or not."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from sereno.core.protocol.timeline import AssistantMessage, UserMessage
from tests.e2e.harness import World, alive, until

pytestmark = pytest.mark.timeout(120)

BACKGROUND = "run setsid sleep 300 > /dev/null 2>&1 & echo begun"
"""A tool that leaves a process behind, in a session of its own."""


def of_agent(agent_id: str) -> list[int]:
    """Every living process that was started for the agent, wherever it moved since."""
    mark = f"SERENO_AGENT_ID={agent_id}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(int(entry.name)):
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def state(world: World, agent_id: str) -> dict[str, Any]:
    found: dict[str, Any] = world.json("inspect", agent_id)
    return found


def finished(world: World, prompt: str) -> str:
    """An agent that has done its first prompt."""
    agent_id = world.run(prompt)
    world.sereno("wait", agent_id)
    return agent_id


def allow_all(world: World, agent_id: str) -> None:
    world.sereno("wait", agent_id, code=None)
    world.sereno("permit", "allow", agent_id, "--all")
    world.sereno("wait", agent_id)


def texts(world: World, agent_id: str, kind: type[UserMessage | AssistantMessage]) -> list[str]:
    return [e.item.text for e in world.timeline(agent_id) if isinstance(e.item, kind)]


def test_a_parked_agent_leaves_no_process_and_goes_on(world: World) -> None:
    world.start()
    agent_id = finished(world, "think first then show")
    before = state(world, agent_id)
    assert before["needs"] == "done"
    assert before["memoryKib"] > 10_000
    assert 0 < before["pssKib"] <= before["memoryKib"]
    assert {row["pid"] for row in before["processes"]} == set(of_agent(agent_id)) | {
        before["runnerPid"]
    }
    assert world.json("park", agent_id)["parked"] is True
    assert of_agent(agent_id) == []
    assert not alive(before["runnerPid"])
    parked = state(world, agent_id)
    assert (parked["needs"], parked["status"], parked["processes"]) == ("parked", "closed", [])
    assert [one["needs"] for one in world.json("ls")] == ["parked"]
    world.sereno("send", agent_id, "show")
    after = state(world, agent_id)
    assert (after["run"], after["status"]) == (before["run"] + 1, "idle")
    assert [one["text"] for one in world.told("prompt")] == ["think first then show", "show"]


def test_idle_agents_are_parked_by_themselves_and_work_is_not(world: World) -> None:
    world.configure("[agents]\npark_after_minutes = 0.001\n")
    world.serve(FAST)
    idle = finished(world, "show")
    busy = world.run("wait 300s")
    asks = world.run("ask Really?")
    until(lambda: state(world, idle)["needs"] == "parked", "it is parked")
    assert of_agent(idle) == []
    time_to_look = time.monotonic() + 1
    until(lambda: time.monotonic() > time_to_look, "some looks")
    assert state(world, busy)["status"] == "running"
    assert state(world, asks)["needs"] == "asks"


def test_a_command_in_the_background_keeps_it_from_being_parked(world: World) -> None:
    world.configure("[agents]\npark_after_minutes = 0.001\n")
    world.serve(FAST)
    agent_id = world.run(BACKGROUND)
    allow_all(world, agent_id)
    (left,) = (row for row in state(world, agent_id)["processes"] if row.get("background"))
    assert left["command"] == "sleep 300"
    refused = world.sereno("park", agent_id, code=None)
    assert refused.returncode != 0
    assert f"still running: {left['pid']} sleep 300" in refused.stderr
    assert alive(left["pid"])
    os.kill(left["pid"], 15)
    until(lambda: state(world, agent_id)["needs"] == "parked", "it is parked")


@pytest.mark.parametrize("act", [("stop", "--end"), ("archive",), ("delete", "-y")])
@pytest.mark.parametrize("moment", ["in a tool", "after one"])
def test_no_process_is_left(world: World, act: tuple[str, ...], moment: str) -> None:
    """Of the agent, its tools and what they left, whatever session or group it is in."""
    world.start()
    in_tool = moment == "in a tool"
    lasting = f"{BACKGROUND}; setsid sleep 300 & exec sleep 300"
    agent_id = world.run(lasting if in_tool else BACKGROUND)
    world.sereno("wait", agent_id, code=None)
    world.sereno("permit", "allow", agent_id, "--all")
    if not in_tool:
        world.sereno("wait", agent_id)
    expected = 4 if in_tool else 2
    until(lambda: len(of_agent(agent_id)) >= expected, "all of them run")
    runner = state(world, agent_id)["runnerPid"]
    force = [] if act[0] == "stop" else ["--force"]
    world.sereno(act[0], agent_id, *act[1:], *force)
    assert of_agent(agent_id) == []
    until(lambda: not alive(runner), "the runner is gone")


def test_kill_9_at_any_moment_of_a_parking(world: World) -> None:
    """Each prompt runs once, in order, and nothing of a run is left beside the next."""
    world.configure("[agents]\npark_after_minutes = 0.0001\n")
    agent_id = ""
    chance = random.Random(7)
    sent = []
    for life in range(8):
        daemon = world.serve(FAST)
        prompt = f"show then wait 0.0{life}s"
        if not agent_id:
            agent_id = world.run(prompt)
        else:
            world.sereno("send", agent_id, prompt, "--no-wait")
        sent.append(prompt)
        until(lambda: len(world.told("prompt")) == len(sent), "the prompt is heard")
        moment = time.monotonic() + chance.random() * 0.5
        until(lambda: time.monotonic() > moment, "the moment")  # noqa: B023
        daemon.kill()
        daemon.wait()
    world.serve(FAST)
    until(lambda: state(world, agent_id)["needs"] == "parked", "it is parked at last")
    assert of_agent(agent_id) == []
    assert [one["text"] for one in world.told("prompt")] == sent
    assert texts(world, agent_id, UserMessage) == sent


FAST = """
import sereno.core.agents.context as context, msgspec
fast = msgspec.structs.replace(context.Timings(), parking=0.05)
context.Timings = lambda: fast
import sereno.core.agents.fleet as fleet
fleet.Timings = context.Timings
"""
"""The daemon looks for idle agents often."""
