"""A relay that does whatever it likes with frames, driven by Hypothesis (C-12, C-23, C-24; T02,
T05 to T09): nothing is executed that was not sent, each at most once. The same relay finds the
replay as soon as one protection is taken away.
"""

from __future__ import annotations

import base64
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sereno.relay_client.nacl import frames
from sereno.relay_client.nacl.daemon import DaemonChannel
from sereno.relay_client.nacl.effects import Effect
from sereno.relay_client.nacl.records import FRAMES, Random, Records
from tests.relay_client.nacl.hostile import Connection, End, World
from tests.relay_client.vectors import CLIENT, LOW_ORDER, SEALED, twins

MOST = 6
"""Clients, and connections, at once."""
INJECTED = [
    frames.READY,
    frames.hello(CLIENT.public),
    frames.hello(LOW_ORDER[2]),
    '{"type":"hello","clientId":"relay"}',
    '{"type":"ping"}',
    SEALED[0][2],
    "AAAA",
    "",
    b"\x00\xff",
    "{" * 5_000,
]
picks = st.integers(0, 999)


class HostileRelay(RuleBasedStateMachine):
    """Numbers pick an end or a frame among those that are there."""

    world_type: type[World] = World

    def __init__(self) -> None:
        super().__init__()
        self.world = self.world_type()
        self.session(crash=False)

    @rule(crash=st.booleans())
    def session(self, crash: bool) -> None:
        """What happens through a relay that behaves."""
        world = self.world
        if len(world.clients) >= MOST or len(world.connections) >= MOST:
            return
        one, connection = world.new_client(), world.new_connection()
        world.command(one)
        world.bring(connection, one.recording[0])
        world.bring(one, frames.READY)
        world.bring(connection, one.recording[1])
        world.decide(connection, crash=crash)
        world.answer(connection)

    @rule()
    def client_connects(self) -> None:
        if len(self.world.clients) < MOST:
            self.world.new_client()

    @rule()
    def daemon_connects(self) -> None:
        if len(self.world.connections) < MOST:
            self.world.new_connection()

    @rule(which=picks)
    def command(self, which: int) -> None:
        self.world.command(self.world.clients[which % len(self.world.clients)])

    @rule(which=picks)
    def answer(self, which: int) -> None:
        if connection := self._connection(which):
            self.world.answer(connection)

    @rule(which=picks, crash=st.sampled_from([False, False, False, True]))
    def store_answers(self, which: int, crash: bool) -> None:
        if connection := self._connection(which):
            self.world.decide(connection, crash=crash)

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule(seconds=st.sampled_from([0.5, 1.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(end=picks, frame=picks)
    def bring(self, end: int, frame: int) -> None:
        """Late, early, again, to the wrong end, to another connection, back to who sent it."""
        self.world.bring(self._end(end), self._frame(frame))

    @rule(end=picks, frame=picks, how=st.integers(0, 4), at=st.integers(0, 999))
    def bring_changed(self, end: int, frame: int, how: int, at: int) -> None:
        text = self._frame(frame)
        at %= len(text)
        match how:
            case 0:
                text = text[:at]
            case 1:
                text = text + text[: at + 1]
            case 2:  # the same bundle, written otherwise
                text = f" {text.rstrip('=').replace('+', '-').replace('/', '_')}"
            case 3:
                text = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
            case _:
                text = _flipped(text, at)
        self.world.bring(self._end(end), text)

    @rule(end=picks, what=st.sampled_from(INJECTED))
    def inject(self, end: int, what: str | bytes) -> None:
        self.world.bring(self._end(end), what)

    @rule(who=picks, spelling=st.integers(0, 3), which=picks, fresh=st.booleans())
    def play_a_recording(self, who: int, spelling: int, which: int, fresh: bool) -> None:
        """All that a client ever sent, with its key as it was written or in another way."""
        one = self.world.clients[who % len(self.world.clients)]
        connection = self.world.new_connection() if fresh else self._connection(which)
        if connection is None:
            return
        key = [one.public, *twins(one.public)][spelling]
        hello = frames.hello(key)
        for text in [hello, *(text for text in one.recording if text != one.recording[0])]:
            self.world.bring(connection, text)
            self.world.decide(connection)

    @rule(which=picks, reflected=st.booleans(), at=picks)
    def bring_back(self, which: int, reflected: bool, at: int) -> None:
        """To one connection what it got before, or what it said itself."""
        if connection := self._connection(which):
            there = connection.recording if reflected else connection.received
            if there:
                self.world.bring(connection, there[-1 - at % len(there)])

    def _connection(self, which: int) -> Connection | None:
        there = self.world.connections
        return there[which % len(there)] if there else None

    def _end(self, which: int) -> End:
        ends: list[End] = [*self.world.clients, *self.world.connections]
        return ends[which % len(ends)]

    def _frame(self, which: int) -> str:
        """The newest are picked most."""
        return self.world.wire[-1 - which % len(self.world.wire)]


def _flipped(text: str, at: int) -> str:
    """One bit of what is under the base64, where it is base64."""
    try:
        data = bytearray(base64.b64decode(text, validate=True))
        data[at % len(data)] ^= 1 << at % 8
    except (ValueError, ZeroDivisionError):
        return text.swapcase()
    return base64.b64encode(data).decode()


def test_t02_t05_t06_t07_t08_t09_c12_c23_c24_through_a_hostile_relay() -> None:
    run_state_machine_as_test(
        HostileRelay, settings=settings(max_examples=30, stateful_step_count=30)
    )


class Forgetful:
    """Remembers no nonce."""

    def add(self, nonce: bytes) -> bool:
        return True

    def __contains__(self, nonce: bytes) -> bool:
        return False


class Vain(Records):
    """Knows what it opened, not what it sealed itself."""

    def __init__(self, shared: bytes, random: Random, frames: int = FRAMES) -> None:
        super().__init__(shared, random, frames)
        self._sent = Forgetful()  # type: ignore[assignment]


class Trusting(World):
    """Takes every client key for a new one."""

    def is_new(self, claim: bytes) -> bool:
        return True


class Superficial(DaemonChannel):
    """Knows a client key by how it is written."""

    def _greet(self, client_key: bytes) -> list[Effect]:
        effects = super()._greet(client_key)
        self._fingerprint = client_key
        return effects


class Written(World):
    channel_type = Superficial


class AgainstTrusting(HostileRelay):
    world_type = Trusting


class AgainstWritten(HostileRelay):
    world_type = Written


FIND = settings(
    max_examples=300,
    stateful_step_count=30,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("machine", [AgainstTrusting, AgainstWritten])
def test_the_test_finds_a_replay_where_keys_are_not_claimed(
    machine: type[HostileRelay],
) -> None:
    with pytest.raises(AssertionError, match="executed twice"):
        run_state_machine_as_test(machine, settings=FIND)


def test_the_test_finds_a_replay_where_nonces_are_forgotten() -> None:
    with (
        patch("sereno.relay_client.nacl.records.Nonces", Forgetful),
        pytest.raises(AssertionError, match=r"twice|nobody"),
    ):
        run_state_machine_as_test(HostileRelay, settings=FIND)


def test_the_test_finds_a_reflection_where_our_own_nonces_are_forgotten() -> None:
    with (
        patch("sereno.relay_client.nacl.daemon.Records", Vain),
        pytest.raises(AssertionError, match="nobody gave"),
    ):
        run_state_machine_as_test(HostileRelay, settings=FIND)
