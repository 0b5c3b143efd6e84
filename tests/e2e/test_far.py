"""The whole program against a daemon over TCP: every command, the screen, and a cable that is
pulled while they work."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import anyio
import pytest

from sereno.core.client.target import parse_target
from sereno.core.protocol.requests import SendMessage
from sereno.core.security.passwords import hash_new
from sereno.tui.cli import exits
from sereno.tui.link import DaemonLink
from sereno.tui.link_pace import far
from sereno.tui.model import FleetModel, Phase
from sereno.tui.remote import Remote
from tests.core.daemon.net import port_of
from tests.e2e.cable import Cable
from tests.e2e.harness import World, terminal, until

pytestmark = pytest.mark.timeout(120)

PASSWORD = "a-long-password.of-ours"


@pytest.fixture
def guarded(world: World) -> None:
    """The daemon wants PASSWORD; its hash is a cheap one, this is about clients."""
    world.configure(f'[daemon.auth]\npassword = "{hash_new(PASSWORD, 4)}"\n')


@pytest.fixture
def cable(world: World) -> Iterator[Cable]:
    """To the daemon of the world, which runs."""
    world.serve()
    with Cable(port_of(world.home)) as made:
        yield made


def far_away(world: World, cable: Cable) -> None:
    """From now on commands of the world find no daemon but through the cable."""
    world.env |= {"SERENO_HOST": cable.host, "SERENO_HOME": str(world.root / "another home")}


def test_c05_every_command_works_from_afar(world: World, cable: Cable) -> None:
    folder = str(world.work)
    far_away(world, cable)
    done = world.sereno("run", "--cwd", folder, "--provider", "demo", "--title", "One", "show")
    assert done.stdout.startswith("# What I can draw\n")
    (listed,) = world.json("ls")
    agent = listed["id"]
    assert world.sereno("ls", "-q").stdout == f"{agent}\n"
    assert world.sereno("send", "One", "think about it").stdout == "I have thought about it.\n"
    assert world.json("wait", agent)["status"] == "idle"
    assert "What I can draw" in world.sereno("logs", agent).stdout
    assert world.json("inspect", agent)["id"] == agent
    assert any(one["id"] == "demo" for one in world.json("provider", "ls"))
    world.sereno("provider", "models", "demo")
    asking = world.json("run", "-d", "--cwd", folder, "--provider", "demo", "ask may I")["id"]
    world.sereno("wait", asking, code=exits.ASKS)
    assert world.json("permit", "ls")[0]["agentId"] == asking
    world.sereno("permit", "deny", asking)
    world.sereno("wait", asking)
    assert world.json("daemon", "status")["running"] is True
    assert world.json("audit", "verify")["ok"] is True
    world.sereno("import", "--cwd", folder)
    world.sereno("park", agent)
    world.sereno("archive", asking)
    world.sereno("unarchive", asking)
    world.sereno("stop", "--all", "--end")
    world.sereno("delete", "-y", asking)
    assert [one["id"] for one in world.json("ls", "-a")] == [agent]
    world.sereno("doctor", code=exits.USAGE)
    assert not (world.root / "another home").exists()


def test_password_of_a_real_daemon(world: World, guarded: None, cable: Cable) -> None:
    secret = world.root / "secret"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    token = (world.home.root / "auth_token").read_text().strip()
    far_away(world, cable)
    refused = world.sereno("ls", code=exits.REFUSED)
    assert "wants a password or a token" in refused.stderr
    assert world.sereno("ls", "--password-file", str(secret)).stdout == ""
    world.env["SERENO_PASSWORD"] = "not-this-one-of-ours"
    refused = world.sereno("ls", "--json", code=exits.REFUSED)
    assert json.loads(refused.stderr)["code"] == "unauthorized"
    world.env["SERENO_TOKEN"] = token
    world.sereno("ls")


def test_nothing_is_lost_or_said_twice_when_the_cable_is_pulled(world: World, cable: Cable) -> None:
    agent = world.run("wait 1s then stream 400 tools of 50 bytes")
    far_away(world, cable)
    waiting = world.popen("wait", agent, "--json")
    # The upgrade, the hello, which agent it is, and the wait itself.
    until(lambda: cable.said[:1] >= [4], "it waits")
    following = world.popen("attach", agent, "--json", "--tail", "1000")
    assert following.stdout is not None
    first = following.stdout.readline()
    cable.cut()
    until(lambda: _settled(world, agent), "the agent is done, seen by nobody")
    cable.mend()
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, json.loads(out)["status"]) == (0, "idle"), err
    lines = [first]
    while "event 000400" not in lines[-1]:
        lines.append(following.stdout.readline())
        assert lines[-1], "it ended before the last event"
    rows = [one["seq"] for one in map(json.loads, lines) if "seq" in one]
    assert rows == sorted(set(rows))
    numbers = [f"event {n:06d}" for n in range(1, 401)]
    text = "".join(lines)
    assert [number for number in numbers if number not in text] == []
    following.send_signal(signal.SIGINT)
    assert following.wait(20) == 0


def _settled(world: World, agent: str) -> bool:
    """Asked on the daemon's own socket."""
    with world.client() as client:
        from sereno.tui.cli.link import fetch

        found = fetch(client, agent)
    return found is not None and found.status == "idle"


async def test_the_link_of_the_screen_connects_again_and_has_everything(
    world: World, cable: Cable
) -> None:
    agent = world.run("show")
    remote = Remote(parse_target(cable.host))
    link = DaemonLink(remote.connect, start=remote.start, remote=cable.host, pace=far())
    model = FleetModel()

    async def reached(phase: Phase, words: str = "") -> None:
        with anyio.fail_after(30):
            while model.connection.phase is not phase or words not in model.connection.words:
                await anyio.sleep(0.01)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run, model)
        await reached(Phase.READY)
        assert model.connection.short == cable.host
        link.follow([agent])
        cable.cut()
        await reached(Phase.LOST, "trying again in ")
        assert model.connection.short == f"no link to {cable.host}"
        await anyio.to_thread.run_sync(_prompt, world, agent)
        cable.mend()
        await link.start_daemon()  # ctrl+x r: now, not in some seconds.
        await reached(Phase.READY)
        with anyio.fail_after(30):
            while "I have thought about it." not in _told(model, agent):
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


def _prompt(world: World, agent: str) -> None:
    with world.client() as client:
        client.request(SendMessage(request_id="", agent_id=agent, text="think about it"))
    until(lambda: _settled(world, agent), "the turn is over")


def _told(model: FleetModel, agent: str) -> str:
    return "\n".join(str(block.text) for block in model.agents[agent].timeline.blocks)


@pytest.mark.tmux
def test_the_screen_from_afar(world: World, cable: Cable) -> None:
    world.run("show", "--title", "Far agent")
    far_away(world, cable)
    with terminal(world) as window:
        window.shows("Far agent")
        window.shows(cable.host)
        cable.cut()
        window.shows("trying again")
        window.shows("no link to")
        cable.mend()
        until(lambda: "trying again" not in window.screen(), "it is connected again")
        window.shows("Far agent")
        window.keys("q")
        window.shows(f"left {cable.host}.")


@pytest.mark.tmux
def test_a_password_is_asked_for_before_the_screen_opens(
    world: World, guarded: None, cable: Cable
) -> None:
    far_away(world, cable)
    with terminal(world) as window:
        window.shows("Password or token of")
        window.type("no")
        window.keys("Enter")
        window.shows("that was not the password")
        window.type(PASSWORD)
        window.keys("Enter")
        window.shows("First task")
        assert PASSWORD not in window.screen()
