"""Two ends joined by nobody: channels with the keys of the vectors, and what they ask for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from sereno.relay_client.nacl.client import ClientChannel
from sereno.relay_client.nacl.daemon import DaemonChannel
from sereno.relay_client.nacl.effects import Claim, Close, Deliver, Effect, Send
from sereno.relay_client.nacl.records import FRAMES, Random
from tests.relay_client.vectors import CLIENT, DAEMON


def counting(first: int = 0) -> Random:
    """Randomness that is different each time and the same in each run."""
    numbers = itertools.count(first)
    return lambda size: next(numbers).to_bytes(size, "big")


def vector_nonce(first: int) -> Random:
    return lambda size: bytes(range(first, first + size))


def daemon(random: Random | None = None, frames: int = FRAMES) -> DaemonChannel:
    return DaemonChannel(DAEMON.secret, random or counting(1 << 100), 0.0, frames)


def client(random: Random | None = None, frames: int = FRAMES) -> ClientChannel:
    return ClientChannel(DAEMON.public, CLIENT.secret, random or counting(), frames)


def texts(effects: Iterable[Effect]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, Send)]


def delivered(effects: Iterable[Effect]) -> list[str | bytes]:
    return [effect.message for effect in effects if isinstance(effect, Deliver)]


def closes(effects: Iterable[Effect]) -> list[tuple[int, str]]:
    return [(effect.code, effect.reason) for effect in effects if isinstance(effect, Close)]


def claims(effects: Iterable[Effect]) -> list[bytes]:
    return [effect.fingerprint for effect in effects if isinstance(effect, Claim)]


def opened(
    of_daemon: DaemonChannel | None = None, of_client: ClientChannel | None = None
) -> tuple[DaemonChannel, ClientChannel]:
    """Both ends after the client's first message, "first", was delivered."""
    theirs, ours = of_daemon or daemon(), of_client or client()
    [hello] = texts(ours.start(0.0))
    [ready] = texts(theirs.receive(hello))
    ours.receive(ready)
    [first] = texts(ours.send("first"))
    assert claims(theirs.receive(first))
    assert delivered(theirs.claimed(True)) == ["first"]
    return theirs, ours
