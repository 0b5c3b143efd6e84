"""A world with two daemons' pairings, honest devices, a person who compares words, and whatever a
relay brings them.

It watches what the applications get, and fails as soon as that is not what the other side of the
same handshake sent: in order, once, from the first message on, and all of it where an end was told.
The relay that drives it is in test_hostile.py.
"""

from __future__ import annotations

import dataclasses
import itertools

from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.noise import client, daemon
from sereno.relay_client.noise.effects import (
    Cause,
    Close,
    Deliver,
    Effect,
    Finished,
    Greeted,
    Opened,
    Send,
)
from sereno.relay_client.noise.proofs import DeviceSecret, OfferSecret, Proof
from sereno.relay_client.noise.states import State
from sereno.relay_client.noise.talk import Random
from tests.relay_client.noise.links import counting

LONG = 70_000
"""Bytes that need two frames."""


@dataclasses.dataclass
class Pairing:
    """What both sides keep, also over a restart. `secret`: the device's, as the daemon has it;
    `candidates`: as the device has it, newest last.
    """

    server_id: str
    daemon: KeyPair
    device: KeyPair
    offer: OfferSecret
    secret: bytes | None = None
    confirmed: bool = False
    candidates: list[bytes] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class End:
    """One channel: `outbox` all that it put on the wire; `said`, `came` its application's."""

    pairing: Pairing
    channel: client.ClientChannel | daemon.DaemonChannel
    outbox: list[bytes] = dataclasses.field(default_factory=list)
    forwarded: int = 0
    words: tuple[str, str, str] | None = None
    said: list[str | bytes] = dataclasses.field(default_factory=list)
    came: list[str | bytes] = dataclasses.field(default_factory=list)
    said_end: bool = False
    peer: End | None = None
    """Whom the relay joined it with."""

    @property
    def is_client(self) -> bool:
        return isinstance(self.channel, client.ClientChannel)


class World:
    """What differs in a world without a protection is taken from its class."""

    ends_like: type[daemon.DaemonChannel] = daemon.DaemonChannel

    def __init__(self) -> None:
        self.now = 0.0
        self.random = counting("ends")
        self.ends: list[End] = []
        self.wire: list[bytes] = []
        self._numbers = itertools.count(1)
        self.pairings = [
            Pairing(
                f"srv_{name}",
                KeyPair.of(self.random(32)),
                KeyPair.of(self.random(32)),
                OfferSecret(self.random(16)),
            )
            for name in ("one", "two")
        ]

    def ephemerals(self) -> Random:
        """Of the daemons."""
        return self.random

    # What honest ends and the person do

    def new_client(self, pairing: Pairing, *, by_device: bool) -> End:
        proof: Proof = pairing.offer
        if by_device and pairing.candidates:
            proof = DeviceSecret(pairing.candidates[-1])
        channel = client.ClientChannel(
            pairing.device.secret, pairing.daemon.public, proof, pairing.server_id, self.random
        )
        return self._added(End(pairing, channel), channel.start(self.now))

    def new_connection(self, pairing: Pairing) -> End:
        """A data socket of the daemon, which knows what it wrote down of the pairing."""
        bound = pairing.secret is not None
        channel = self.ends_like(
            pairing.daemon.secret,
            DeviceSecret(pairing.secret) if pairing.secret is not None else pairing.offer,
            pairing.server_id,
            self.ephemerals(),
            self.now,
            device=pairing.device.public if bound else None,
            asks=not pairing.confirmed,
        )
        return self._added(End(pairing, channel), [])

    def say(self, end: End, *, long: bool, as_bytes: bool) -> None:
        if end.channel.state not in (State.OPEN, State.HEARD):
            return
        text = f"{next(self._numbers)} ".ljust(LONG if long else 1, "x")
        message = text.encode() if as_bytes else text
        end.said.append(message)
        self._after(end, end.channel.send(message))

    def answer(self, end: End, *, yes: bool) -> None:
        """A person never says yes to words that the device in their hand does not show."""
        if not isinstance(end.channel, daemon.DaemonChannel) or end.words is None:
            return
        if yes and self._shown_by(end, clients=True) is not None:
            end.pairing.confirmed = True
            self._after(end, end.channel.confirm(self.now))
        else:
            self._after(end, end.channel.refuse())

    def close(self, end: End) -> None:
        if end.channel.state in (State.OPEN, State.HEARD):
            end.said_end = True
        self._after(end, end.channel.close(self.now))

    def cut(self, end: End) -> None:
        self._after(end, end.channel.gone())

    def restart(self) -> None:
        """All of the daemon is gone but what is on disk."""
        for end in [end for end in self.ends if not end.is_client]:
            self.cut(end)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for end in list(self.ends):
            talked = end.channel.state in (State.OPEN, State.HEARD)
            effects = end.channel.tick(self.now)
            end.said_end |= talked and Close(Cause.AGED) in effects
            self._after(end, effects)

    # What a relay does

    def bring(self, end: End, frame: str | bytes) -> None:
        self._after(end, end.channel.receive(frame, self.now))

    def join(self, one: End, other: End) -> None:
        one.peer, other.peer = other, one

    def forward(self, end: End) -> None:
        """The next frame, to whom it is joined with."""
        if end.peer is not None and end.forwarded < len(end.outbox):
            end.forwarded += 1
            self.bring(end.peer, end.outbox[end.forwarded - 1])

    def forward_all(self, *ends: End) -> None:
        while any(end.forwarded < len(end.outbox) for end in ends):
            for end in ends:
                self.forward(end)

    # What is watched

    def _added(self, end: End, effects: list[Effect]) -> End:
        self.ends.append(end)
        self._after(end, effects)
        return end

    def _after(self, end: End, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(frame=frame):
                    end.outbox.append(frame)
                    self.wire.append(frame)
                case Greeted():
                    self._greeted(end, effect)
                case Opened():
                    assert end.pairing.confirmed, "somebody was let in whom nobody confirmed"
                    assert self._shown_by(end, clients=not end.is_client), "let in: a stranger"
                case Deliver(message=message):
                    end.came.append(message)
                    self._came(end)
                case Finished():
                    self._all_came(end)
                case Close(cause=cause):
                    assert effect is effects[-1]
                    assert end.channel.state is State.CLOSED
                    assert end.channel._records is None
                    if cause.clean and end.words is not None:
                        self._all_came(end)

    def _greeted(self, end: End, greeted: Greeted) -> None:
        end.words = greeted.words
        pairing = end.pairing
        if end.is_client:
            assert greeted.peer == pairing.daemon.public
            if greeted.device_secret is not None:
                pairing.candidates.append(greeted.device_secret)
            return
        assert greeted.peer == pairing.device.public, "a stranger was greeted"
        assert self._shown_by(end, clients=True), "the words are nobody's"
        others = [one for one in self.ends if one is not end and not one.is_client]
        assert greeted.words not in [one.words for one in others], "a handshake counted twice"
        if greeted.device_secret is not None:
            assert greeted.device_secret in pairing.candidates
            if pairing.secret is None:
                pairing.secret = greeted.device_secret

    def _shown_by(self, end: End, *, clients: bool) -> End | None:
        """The other end of the same handshake, by the words."""
        for one in self.ends:
            if one.is_client is clients and one.words == end.words and one is not end:
                return one
        return None

    def _came(self, end: End) -> None:
        other = self._shown_by(end, clients=not end.is_client)
        assert other is not None, "something came from nobody"
        assert end.came == other.said[: len(end.came)], "something came that was not said so"

    def _all_came(self, end: End) -> None:
        other = self._shown_by(end, clients=not end.is_client)
        assert other is not None, "an end was told by nobody"
        if other.said or end.came:
            assert other.said_end, "an end was told that nobody said"
        assert end.came == other.said, "an end was told, and something is missing"
