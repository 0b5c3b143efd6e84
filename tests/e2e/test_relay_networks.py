"""The screen here, the daemon there, a relay between: each in a network of its own, and the relay
is killed and comes back while a turn runs."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.harness import World, terminal
from tests.e2e.networks import Network, three_networks
from tests.e2e.relay import Relay

pytestmark = [pytest.mark.timeout(180), pytest.mark.linux, pytest.mark.ip, pytest.mark.tmux]


def reaches(network: Network, address: str) -> bool:
    code = f"import socket; socket.create_connection(('{address}', 9), 3)"
    tried = subprocess.run(
        [*network.inside, "python3", "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return "ConnectionRefusedError" in tried.stderr  # Somebody is there who says no.


def test_c06_c07_nothing_is_lost_when_the_relay_dies_during_a_turn(world: World) -> None:
    with three_networks() as (middle, there, here):
        assert reaches(here, "10.88.2.1")
        assert not reaches(here, "10.88.1.2"), "the relay is the only way"
        relay = Relay(world, "0.0.0.0")
        world.inside = middle.inside
        relay.start()
        del world.env["SERENO_LISTEN"]
        world.configure(
            "[daemon]\nlisten = []\n"
            "[daemon.relay]\nenabled = true\n"
            f'endpoint = "ws://10.88.1.1:{relay.port}"\n'
            f'public_endpoint = "10.88.2.1:{relay.port}"\n'
        )
        world.inside = there.inside
        world.serve()
        assert world.json("daemon", "status")["doors"] == []
        link = world.json("pair", "--for", "sereno", "--yes")["url"]
        world.run("wait 4s then stream 300 tools of 20 bytes", "--title", "Far agent")
        world.inside = here.inside
        world.env |= {"SERENO_HOST": link, "SERENO_HOME": str(world.root / "laptop")}
        with terminal(world) as window:
            window.shows("Far agent")
            window.keys("Enter")
            relay.kill()
            window.shows("trying again")
            world.inside = middle.inside
            relay.start()
            screen = window.shows("event 000300", 90)
            assert "event 000299" in screen
            window.keys("q")
