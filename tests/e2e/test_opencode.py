"""A real agent program of somebody else through the whole of Sereno: OpenCode, a scripted model."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from sereno.tui.cli import exits
from tests.e2e.harness import World, alive, until
from tests.e2e.model_server import ModelServer, prompt_with
from tests.e2e.model_server.opencode import opencode_environment, opencode_program
from tests.e2e.model_server.thread import running_models

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

TURN_S = 90.0


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with running_models() as server:
        yield server


@pytest.fixture
def opencode(world: World, models: ModelServer) -> World:
    program = opencode_program()
    assert program is not None
    environment = opencode_environment(world.root / "opencode", models.url)
    table = ", ".join(f"{name} = {json.dumps(value)}" for name, value in environment.items())
    command = json.dumps([str(program), "acp"])
    world.configure(f"[providers.opencode]\ncommand = {command}\nenv = {{ {table} }}\n")
    world.start()
    return world


def test_prompt_permission_answer_and_resume_over_kill_9(
    opencode: World, models: ModelServer
) -> None:
    world = opencode
    prompt = prompt_with("hello", {"thinking": "hm", "text": "Hi, you."})
    hello = world.sereno("run", "--provider", "opencode", prompt, limit_s=TURN_S)
    assert hello.stdout == "Hi, you.\n"
    assert "hm" in hello.stderr
    agent = world.json("ls")[0]["id"]

    shell = {"kind": "shell", "command": "touch made; echo made"}
    prompt = prompt_with("make", {"tool": shell}, {"text": "It is made."})
    asked = world.sereno("send", agent, prompt, code=exits.ASKS, limit_s=TURN_S)
    assert "  | touch made; echo made" in asked.stderr
    before = world.json("inspect", agent)

    world.kill_daemon()
    assert alive(before["agentPid"])
    world.start()
    assert not (world.work / "made").exists()
    (entry,) = world.json("permit", "ls")
    assert entry["agentId"] == agent
    world.sereno("permit", "allow", agent)
    done = world.json("wait", agent)
    assert (done["status"], done["lastMessage"]) == ("idle", "It is made.")
    assert (world.work / "made").exists()
    after = world.json("inspect", agent)
    assert (after["agentPid"], after["run"]) == (before["agentPid"], 1)

    os.kill(after["agentPid"], signal.SIGKILL)
    until(lambda: world.json("inspect", agent)["agentPid"] is None, "its death was noticed")
    again = world.sereno(
        "send", agent, prompt_with("and now", {"text": "I remember."}), limit_s=TURN_S
    )
    assert again.stdout == "I remember.\n"
    assert world.json("inspect", agent)["run"] == 2
    prompts = world.sereno("logs", agent, "--filter", "prompts").stdout
    assert prompts.count("> ") == 3
    answers = world.sereno("logs", agent, "--filter", "answers").stdout
    assert answers.count("Hi, you.") == 1
    assert answers.count("It is made.") == 1

    shell = {"kind": "shell", "command": "touch never"}
    prompt = prompt_with("again", {"tool": shell}, {"text": "never"})
    world.sereno("send", agent, prompt, code=exits.ASKS, limit_s=TURN_S)
    world.sereno("permit", "deny", agent, "--interrupt")
    world.sereno("wait", agent)
    assert not (world.work / "never").exists()
    ended = world.json("stop", "--end", agent)
    assert (ended["ended"], ended["remaining"]) == (True, [])


def test_a_prompt_in_flight_over_kill_9_is_told_once(opencode: World, models: ModelServer) -> None:
    world = opencode
    slow = prompt_with("slow", {"text": "word " * 60}, delay_ms=40)
    agent = world.json("run", "-d", "--provider", "opencode", slow)["id"]
    until(models.turns, "the model was asked", TURN_S)
    world.kill_daemon()
    world.start()
    done = world.json("wait", agent)
    assert done["status"] == "idle"
    assert done["lastMessage"].split() == ["word"] * 60
    assert len(models.turns()) == 1
