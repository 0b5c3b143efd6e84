"""Two ends of our own channel, joined by nobody, and what they ask for."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from typing import Any, TypeVar

from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.noise.client import ClientChannel
from sereno.relay_client.noise.daemon import DaemonChannel
from sereno.relay_client.noise.effects import Cause, Close, Deliver, Effect, Greeted, Opened, Send
from sereno.relay_client.noise.proofs import DeviceSecret, OfferSecret
from sereno.relay_client.noise.states import State
from sereno.relay_client.noise.talk import Random

DAEMON = KeyPair.of(b"d" * 32)
DEVICE = KeyPair.of(b"c" * 32)
STRANGER = KeyPair.of(b"x" * 32)
OFFERED = OfferSecret(b"p" * 16)
BOUND = DeviceSecret(b"s" * 32)
SERVER_ID = "srv_AAECAwQFBgcI"

_E = TypeVar("_E")


def counting(name: str = "") -> Random:
    """Randomness that is different each time and the same in each run."""
    numbers = itertools.count()
    return lambda size: hashlib.shake_256(f"{name} {next(numbers)}".encode()).digest(size)


def daemon(**other: Any) -> DaemonChannel:
    given: dict[str, Any] = {
        "secret": DAEMON.secret,
        "proof": OFFERED,
        "server_id": SERVER_ID,
        "random": counting("daemon"),
        "now": 0.0,
    }
    return DaemonChannel(**(given | other))


def client(**other: Any) -> ClientChannel:
    given: dict[str, Any] = {
        "secret": DEVICE.secret,
        "daemon_key": DAEMON.public,
        "proof": OFFERED,
        "server_id": SERVER_ID,
        "random": counting("client"),
    }
    return ClientChannel(**(given | other))


def of(kind: type[_E], effects: Iterable[Effect]) -> list[_E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def frames(effects: Iterable[Effect]) -> list[bytes]:
    return [effect.frame for effect in of(Send, effects)]


def delivered(effects: Iterable[Effect]) -> list[str | bytes]:
    return [effect.message for effect in of(Deliver, effects)]


def causes(effects: Iterable[Effect]) -> list[Cause]:
    return [effect.cause for effect in of(Close, effects)]


def greeted(theirs: DaemonChannel, ours: ClientChannel) -> tuple[list[Effect], list[Effect]]:
    """The whole handshake; what the daemon and the client asked for at its end."""
    [first] = frames(ours.start(0.0))
    [second] = frames(theirs.receive(first, 0.0))
    of_client = ours.receive(second, 0.0)
    [third] = frames(of_client)
    return theirs.receive(third, 0.0), of_client


def asked(**other: Any) -> tuple[DaemonChannel, ClientChannel]:
    """Both ends when the daemon asks somebody."""
    theirs, ours = daemon(**other), client()
    [of_daemon], _ = greeted(theirs, ours)
    assert isinstance(of_daemon, Greeted)
    return theirs, ours


def opened(now: float = 0.0, **other: Any) -> tuple[DaemonChannel, ClientChannel]:
    """Both ends after somebody's yes."""
    theirs, ours = asked(**other)
    welcome, is_open = theirs.confirm(now)
    assert isinstance(welcome, Send)
    assert is_open == Opened()
    assert ours.receive(welcome.frame, now) == [Opened()]
    assert theirs.state is ours.state is State.OPEN
    return theirs, ours
