"""Each command as a program against the real daemon and the demo agent."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.tui.cli import exits
from tests.e2e.harness import World, alive, until


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One daemon for all; each test makes agents of its own."""
    with tempfile.TemporaryDirectory(prefix="sereno-cli-") as folder:
        made = World(Path(folder))
        daemon = None
        try:
            daemon = made.serve()
            yield made
            made.sereno("stop", "--all", "--end")
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0
        finally:
            made.end()
            if daemon is not None:
                daemon.wait(20)


def test_run_prints_the_answer(world: World) -> None:
    done = world.sereno("run", "--provider", "demo", "--title", "A run", "show")
    assert done.stdout.startswith("# What I can draw\n")
    assert done.stdout.endswith("> Everything here was made without a model.\n")
    assert done.stderr == ""


def test_run_json_and_the_lists(world: World) -> None:
    value = world.json("run", "--provider", "demo", "--label", "team=web", "show")
    assert (value["status"], value["error"]) == ("completed", None)
    assert "Everything here was made without a model." in value["answer"]
    (listed,) = [one for one in world.json("ls") if one["id"] == value["id"]]
    assert (listed["labels"], listed["needs"], listed["status"]) == (
        {"team": "web"},
        "done",
        "idle",
    )
    assert listed["cwd"] == str(world.work)
    assert value["id"] in world.sereno("ls", "-q").stdout.split()
    assert value["id"][:8] in world.sereno("ls").stdout


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("fail out of luck", "out of luck"),
        ("crash 7", "exit code 7"),
        ("cut", "ended by itself"),
    ],
)
def test_a_failing_agent_fails_the_command(world: World, prompt: str, words: str) -> None:
    done = world.sereno("run", "--provider", "demo", prompt, code=exits.AGENT_FAILED)
    assert words in done.stderr
    value = world.json("run", "--provider", "demo", prompt, code=exits.AGENT_FAILED)
    assert value["status"] == "failed"
    assert words in value["error"]


@pytest.mark.parametrize("prompt", ["garbage 5", "half", "flood 2000", "deaf", "hostile"])
def test_a_rude_agent_does_not(world: World, prompt: str) -> None:
    done = world.sereno("run", "--provider", "demo", prompt)
    assert "\x1b" not in done.stdout + done.stderr


def test_send_waits_for_its_own_turn(world: World) -> None:
    agent = world.run("wait 4s then show")
    done = world.sereno("send", agent, "think about it")
    assert done.stdout == "I have thought about it.\n"
    assert "waits for the running turn" in done.stderr
    assert [one["text"] for one in world.told("prompt")][-2:] == [
        "wait 4s then show",
        "think about it",
    ]


def test_send_now_interrupts(world: World) -> None:
    agent = world.run("hang")
    world.sereno("wait", agent, "--timeout", "0.2", code=exits.TIMEOUT)
    assert world.sereno("send", agent, "--now", "think hard").stdout == "I have thought about it.\n"
    sent = world.json("send", agent, "--no-wait", "show")
    assert sorted(sent) == ["agentId", "id", "queued"]
    assert world.json("wait", agent)["status"] == "idle"


def test_wait_tells_what_it_found(world: World) -> None:
    done = world.run("show")
    value = world.json("wait", done)
    assert (value["id"], value["status"], value["error"]) == (done, "idle", None)
    assert "without a model" in value["lastMessage"]
    failing = world.run("fail")
    assert world.json("wait", failing, code=exits.AGENT_FAILED)["status"] == "error"
    asking = world.run("ask may I")
    assert world.json("wait", asking, code=exits.ASKS)["status"] == "permission"
    world.sereno("permit", "deny", asking)
    world.sereno("wait", asking)


def test_permission(world: World) -> None:
    agent = world.run("run touch made-by-agent")
    world.sereno("wait", agent, code=exits.ASKS)
    assert not (world.work / "made-by-agent").exists()
    listed = world.sereno("permit", "ls").stdout
    assert "  | touch made-by-agent" in listed
    (entry,) = [one for one in world.json("permit", "ls") if one["agentId"] == agent]
    assert entry["state"] == "open"
    done = world.sereno("permit", "allow", agent, entry["id"])
    assert "touch made-by-agent" in done.stdout
    assert "allowed by you" in done.stdout
    world.sereno("wait", agent)
    assert (world.work / "made-by-agent").exists()
    (closed,) = [one for one in world.json("permit", "ls", "-a") if one["agentId"] == agent]
    assert closed["state"] == "answered"
    assert closed["response"]["behavior"] == "allow"
    world.sereno("permit", "allow", agent, entry["id"], code=exits.NOT_FOUND)


def test_two_answers_at_once_and_one_wins(world: World) -> None:
    agent = world.run("ask may I")
    world.sereno("wait", agent, code=exits.ASKS)
    answers = [world.popen("permit", verb, agent) for verb in ("allow", "deny", "allow", "deny")]
    codes = []
    for answer in answers:
        out, err = answer.communicate(timeout=30)
        codes.append(answer.returncode)
        assert answer.returncode in (0, exits.ANSWERED_ELSEWHERE, exits.NOT_FOUND), (out, err)
    assert codes.count(0) == 1
    until(lambda: [a for a in world.told("answer") if a], "the agent has its answer")
    (closed,) = [one for one in world.json("permit", "ls", "-a") if one["agentId"] == agent]
    won = answers[codes.index(0)].args
    assert closed["response"]["behavior"] in list(won)  # type: ignore[arg-type]
    world.sereno("wait", agent)


def test_run_without_a_terminal_ends_when_it_asks(world: World) -> None:
    done = world.sereno("run", "--provider", "demo", "run echo hi", code=exits.ASKS)
    assert "  | echo hi" in done.stderr
    assert "sereno permit allow" in done.stderr
    world.sereno("permit", "deny", world.json("ls")[0]["id"], "-m", "no")


def test_stop_and_end(world: World) -> None:
    agent = world.run("hang")
    world.sereno("wait", agent, "--timeout", "0.2", code=exits.TIMEOUT)
    assert world.json("stop", agent)["interrupted"] is True
    assert world.json("wait", agent)["status"] == "idle"
    before = world.json("inspect", agent)
    assert before["agentPid"] in [row["pid"] for row in before["processes"]]
    assert before["memoryKib"] > 0
    ended = world.json("stop", agent, "--end")
    assert (ended["ended"], ended["remaining"]) == (True, [])
    assert not alive(before["agentPid"])
    after = world.json("inspect", agent)
    assert (after["agentPid"], after["status"], after["processes"]) == (None, "closed", [])
    assert world.sereno("send", agent, "think hard").stdout == "I have thought about it.\n"
    assert world.json("inspect", agent)["run"] == 2


def test_stop_all(world: World) -> None:
    agents = {world.run("hang"), world.run("hang")}
    for agent in agents:
        world.sereno("wait", agent, "--timeout", "0.2", code=exits.TIMEOUT)
    assert {one["id"] for one in world.json("stop", "--all")} >= agents
    for agent in agents:
        world.sereno("wait", agent)


def test_archive_and_delete(world: World) -> None:
    agent = world.run("hang")
    world.sereno("wait", agent, "--timeout", "0.2", code=exits.TIMEOUT)
    refused = world.sereno("archive", agent, code=exits.FAILED)
    assert "is busy" in refused.stderr
    assert world.json("archive", agent, "--force")["id"] == agent
    assert agent not in world.sereno("ls", "-q").stdout
    assert agent in world.sereno("ls", "-aq").stdout
    assert "archived already" in world.sereno("archive", agent, code=exits.FAILED).stderr
    assert world.json("unarchive", agent)["id"] == agent
    assert agent in world.sereno("ls", "-q").stdout
    assert len(world.sereno("logs", agent, "--json").stdout.splitlines()) > 0
    assert world.json("delete", agent) == {"id": agent, "deleted": True}
    assert agent not in world.sereno("ls", "-aq").stdout
    world.sereno("logs", agent, code=exits.NOT_FOUND)


def test_logs(world: World) -> None:
    agent = world.run("stream 30 tools then show")
    world.sereno("wait", agent)
    items = [json.loads(line) for line in world.sereno("logs", agent, "--json").stdout.splitlines()]
    assert [item["type"] for item in items[:2]] == ["user_message", "tool_call"]
    calls = [item["name"] for item in items if item["type"] == "tool_call"]
    assert len(calls) == 30
    entries = world.sereno("logs", agent, "--json", "--entries").stdout.splitlines()
    assert [json.loads(line)["seqStart"] for line in entries] == list(range(1, len(entries) + 1))
    only = world.sereno("logs", agent, "--filter", "prompts").stdout
    assert only == "> stream 30 tools then show\n"
    last = world.sereno("logs", agent, "--tail", "1").stdout
    assert last.startswith("# What I can draw")
    assert world.sereno("logs", agent, "--tail", "0").stdout == ""


def test_logs_follow_sees_everything_once(world: World) -> None:
    agent = world.run("wait 1s then stream 200 tools")
    following = world.popen("logs", "-f", "--json", "--entries", agent)
    assert following.stdout is not None
    seen: list[int] = []
    while len(seen) < 201:
        entry = json.loads(following.stdout.readline())
        seen.append(entry["seqStart"])
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=20)
    assert following.returncode == 0
    assert seen == list(range(1, 202))


def test_attach_shows_a_request_and_the_end(world: World) -> None:
    agent = world.run("ask may I")
    world.sereno("wait", agent, code=exits.ASKS)
    attached = world.popen("attach", agent)
    assert attached.stdout is not None
    lines: list[str] = []
    while "sereno permit allow" not in "".join(lines):
        lines.append(attached.stdout.readline())
    world.sereno("permit", "allow", agent)
    while "- done\n" not in lines:
        lines.append(attached.stdout.readline())
    attached.send_signal(signal.SIGINT)
    attached.communicate(timeout=20)
    assert attached.returncode == 0


def test_providers(world: World) -> None:
    known = {one["id"]: one for one in world.json("provider", "ls")}
    assert known["demo"]["status"] == "ready"
    assert known["claude"]["status"] in ("unavailable", "ready")
    assert "demo" in world.sereno("provider", "ls").stdout
    models = world.json("provider", "models", "demo")
    assert [model["id"] for model in models] == ["demo-1", "demo-2"]
    wrong = world.sereno("provider", "models", "dmeo", code=exits.NOT_FOUND)
    assert "Did you mean `demo`?" in wrong.stderr
    wrong = world.sereno("run", "--provider", "dmeo", "hi", code=exits.NOT_FOUND)
    assert "Did you mean `demo`?" in wrong.stderr


def test_model_mode_and_thinking(world: World) -> None:
    options = ("--model", "demo-1", "--mode", "accept-edits", "--thinking", "high")
    agent = world.run("write made.txt hello", *options)
    assert world.json("wait", agent)["status"] == "idle"
    assert (world.work / "made.txt").exists()
    assert world.json("inspect", agent)["mode"] == "accept-edits"


def test_ambiguous_titles(world: World) -> None:
    made = {world.run("show", "--title", "Twins") for _ in range(2)}
    result = world.sereno("inspect", "Twins", code=exits.NOT_FOUND)
    assert all(agent[:8] in result.stderr for agent in made)


def test_daemon_status_doctor_and_audit(world: World) -> None:
    status = world.json("daemon", "status")
    assert (status["running"], status["pid"]) == (True, world.daemon_pid())
    checks = {check["id"]: check for check in world.json("doctor")["checks"]}
    assert checks["daemon"]["status"] == "ok"
    assert checks["home"]["status"] == "ok"
    verified = world.json("audit", "verify")
    assert verified["ok"] is True
    assert verified["entries"] > 0


def test_ctrl_c_leaves_run_and_the_agent_goes_on(world: World) -> None:
    running = world.popen(
        "run", "--provider", "demo", "--title", "Left", "show then wait 1s then stream 5 tools"
    )
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == exits.INTERRUPTED
    assert "the agent goes on" in err
    world.sereno("wait", "Left")
    assert world.sereno("logs", "Left", "--filter", "tools").stdout.count("event 0000") == 5


def test_a_closed_pipe_is_no_error(world: World) -> None:
    agent = world.run("stream 500 tools")
    world.sereno("wait", agent)
    logs = world.popen("logs", agent)
    head = subprocess.Popen(["head", "-n", "1"], stdin=logs.stdout, stdout=subprocess.DEVNULL)
    assert logs.stdout is not None
    assert logs.stderr is not None
    logs.stdout.close()
    assert head.wait(20) == 0
    assert logs.stderr.read() == ""
    assert logs.wait(20) == 0
    logs.stderr.close()
