"""The whole program through a relay: commands, the screen, an official app; a relay that dies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from sereno.core.client.target import parse_target
from sereno.core.protocol.messages import FetchAgentsResult, RpcError, ServerInfo
from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    ReadPairing,
    ReadPairingResult,
)
from sereno.relay_client.connector import SocketClosed
from sereno.tui.cli import exits
from tests.e2e.harness import World, terminal, until
from tests.e2e.relay import Relay, relay_for
from tests.relay_client.app import Apps

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def relay(world: World) -> Iterator[Relay]:
    with relay_for(world) as made:
        world.serve()
        yield made


def offered(world: World, kind: str, *options: str) -> str:
    """The link of a new offer."""
    made = world.json("pair", "--for", kind, *options)
    assert made["expiresAt"]
    return str(made["url"])


def far_away(world: World, link: str, home: str = "laptop") -> dict[str, str]:
    """From now on commands of the world go through the relay; gives how it was before."""
    before = world.env
    world.env = before | {"SERENO_HOST": link, "SERENO_HOME": str(world.root / home)}
    return before


def refused(world: World, code: int | None = None) -> str:
    """Why a command from afar is not let in."""
    failed = world.sereno("ls", "--json", code=code)
    assert failed.returncode != 0
    return str(json.loads(failed.stderr.splitlines()[-1])["code"])


def devices(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.json("device", "ls")
    return found


def test_c05_c15_t04_a_link_lets_one_device_in_and_no_other(world: World, relay: Relay) -> None:
    link = offered(world, "sereno", "--yes", "--name", "Laptop")
    here = far_away(world, link)
    first = world.sereno("run", "--cwd", str(world.work), "--provider", "demo", "show")
    assert first.stdout.startswith("# What I can draw\n")
    assert "these words stand at the daemon too" in first.stderr
    again = world.sereno("ls", "-q")
    assert "words" not in again.stderr, "it is known by now"
    paired = first.stderr.partition("--host ")[2].split()[0]
    far_away(world, paired)
    assert world.sereno("ls", "-q").stdout == again.stdout
    far_away(world, link, "thief")
    assert refused(world, exits.REFUSED) == "link_dead"
    world.env = here
    (device,) = devices(world)
    assert (device["name"], device["rights"]) == ("Laptop", "operator")


def test_t28_a_typed_code_lets_in_and_a_wrong_one_ends_it(world: World, relay: Relay) -> None:
    code, other = (world.json("pair", "--for", "sereno", "--yes")["code"] for _ in range(2))
    number, *words = other.split("-")
    wrong = "-".join([number, words[1], words[0], "abandon"])
    here = far_away(world, code)
    world.env |= {"SERENO_RELAY_ENDPOINT": relay.endpoint}
    first = world.sereno("ls", "-q")
    assert "these words stand at the daemon too" in first.stderr
    paired = first.stderr.rpartition("--host ")[2].split()[0]
    world.env |= {"SERENO_HOST": paired}
    assert world.sereno("ls", "-q").stderr == ""
    world.env |= {"SERENO_HOST": wrong, "SERENO_HOME": str(world.root / "guesser")}
    assert refused(world, exits.REFUSED) == "wrong_code"
    world.env = here
    with world.client() as client:
        found = client.request(ReadPairing(request_id=""))
        assert isinstance(found, ReadPairingResult)
    assert [one.ended for one in found.state.offers if one.device_id is None] == ["guessed"]


def test_c54_a_revoked_device_is_out_and_the_other_goes_on(world: World, relay: Relay) -> None:
    one, two = (offered(world, "sereno", "--yes", "--name", name) for name in ("One", "Two"))
    here = far_away(world, one, "one")
    world.sereno("ls")
    folder = str(world.work)
    made = world.json("run", "-d", "--cwd", folder, "--provider", "demo", "show")
    watching = world.popen("attach", made["id"], "--json")
    assert watching.stdout is not None
    assert watching.stdout.readline()
    world.env = here
    far_away(world, two, "two")
    world.sereno("ls")
    world.env = here
    (revoked,) = [one for one in devices(world) if one["name"] == "One"]
    world.sereno("device", "revoke", "--yes", revoked["id"])
    assert watching.wait(10) != 0
    far_away(world, one, "one")
    assert refused(world) in ("daemon_away", "link_dead")
    world.env = here
    far_away(world, two, "two")
    world.sereno("ls")


def test_c27_rotation_ends_every_link(world: World, relay: Relay) -> None:
    link = offered(world, "sereno", "--yes")
    here = far_away(world, link)
    world.sereno("ls")
    world.env = here
    world.sereno("pair", "rotate", "--yes")
    assert devices(world) == []
    far_away(world, link)
    assert refused(world) in ("daemon_away", "link_dead")


@pytest.fixture
async def apps() -> AsyncIterator[Apps]:
    async with Apps() as made:
        yield made


async def test_c05_c11_an_official_app_pairs_works_and_is_bound(
    world: World, relay: Relay, apps: Apps
) -> None:
    link = await anyio.to_thread.run_sync(offered, world, "app", "--yes")
    app = await apps.scan(link)
    info = await app.greet("cid_phone")
    assert isinstance(info, ServerInfo)
    assert isinstance(await app.ask("fetch_agents_request"), FetchAgentsResult)
    no = await app.ask("sereno.pairing.read.request")
    assert isinstance(no, RpcError), "a phone never looks at who else is let in"
    other = await apps.scan(link)
    await other.knock("cid_thief")
    with pytest.raises(SocketClosed):
        await other.hear()
    again = await apps.scan(link)
    assert await again.greet("cid_phone") == info


async def test_t05_a_recorded_session_is_dead_after_a_crash_too(
    world: World, relay: Relay, apps: Apps
) -> None:
    link = await anyio.to_thread.run_sync(offered, world, "app", "--yes")
    app = await apps.scan(link)
    await app.greet()
    made = await app.ask(
        "create_agent_request",
        config={"provider": "demo", "cwd": str(world.work)},
        initialPrompt="show",
    )
    assert not isinstance(made, RpcError)
    await app.hang_up()
    for crashed in (False, True):
        if crashed:
            await anyio.to_thread.run_sync(world.kill_daemon)
            await anyio.to_thread.run_sync(world.serve)
        with pytest.raises(SocketClosed):
            await (await apps.scan(link)).replay(app.recorded)
    later = await apps.scan(link)
    await later.greet()
    found = await later.ask("fetch_agents_request")
    assert isinstance(found, FetchAgentsResult)
    assert len(found.entries) == 1


async def test_the_question_outlives_the_socket(world: World, relay: Relay, apps: Apps) -> None:
    """One attempt of ten seconds is all that an app makes; the yes counts for the next one."""
    link = await anyio.to_thread.run_sync(offered, world, "app")
    app = await apps.scan(link)
    await app.knock("cid_phone")
    await app.hang_up()
    await anyio.to_thread.run_sync(_say_yes, world)
    again = await apps.scan(link)
    assert isinstance(await again.greet("cid_phone"), ServerInfo)


def _say_yes(world: World) -> None:
    with world.client() as client:

        def asked() -> str | None:
            found = client.request(ReadPairing(request_id=""))
            assert isinstance(found, ReadPairingResult)
            return found.state.questions[0].id if found.state.questions else None

        question = until(asked, "somebody asks")
        assert question is not None
        told = AnswerQuestion(request_id="", question_id=question, allow=True)
        answer = client.request(told)
        assert isinstance(answer, AnswerQuestionResult)
        assert answer.device is not None


@pytest.mark.tmux
def test_c05_the_screen_through_a_relay_that_is_killed_mid_turn(world: World, relay: Relay) -> None:
    link = offered(world, "sereno", "--yes")
    agent = world.run("wait 4s then stream 300 tools of 20 bytes", "--title", "Far agent")
    far_away(world, link)
    with terminal(world) as window:
        window.shows("Far agent")
        window.keys("Enter")
        relay.kill()
        window.shows("trying again")
        relay.start()
        window.shows("event 000300", 60)
    assert parse_target(link).relayed
    assert agent
