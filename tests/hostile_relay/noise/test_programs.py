"""Daemon and command line as they are, and an enemy for a relay: over our own channel nothing can
be read, played again or changed, and nobody can be put in the daemon's place (C-11, C-12, C-20,
C-24; T01 to T03, T05 to T07, T13).
"""

from __future__ import annotations

import itertools
import json
import subprocess

import pytest

from sereno.relay_client.noise.daemon import DaemonChannel
from sereno.relay_client.noise.offer3 import Offer3
from sereno.relay_client.noise.padding import BUCKETS
from sereno.relay_client.noise.proofs import OfferSecret
from tests.e2e.harness import World, until
from tests.hostile_relay.noise.enemy import LIMIT_S, Change, Enemy, Frame, Session, as_it_is
from tests.relay_client.noise.links import STRANGER, counting, frames

pytestmark = pytest.mark.timeout(180)
PROMPT = "A-MARKER-OF-OURS"


def from_afar(
    world: World, link: str, *command: str, code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    here = world.env
    world.env = here | {"SERENO_HOST": link, "SERENO_HOME": str(world.root / "laptop")}
    try:
        return world.sereno(*command, code=code)
    finally:
        world.env = here


def order(world: World, link: str, prompt: str, code: int | None = 0) -> int:
    """Has an agent do something; the exit code."""
    words = ("run", "-d", "--cwd", str(world.work), "--provider", "demo", prompt)
    return from_afar(world, link, *words, code=code).returncode


def done(world: World, prompt: str) -> int:
    """How often an agent was told that."""
    return sum(prompt in json.dumps(one) for one in world.told("prompt"))


def agents(world: World) -> int:
    """How many were made, whether they were told anything yet or not."""
    found: list[object] = world.json("ls", "-a")
    return len(found)


def offered(world: World) -> str:
    return str(world.json("pair", "--for", "sereno", "--yes")["url"])


def test_c11_c13_c20_c22_c24_t01_t05_t13_all_is_written_down_and_played_again(
    world: World, enemy: Enemy
) -> None:
    link = offered(world)
    order(world, link, PROMPT)
    from_afar(world, link, "ls")
    until(lambda: done(world, PROMPT), "the order is carried out")
    offer = Offer3.parse(link)
    seen = enemy.wire()
    assert len(enemy.sessions) >= 2
    assert all(isinstance(frame, bytes) for frame in seen)
    assert {len(frame) for frame in seen} <= {48, *BUCKETS}
    everything = b"".join(frame for frame in seen if isinstance(frame, bytes))
    for marker in (PROMPT, '"type"', "agent", "client", "Sereno on"):
        assert marker.encode() not in everything
    for secret in (offer.secret, offer.public_key):
        assert secret not in everything
    recorded = list(enemy.sessions)
    for restarted in (False, True):
        if restarted:
            world.kill_daemon()
            world.serve()
        for one, place in itertools.product(recorded, enemy.waiting()):
            played = enemy.play(one, place)
            assert [len(frame) for frame in played.of_daemon] == [48], "more than a greeting"
    from_afar(world, link, "ls")
    assert (agents(world), done(world, PROMPT)) == (1, 1)


def flipped(_: Session, __: int, frame: Frame) -> list[Frame]:
    assert isinstance(frame, bytes)
    return [bytes([frame[0] ^ 1]) + frame[1:]]


def twice(_: Session, __: int, frame: Frame) -> list[Frame]:
    return [frame, frame]


def reflected(session: Session, _: int, __: Frame) -> list[Frame]:
    return [session.of_daemon[-1]]


class Once:
    """Changes what one session says after its greetings and its hello."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self.session: Session | None = None

    def __call__(self, session: Session, number: int, frame: Frame) -> list[Frame]:
        if number < 3 or self.session not in (None, session):
            return [frame]
        self.session = session
        return self._change(session, number, frame)


def test_c12_t02_t06_t07_what_is_changed_is_never_done(world: World, enemy: Enemy) -> None:
    """An order passes or it does not; what went wrong is told; nothing is done twice."""
    link = offered(world)
    order(world, link, "first")
    made = 1
    for change in (flipped, twice, reflected):
        enemy.change = once = Once(change)
        code = order(world, link, change.__name__, code=None)
        assert once.session is not None, "nothing was changed"
        assert once.session.over.wait(LIMIT_S), "the channel goes on after that"
        before, made = made, agents(world)
        assert made - before in ((0, 1) if change is twice else (0,))
        assert made > before or code != 0
    enemy.change = as_it_is
    order(world, link, "last")
    until(lambda: done(world, "last"), "the order is carried out")
    assert agents(world) == made + 1
    assert [done(world, one) for one in ("flipped", "reflected")] == [0, 0]
    assert done(world, "twice") <= 1


def test_t03_a_relay_in_the_daemons_place(world: World, enemy: Enemy) -> None:
    link = offered(world)
    offer = Offer3.parse(link)

    def answer(session: Session, number: int, frame: Frame) -> list[Frame]:
        """With a key of its own, by a handshake that it could make."""
        own = DaemonChannel(
            STRANGER.secret, OfferSecret(offer.secret), offer.server_id, counting(), 0.0
        )
        [reply] = frames(own.receive(frame, 0.0)) or [bytes(48)]
        assert session.client is not None
        session.client.send(reply)
        return []

    enemy.change = answer
    refused = from_afar(world, link, "ls", "--json", code=None)
    assert refused.returncode != 0
    assert json.loads(refused.stderr.splitlines()[-1])["code"] == "identity_mismatch"
    assert {len(one.of_client) for one in enemy.sessions} == {1}, "something was sent after it"
    enemy.change = as_it_is
    from_afar(world, link, "ls")
