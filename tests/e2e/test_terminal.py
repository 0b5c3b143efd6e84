"""The real program in a real terminal, driven by keys: first run, leaving in every way, return."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sereno.core.client.errors import ClientError
from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import PlainTextDetail
from tests.e2e.harness import Terminal, World, alive, terminal, until

pytestmark = [pytest.mark.tmux, pytest.mark.timeout(120)]

FOUND_AGAIN_S = 5.0
"""Two seconds are promised for a machine that has nothing else to do, and are measured in bench/;
here it runs other tests at the same time."""


def first_agent(world: World, window: Terminal, prompt: str) -> str:
    """First run: the demo agent is chosen, the first task is typed over; gives the agent's id."""
    window.shows("First task")
    window.keys("C-a", "C-k")
    until(lambda: "Explain this" not in window.screen(), "the field is empty")
    window.type(prompt)
    window.shows(prompt[:40])
    window.keys("Enter")
    until(world.demo_log.exists, "the demo agent runs")
    return str(until(lambda: world.json("ls", "-g"), "an agent is listed")[0]["id"])


def answers_within(world: World, limit_s: float) -> float:
    """Seconds until a client is served again."""
    started = time.monotonic()
    while True:
        try:
            with world.client():
                return time.monotonic() - started
        except ClientError:
            assert time.monotonic() - started < limit_s, f"nobody answers\n{world.log()}"
            time.sleep(0.01)


def numbered(world: World, agent: str) -> list[str]:
    calls = [entry.item for entry in world.timeline(agent) if isinstance(entry.item, ToolCall)]
    details = [call.detail for call in calls]
    return [str(d.label) for d in details if isinstance(d, PlainTextDetail)]


def events(count: int) -> list[str]:
    return [f"event {number:06d}" for number in range(1, count + 1)]


def test_c01_first_run_to_an_answered_permission(world: World) -> None:
    """From an empty home to a command that a person allowed, with keys only."""
    with terminal(world) as window:
        agent = first_agent(world, window, "run touch made-by-agent")
        screen = window.shows("allow once")
        assert "touch made-by-agent" in screen
        assert "deny" in screen
        assert not (world.work / "made-by-agent").exists()
        window.keys("Enter", "y", "BSpace")
        time.sleep(0.5)
        assert not (world.work / "made-by-agent").exists(), "what is typed must not answer"
        window.keys("C-g")
        # The panel's keys are dead for 0.6 s (T44): a person looks before answering.
        time.sleep(1.0)
        window.keys("y")
        until((world.work / "made-by-agent").exists, "the command ran")
        window.shows("ended well")
    (entry,) = world.json("permit", "ls", "-a")
    assert (entry["agentId"], entry["state"]) == (agent, "answered")
    assert world.json("audit", "verify")["ok"] is True
    assert len(world.told("ran")) == 1


def test_closing_the_terminal_mid_stream_loses_nothing(world: World) -> None:
    with terminal(world) as window:
        agent = first_agent(world, window, "stream 600 tools every 8ms")
        window.shows("event 0000")
        before = world.json("inspect", agent)["agentPid"]
        ui = window.pid()
        window.close()
        until(lambda: not alive(ui), "the screen's process ended", 5)
        assert answers_within(world, FOUND_AGAIN_S) < FOUND_AGAIN_S
        assert world.daemon_pid() != ui
        assert world.json("inspect", agent)["agentPid"] == before
    with terminal(world) as window:
        window.shows("stream 600 tools")
        window.keys("Enter")
        window.shows("event 000600")
        world.sereno("wait", agent)
        assert numbered(world, agent) == events(600)
        assert world.json("inspect", agent)["agentPid"] == before
        assert len(world.told("prompt")) == 1


@pytest.mark.parametrize("asking", [False, True], ids=["streaming", "asking"])
def test_kill_9_of_the_screen_leaves_a_daemon(world: World, asking: bool) -> None:
    prompt = "run touch made" if asking else "stream 500 tools every 8ms"
    with terminal(world) as window:
        agent = first_agent(world, window, prompt)
        window.shows("allow once" if asking else "event 0000")
        ui = window.pid()
        os.kill(ui, signal.SIGKILL)
        until(lambda: not alive(ui), "the screen is dead", 5)
        assert answers_within(world, FOUND_AGAIN_S) < FOUND_AGAIN_S
        until(lambda: world.daemon_pid() != ui, "the next daemon wrote itself down")
    if asking:
        assert [one["agentId"] for one in world.json("permit", "ls")] == [agent]
        world.sereno("permit", "allow", agent)
        world.sereno("wait", agent)
        assert (world.work / "made").exists()
    else:
        world.sereno("wait", agent)
        assert numbered(world, agent) == events(500)


def test_a_client_is_served_while_the_screen_leaves(world: World) -> None:
    """`q` hands over: whoever connects meanwhile waits a moment and is not refused."""
    with terminal(world) as window:
        agent = first_agent(world, window, "stream 300 tools every 8ms")
        window.shows("event 0000")
        ui = window.pid()
        window.keys("Escape")
        time.sleep(0.3)
        window.keys("q")
        worst = 0.0
        while alive(ui):
            worst = max(worst, answers_within(world, FOUND_AGAIN_S))
        worst = max(worst, answers_within(world, FOUND_AGAIN_S))
        assert worst < FOUND_AGAIN_S
    world.sereno("wait", agent)
    assert numbered(world, agent) == events(300)


def test_the_screen_attaches_to_a_running_daemon(world: World) -> None:
    world.start()
    pid = world.daemon_pid()
    agent = world.run("show", "--title", "Made before")
    with terminal(world) as window:
        window.shows("Made before")
        assert world.daemon_pid() == pid
        ui = window.pid()
        os.kill(ui, signal.SIGKILL)
        until(lambda: not alive(ui), "the screen is dead", 5)
    assert world.daemon_pid() == pid
    assert world.json("inspect", agent)["id"] == agent


def test_after_stop_nobody_takes_over(world: World) -> None:
    """Somebody who stops the daemon on purpose has stopped it; the agent goes on alone."""
    with terminal(world) as window:
        agent = first_agent(world, window, "stream 400 tools every 8ms")
        window.shows("event 0000")
        pid = world.json("inspect", agent)["agentPid"]
        world.sereno("daemon", "stop")
        time.sleep(1.0)
        world.sereno("ls", code=3)
        assert alive(pid)
    world.start()
    world.sereno("wait", agent)
    assert numbered(world, agent) == events(400)
