"""A world with honest clients, an honest daemon that may crash, and whatever a relay brings them.

It watches what the application gets and fails as soon as something arrives that was not sent, or
arrives twice. The relay that drives it is in test_hostile.py; tests/hostile_relay/ does the same
to whole programs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections import Counter

from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.nacl import client, daemon
from sereno.relay_client.nacl.client import ClientChannel
from sereno.relay_client.nacl.daemon import DaemonChannel
from sereno.relay_client.nacl.effects import Claim, Close, Deliver, Effect, Opened, Send
from sereno.relay_client.nacl.held import HELD_FRAMES
from tests.relay_client.nacl.links import counting
from tests.relay_client.vectors import DAEMON

KNOWN_CLOSES = {1011, 1012, 1013, 4001}


@dataclasses.dataclass
class Client:
    """One connection of an official app; `recording` is all that it put on the wire."""

    number: int
    public: bytes
    channel: ClientChannel
    recording: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Connection:
    """One data socket of the daemon, and all that went out and in."""

    channel: DaemonChannel
    claim: bytes | None = None
    recording: list[str] = dataclasses.field(default_factory=list)
    received: list[str | bytes] = dataclasses.field(default_factory=list)
    speaks_with: int | None = None


End = Client | Connection


class World:
    """`channel_type` and `is_new` are what a daemon without a protection would do otherwise."""

    channel_type: type[DaemonChannel] = DaemonChannel

    def __init__(self) -> None:
        self.now = 0.0
        self.clients: list[Client] = []
        self.connections: list[Connection] = []
        self.wire: list[str] = []
        self._random = counting()
        self._numbers = itertools.count(1)
        self._used: set[bytes] = set()
        self._commands: dict[str, int] = {}
        self._answers: set[str] = set()
        self.executed: Counter[str] = Counter()
        self._shown: Counter[str] = Counter()

    # What honest ends do

    def new_client(self) -> Client:
        # Hashed: keys that differ in their lowest bits only are one and the same (clamping).
        pair = KeyPair.of(hashlib.sha256(self._random(32)).digest())
        channel = ClientChannel(DAEMON.public, pair.secret, self._random)
        one = Client(len(self.clients), pair.public, channel)
        self.clients.append(one)
        self._after(one, channel.start(self.now))
        return one

    def new_connection(self) -> Connection:
        one = Connection(self.channel_type(DAEMON.secret, self._random, self.now))
        self.connections.append(one)
        return one

    def command(self, one: Client) -> None:
        if not one.channel.ended:
            text = f"command {next(self._numbers)}"
            self._commands[text] = one.number
            self._after(one, one.channel.send(text))

    def answer(self, one: Connection) -> None:
        if one.channel.state is daemon.State.OPEN:
            text = f"answer {next(self._numbers)}"
            self._answers.add(text)
            self._after(one, one.channel.send(text))

    def decide(self, one: Connection, *, crash: bool = False) -> None:
        """The store answers; it may be that the daemon crashes between its commit and that."""
        if one.claim is None:
            return
        is_new = self.is_new(one.claim)
        self._used.add(one.claim)
        one.claim = None
        if crash:
            self.restart()
        else:
            self._after(one, one.channel.claimed(is_new))

    def is_new(self, claim: bytes) -> bool:
        return claim not in self._used

    def restart(self) -> None:
        """All of the daemon is gone but what the store has on disk."""
        self.connections.clear()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        ends: list[End] = [*self.clients, *self.connections]
        for one in ends:
            self._after(one, one.channel.tick(self.now))

    # What a relay does

    def bring(self, end: End, frame: str | bytes) -> None:
        if isinstance(end, Connection):
            end.received.append(frame)
        self._after(end, end.channel.receive(frame))

    def _after(self, end: End, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(text=text):
                    self.wire.append(text)
                    end.recording.append(text)
                case Claim(fingerprint=fingerprint):
                    assert isinstance(end, Connection)
                    end.claim = fingerprint
                case Deliver(message=message):
                    self._delivered(end, message)
                case Close(code=code):
                    assert end.channel.ended
                    assert effect is effects[-1]
                    assert code in KNOWN_CLOSES
                case Opened():
                    assert end.channel.state in (daemon.State.OPEN, client.State.OPEN)
        assert len(end.channel._held) <= HELD_FRAMES

    def _delivered(self, end: End, message: str | bytes) -> None:
        assert isinstance(message, str)
        if isinstance(end, Client):
            assert message in self._answers, "something was shown that nobody said"
            self._shown[message] += 1
            assert self._shown[message] == 1, "something was shown twice"
            return
        assert message in self._commands, "a command was executed that nobody gave"
        self.executed[message] += 1
        assert self.executed[message] == 1, "a command was executed twice"
        sender = self._commands[message]
        assert end.speaks_with in (None, sender), "two clients on one connection"
        end.speaks_with = sender
