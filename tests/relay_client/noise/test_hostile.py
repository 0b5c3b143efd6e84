"""A relay that does whatever it likes, driven by Hypothesis (C-11 to C-13, C-23, C-24; T02 to T09,
T12): over the channel of our own clients nothing comes but what the other side said, in order,
once, and an end is told only where it was said. The same relay finds out each channel that lacks
a protection.
"""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sereno.relay_client.noise.client import ClientChannel
from sereno.relay_client.noise.daemon import DaemonChannel
from sereno.relay_client.noise.effects import Cause, Effect
from sereno.relay_client.noise.handshake import Handshake
from sereno.relay_client.noise.proofs import DeviceSecret, OfferSecret
from sereno.relay_client.noise.states import State
from sereno.relay_client.noise.talk import AGE_S, ASK_S, REKEY_S, Random
from tests.relay_client.noise.hostile import End, World
from tests.relay_client.noise.links import STRANGER, counting, frames
from tests.relay_client.vectors import HELLO, LOW_ORDER

MOST = 10
"""Ends at once."""
INJECTED: list[str | bytes] = [
    HELLO,
    '{"type":"hello","v":2,"clientId":"relay"}',
    '{"type":"ping"}',
    "",
    b"",
    b"\x00" * 64,
    b"\xff" * 48,
    LOW_ORDER[2] + bytes(16),
    bytes(70_000),
]
picks = st.integers(0, 999)


class HostileRelay(RuleBasedStateMachine):
    """Numbers pick an end or a frame among those that are there."""

    world_type: type[World] = World

    def __init__(self) -> None:
        super().__init__()
        self.world = self.world_type()
        self.strangers = counting("strangers")
        self.session(0, True)
        self.session(0, False)

    @rule(pairing=st.integers(0, 1), ends=st.booleans())
    def session(self, pairing: int, ends: bool) -> None:
        """What happens through a relay that behaves."""
        world = self.world
        if len(world.ends) + 2 > MOST:
            return
        one = world.new_client(world.pairings[pairing], by_device=True)
        other = world.new_connection(world.pairings[pairing])
        world.join(one, other)
        world.forward_all(one, other)
        world.answer(other, yes=True)
        world.forward_all(one, other)
        world.say(one, long=False, as_bytes=False)
        world.say(other, long=False, as_bytes=True)
        world.forward_all(one, other)
        if ends:
            world.close(one)
            world.forward_all(one, other)

    @rule(pairing=st.integers(0, 1), by_device=st.booleans())
    def client_connects(self, pairing: int, by_device: bool) -> None:
        if len(self.world.ends) < MOST:
            self.world.new_client(self.world.pairings[pairing], by_device=by_device)

    @rule(pairing=st.integers(0, 1))
    def daemon_connects(self, pairing: int) -> None:
        if len(self.world.ends) < MOST:
            self.world.new_connection(self.world.pairings[pairing])

    @rule(which=picks, long=st.booleans(), as_bytes=st.booleans())
    def say(self, which: int, long: bool, as_bytes: bool) -> None:
        self.world.say(self._end(which), long=long, as_bytes=as_bytes)

    @rule(which=picks, yes=st.sampled_from([True, True, True, False]))
    def person_answers(self, which: int, yes: bool) -> None:
        self.world.answer(self._end(which), yes=yes)

    @rule(which=picks)
    def close(self, which: int) -> None:
        self.world.close(self._end(which))

    @rule(which=picks, on_the_way=st.booleans())
    def cut(self, which: int, on_the_way: bool) -> None:
        end = self._end(which)
        if on_the_way and end.peer is not None:
            self.world.say(end.peer, long=True, as_bytes=False)
        self.world.cut(end)

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule(seconds=st.sampled_from([1.0, 11.0, ASK_S + 1, REKEY_S, AGE_S]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(which=picks, other=picks)
    def join(self, which: int, other: int) -> None:
        """Also two sessions that have begun, or an end with itself."""
        self.world.join(self._end(which), self._end(other))

    @rule(which=picks, all_of_it=st.booleans())
    def forward(self, which: int, all_of_it: bool) -> None:
        end = self._end(which)
        if end.peer is not None and all_of_it:
            self.world.forward_all(*{id(one): one for one in (end, end.peer)}.values())
        self.world.forward(end)

    @rule(which=picks, frames=st.integers(1, 3))
    def drop(self, which: int, frames: int) -> None:
        end = self._end(which)
        end.forwarded = min(len(end.outbox), end.forwarded + frames)

    @rule(end=picks, frame=picks)
    def bring(self, end: int, frame: int) -> None:
        """Late, early, again, to the wrong end, to another session, back to who sent it."""
        self.world.bring(self._end(end), self._frame(frame))

    @rule(end=picks, at=picks)
    def bring_back(self, end: int, at: int) -> None:
        one = self._end(end)
        if one.outbox:
            self.world.bring(one, one.outbox[-1 - at % len(one.outbox)])

    @rule(end=picks, frame=picks, how=st.integers(0, 3), at=st.integers(0, 9_999))
    def bring_changed(self, end: int, frame: int, how: int, at: int) -> None:
        data = bytearray(self._frame(frame))
        at %= len(data)
        match how:
            case 0:
                del data[at:]
            case 1:
                data += data[: at + 1]
            case 2:
                data[at] ^= 1 << at % 8
            case _:
                data[:32] = STRANGER.public
        self.world.bring(self._end(end), bytes(data))

    @rule(end=picks, what=st.sampled_from(INJECTED))
    def inject(self, end: int, what: str | bytes) -> None:
        self.world.bring(self._end(end), what)

    @rule(who=picks, which=picks, fresh=st.booleans())
    def play_a_recording(self, who: int, which: int, fresh: bool) -> None:
        """All that an end ever sent."""
        recorded = self._end(who)
        end = self.world.new_connection(recorded.pairing) if fresh else self._end(which)
        for frame in list(recorded.outbox):
            self.world.bring(end, frame)

    @rule(which=picks, bound=st.booleans())
    def a_stranger_in_the_place_of_the_other(self, which: int, bound: bool) -> None:
        """With keys of its own and all that is public; it must guess the secret."""
        end = self._end(which)
        proof = DeviceSecret(bytes(32)) if bound else OfferSecret(bytes(16))
        pairing = end.pairing
        if not end.is_client:
            one = ClientChannel(
                STRANGER.secret, pairing.daemon.public, proof, pairing.server_id, self.strangers
            )
            self.world.bring(end, frames(one.start(self.world.now))[0])
            if end.outbox:
                for frame in frames(one.receive(end.outbox[-1], self.world.now)):
                    self.world.bring(end, frame)
            return
        other = DaemonChannel(
            STRANGER.secret,
            proof,
            pairing.server_id,
            self.strangers,
            self.world.now,
            device=pairing.device.public,
        )
        mine = frames(other.receive(end.outbox[0], self.world.now)) or [self.strangers(48)]
        self.world.bring(end, mine[0])

    def _end(self, which: int) -> End:
        return self.world.ends[which % len(self.world.ends)]

    def _frame(self, which: int) -> bytes:
        """The newest are picked most."""
        return self.world.wire[-1 - which % len(self.world.wire)]


def test_t02_t03_t05_t06_t07_t08_t09_t12_c12_c23_c24_through_a_hostile_relay() -> None:
    run_state_machine_as_test(
        HostileRelay, settings=settings(max_examples=20, stateful_step_count=25)
    )


def test_a_session_through_a_relay_that_behaves_comes_to_its_end() -> None:
    """Else the test above would find nothing, because nothing ever comes."""
    machine = HostileRelay()
    client, connection = machine.world.ends[:2]
    assert len(client.came) == len(connection.came) == 1
    assert connection.channel.state is State.HEARD
    machine.world.close(connection)
    machine.world.forward_all(client, connection)
    assert client.channel.cause is connection.channel.cause is Cause.DONE
    machine.session(1, False)
    assert [len(end.came) for end in machine.world.ends] == [1] * 6


class Repeating(World):
    """A daemon whose random numbers are the same at each connection."""

    def ephemerals(self) -> Random:
        return counting("always the same")


class Trusting(DaemonChannel):
    """Takes any end of the socket for an end that was said."""

    def gone(self) -> list[Effect]:
        return [] if self.state is State.CLOSED else self._end(Cause.LEFT)


class Cut(World):
    ends_like = Trusting


class Asleep(DaemonChannel):
    """Waits for nobody's yes."""

    def _third(self, handshake: Handshake, introduction: bytes, now: float) -> list[Effect]:
        effects = super()._third(handshake, introduction, now)
        return [*effects, *(self.confirm(now) if self.state is State.ASKING else [])]


class Open(World):
    ends_like = Asleep


FIND = settings(
    max_examples=300,
    stateful_step_count=30,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(
    ("world", "found"),
    [
        (Repeating, "counted twice"),
        (Cut, "an end was told"),
        (Open, "whom nobody confirmed"),
    ],
)
def test_the_test_finds_what_is_missing(world: type[World], found: str) -> None:
    machine = type("Machine", (HostileRelay,), {"world_type": world})
    with pytest.raises(AssertionError, match=found):
        run_state_machine_as_test(machine, settings=FIND)


def test_the_test_finds_a_replay_in_an_unprotected_channel() -> None:
    with (
        patch.object(Handshake, "encrypt", lambda self, plain: plain),
        patch.object(Handshake, "decrypt", lambda self, frame: frame),
        pytest.raises(AssertionError, match="not said so"),
    ):
        run_state_machine_as_test(HostileRelay, settings=FIND)
