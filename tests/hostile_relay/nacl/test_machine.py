"""A relay that does whatever it likes, driven by Hypothesis, between the daemon's own parts and an
official app's channel, on sockets and over a database (C-12, C-23, C-24; T02, T05 to T09): nothing
is executed that was not sent, each at most once, whatever is restarted between. The same relay
finds the replay as soon as keys are not claimed, or nothing is encrypted.
"""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from sereno.relay_client.nacl.records import FRAMES, Random
from tests.hostile_relay.nacl.judged import Line
from tests.hostile_relay.nacl.wired import Wired
from tests.relay_client.nacl.hostile import End
from tests.relay_client.nacl.test_hostile import INJECTED, HostileRelay, picks

NONSENSE = ["", " ", "\x00", "x" * 201, "conn_1\n", 7, None, ["conn_1"]]
"""What is no name of a connection."""


class HostileNetwork(HostileRelay):
    """Does to sockets what the one that it comes from does to channels, and lies."""

    world: Wired
    world_type = Wired

    def teardown(self) -> None:
        self.world.end()

    @rule(crash=st.booleans())
    def session(self, crash: bool) -> None:
        """And the app's order is carried out, unless the daemon crashes."""
        world = self.world
        clients, done = len(world.clients), world.done
        super().session(crash)
        if len(world.clients) > clients and not crash:
            world.bring(world.connections[-1], world.clients[-1].recording[2])
            assert world.done == done + 1, "an order got lost through a relay that behaves"

    @rule(which=picks, how=st.sampled_from(["close", "cut", "say so"]))
    def hang_up(self, which: int, how: str) -> None:
        if line := self._line(which):
            self.world.hang_up(line, how)

    @rule(which=picks)
    def call_another_by_an_old_name(self, which: int) -> None:
        world = self.world
        line = self._line(which)
        if line is not None and world.daemon.ends[line.name].over:
            world.new_connection(line.name)

    @rule(which=picks, kind=st.sampled_from(["connected", "sync"]))
    def name_one_again(self, which: int, kind: str) -> None:
        line = self._line(which)
        if line is not None and not line.end.over and not line.cut:
            self.world.announce(kind, connectionId=line.name, connectionIds=[line.name])

    @rule(kind=st.sampled_from(["connected", "disconnected", "sync", "hello"]))
    def talk_nonsense(self, kind: str) -> None:
        for name in NONSENSE:
            self.world.announce(kind, connectionId=name, connectionIds=[name])

    @rule(which=picks, who=picks)
    def bring_twice(self, which: int, who: int) -> None:
        """What an app said last, to whom it spoke or to anybody."""
        if line := self._line(which):
            number = who % len(self.world.owners) if line.speaks_with is None else line.speaks_with
            self.world.flood(line, self.world.owners[number].recording[-1], 2)

    @rule(end=picks, what=st.sampled_from(INJECTED), frame=picks, own=st.booleans())
    def flood(self, end: int, what: str | bytes, frame: int, own: bool) -> None:
        self.world.flood(self._end(end), self._frame(frame) if own else what, 300)

    @rule(end=picks, size=st.sampled_from([60_000, 70_000]))
    def bring_much(self, end: int, size: int) -> None:
        self.world.flood(self._end(end), "A" * size, 20)

    def _line(self, which: int) -> Line | None:
        there = self.world.lines
        return there[which % len(there)] if there else None


def test_t02_t05_t06_t07_t08_t09_c12_c23_c24_through_a_hostile_relay() -> None:
    run_state_machine_as_test(
        HostileNetwork, settings=settings(max_examples=10, stateful_step_count=25)
    )


class Trusting(Wired):
    trusting = True


class AgainstTrusting(HostileNetwork):
    world_type = Trusting


class Bare:
    """Records that seal nothing."""

    def __init__(self, shared: bytes, random: Random, frames: int = FRAMES) -> None:
        pass

    def seal(self, message: bytes) -> bytes:
        return message

    open = seal


class Onlooker(Wired):
    """Sees what is done twice, and passes over the rest."""

    def _delivered(self, end: End, message: str | bytes) -> None:
        if message in self._commands:
            assert isinstance(end, Line)
            end.speaks_with = None
            super()._delivered(end, message)

    def _acts(self) -> None:
        fleet = self.daemon.door.fleet
        fleet.acts = [act for act in fleet.acts if act[1] in self.orders]
        super()._acts()

    def _shown_what_was_said(self) -> None:
        pass


class AgainstBare(HostileNetwork):
    world_type = Onlooker


FIND = settings(
    max_examples=200,
    stateful_step_count=25,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def test_the_test_finds_a_replay_where_keys_are_not_claimed() -> None:
    with pytest.raises(AssertionError, match="executed twice"):
        run_state_machine_as_test(AgainstTrusting, settings=FIND)


def test_the_test_finds_a_replay_where_nothing_is_encrypted() -> None:
    with (
        patch("sereno.relay_client.nacl.daemon.Records", Bare),
        patch("sereno.relay_client.nacl.client.Records", Bare),
        pytest.raises(AssertionError, match="executed twice"),
    ):
        run_state_machine_as_test(AgainstBare, settings=FIND)
