"""kill -9 of the daemon while an agent streams: afterwards each event is there once, in order."""

from __future__ import annotations

import json
import random
import time

import pytest

from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import PlainTextDetail
from tests.e2e.harness import World, until

EVENTS = 6000
KILLS = 20


def stored_numbers(world: World, agent: str) -> list[str]:
    labels = []
    for entry in world.timeline(agent):
        if isinstance(entry.item, ToolCall):
            assert isinstance(entry.item.detail, PlainTextDetail)
            labels.append(str(entry.item.detail.label))
    return labels


@pytest.mark.timeout(300)
def test_c01_c82_each_event_once_over_twenty_kills_of_the_daemon(world: World) -> None:
    """The stream lasts as long as the kills do; the seed is printed with a failure."""
    seed = random.SystemRandom().getrandbits(32)
    chance = random.Random(seed)
    world.start()
    agent = world.run(f"stream {EVENTS} tools every 10ms")
    pids = set()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 0.5))
        pids.add(world.kill_daemon())
        world.start()
    assert len(pids) == KILLS
    assert world.json("ls")[0]["needs"] == "busy", "the stream ended before the last kill"
    assert "done" in world.sereno("wait", agent, limit_s=120).stdout
    expected = [f"event {number:06d}" for number in range(1, EVENTS + 1)]
    assert stored_numbers(world, agent) == expected, f"seed {seed}"
    entries = world.timeline(agent)
    assert [entry.seq_end for entry in entries] == list(range(1, len(entries) + 1))
    assert [one["text"] for one in world.told("prompt")] == [f"stream {EVENTS} tools every 10ms"]


@pytest.mark.timeout(120)
def test_a_follower_sees_each_event_once_over_kills(world: World) -> None:
    """`logs -f` waits for the next daemon and goes on where it was."""
    world.start()
    agent = world.run("stream 1500 tools every 3ms")
    following = world.popen("logs", "-f", "--json", "--entries", agent)
    assert following.stdout is not None
    seen: list[int] = []
    for _ in range(4):
        while len(seen) < 100:
            seen.append(json.loads(following.stdout.readline())["seqStart"])
        world.kill_daemon()
        world.start()
        seen += [json.loads(following.stdout.readline())["seqStart"] for _ in range(150)]
    while seen[-1] < 1501:
        seen.append(json.loads(following.stdout.readline())["seqStart"])
    following.terminate()
    _, err = following.communicate(timeout=20)
    assert seen == list(range(1, 1502))
    assert err.count("the daemon went away") >= 1


@pytest.mark.timeout(120)
def test_c84_t60_a_request_and_its_answer_survive_kills(world: World) -> None:
    """Asked before, answered after, and told to the agent once."""
    world.start()
    agent = world.run("run touch made")
    world.sereno("wait", agent, code=7)
    for _ in range(3):
        world.kill_daemon()
        world.start()
    (entry,) = world.json("permit", "ls")
    assert entry["agentId"] == agent
    assert not (world.work / "made").exists()
    world.sereno("permit", "allow", agent)
    until((world.work / "made").exists, "the allowed command ran")
    world.kill_daemon()
    world.start()
    assert world.json("wait", agent)["status"] == "idle"
    assert len(world.told("answer")) == 1
    assert len(world.told("ran")) == 1
    assert world.json("permit", "ls") == []


@pytest.mark.timeout(120)
def test_c84_t60_a_queue_survives_kills(world: World) -> None:
    world.start()
    agent = world.run("wait 2s")
    for text in ("think one", "think two"):
        assert world.json("send", "--no-wait", agent, text)["queued"] is True
    world.kill_daemon()
    world.start()
    world.json("wait", agent)
    until(lambda: len(world.told("prompt")) == 3, "every prompt was told")
    assert [one["text"] for one in world.told("prompt")] == ["wait 2s", "think one", "think two"]
