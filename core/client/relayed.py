"""The way to a daemon through a relay, on asyncio: dial, prove, be let in, then messages.

Made by Client.connect_to for a target that is reached through a relay. What is proved and how is
relay_client/noise's business; this carries out what its channel says.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import Callable
from socket import gethostname

from sereno import __version__
from sereno.core.client.errors import ClientError, NoDaemon, Refused
from sereno.core.client.paired import PairedHost
from sereno.core.protocol.farewell import farewell_of
from sereno.relay_client.dialling import dial_client
from sereno.relay_client.noise.client import ClientChannel
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
from sereno.relay_client.noise.proofs import Proof
from sereno.relay_client.noise.talk import ASK_S
from sereno.relay_client.reasons import RelayError
from sereno.relay_client.sockets import DataSocket, SocketClosed

__all__ = ["ASK_S", "PAIR_AGAIN", "RelayedTransport", "open_relayed"]

PAIR_AGAIN = "Make a new link on the daemon's machine: sereno pair --for sereno"
_GOODBYE_S = 2.0

Words = Callable[[tuple[str, str, str]], None]
"""Told once per pairing: the person compares them with those at the daemon."""


async def open_relayed(
    host: PairedHost,
    received: Callable[[list[bytes]], None],
    ended: Callable[[int, str], None],
    words: Words = lambda _: None,
) -> RelayedTransport:
    """Connects, and waits until the daemon lets us in: at the first time somebody says yes there.

    Raises:
        NoDaemon: the relay or the daemon is not there now.
        Refused: the link or the pairing is no good any more, or somebody said no.
    """
    for proof in host.proofs:
        try:
            return await _Way(host, proof, words).open(received, ended)
        except _NotThisOne:
            continue
    raise _of_cause(Cause.NOT_LET_IN, host)


class _NotThisOne(Exception):
    """The daemon does not know this secret; another one may be right."""


class _Way:
    """One attempt: from dialling to being let in."""

    def __init__(self, host: PairedHost, proof: Proof, words: Words) -> None:
        self._host = host
        self._words = words
        self._channel = ClientChannel(
            host.own_key,
            host.daemon_key,
            proof,
            host.server_id,
            os.urandom,
            introduction=_introduction(),
        )
        self._secret = proof.secret
        """Of the device, once there is one."""
        self._early: list[bytes] = []
        self._opened = False

    async def open(
        self, received: Callable[[list[bytes]], None], ended: Callable[[int, str], None]
    ) -> RelayedTransport:
        try:
            host = self._host
            socket = await dial_client(host.endpoint, host.place, pins=host.pins)
        except RelayError as error:
            raise NoDaemon(error.code, error.message.rstrip("."), error.next_step) from error
        try:
            await self._carry_out(self._channel.start(_now()), socket)
            while not self._opened:
                await self._carry_out(await _next(self._channel, socket), socket)
        except BaseException:
            await _leave(socket)
            raise
        socket.widen()
        transport = RelayedTransport(socket, self._channel, received, ended)
        if self._early:
            received(self._early)
        return transport

    async def _carry_out(self, effects: list[Effect], socket: DataSocket) -> None:
        for effect in effects:
            match effect:
                case Send(frame=frame):
                    await _send(socket, frame)
                case Greeted():
                    if effect.device_secret is not None:
                        self._secret = effect.device_secret
                        await asyncio.to_thread(self._host.greeted, self._secret)
                    if self._host.is_new:
                        self._words(effect.words)
                case Opened():
                    await asyncio.to_thread(self._host.let_in, self._secret)
                    self._opened = True
                case Deliver(message=message):
                    self._early.append(_bytes(message))
                case Finished():
                    raise _of_cause(Cause.NOT_LET_IN, self._host)
                case Close(cause=Cause.NOT_LET_IN):
                    raise _NotThisOne
                case Close(cause=cause):
                    raise _of_cause(cause, self._host)


class RelayedTransport:
    """Implements the client's Transport. Owns the socket and two tasks from here to the end."""

    def __init__(
        self,
        socket: DataSocket,
        channel: ClientChannel,
        received: Callable[[list[bytes]], None],
        ended: Callable[[int, str], None],
    ) -> None:
        self._socket = socket
        self._channel = channel
        self._received = received
        self._ended = ended
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._end: tuple[int, str] | None = None
        self._over = False
        self._running = asyncio.get_running_loop().create_task(self._run())

    # The client's Transport

    def write(self, data: bytes) -> None:
        if self._end is None:
            self._carry_out(self._channel.send(data.decode()))

    def shut(self) -> None:
        """Says our end, encrypted, and closes; what was written before is still sent."""
        if self._end is None:
            self._end = (1000, "Client closed")
            self._carry_out(self._channel.close(_now()))
            self._over = True
            self._wake.set()

    def cut(self) -> None:
        self._running.cancel()

    # Its life

    async def _run(self) -> None:
        """One task that owns the other: whichever ends first ends both."""
        try:
            async with asyncio.TaskGroup() as tasks:
                reader = tasks.create_task(self._read())
                await self._write()
                reader.cancel()
        except* SocketClosed:
            self._end = self._end or self._cut_off()
        finally:
            self._channel.gone()
            await _leave(self._socket)
            self._ended(*(self._end or (1006, "")))

    def _cut_off(self) -> tuple[int, str]:
        """The socket is gone; whether anything is missing says the channel (T12)."""
        for effect in self._channel.gone():
            if isinstance(effect, Close):
                return _told(effect.cause)
        return (1006, "")

    async def _read(self) -> None:
        while not self._over:
            self._carry_out(await _next(self._channel, self._socket))

    async def _write(self) -> None:
        while True:
            while self._queue:
                await self._socket.send(self._queue.popleft())
            if self._over:
                return
            self._wake.clear()
            await self._wake.wait()

    def _carry_out(self, effects: list[Effect]) -> None:
        delivered: list[bytes] = []
        for effect in effects:
            match effect:
                case Send(frame=sealed):
                    self._queue.append(sealed)
                    self._wake.set()
                case Deliver(message=message):
                    frame = _bytes(message)
                    farewell = farewell_of(frame)
                    if farewell is None:
                        delivered.append(frame)
                    else:
                        self._end = self._end or (farewell.code, farewell.reason)
                case Finished():
                    self._end = self._end or (1001, "the daemon has said all, and left")
                    self._carry_out(self._channel.close(_now()))
                case Close(cause=cause):
                    self._end = self._end or _told(cause)
                    self._over = True
                    self._wake.set()
                case _:
                    pass  # Greeted and Opened came before.
        if delivered:
            self._received(delivered)


async def _next(channel: ClientChannel, socket: DataSocket) -> list[Effect]:
    """What the next frame, the time that went by, or the end of the socket leads to."""
    wakes_at = channel.wakes_at
    try:
        async with asyncio.timeout(None if wakes_at is None else max(0.0, wakes_at - _now())):
            frame = await socket.receive()
    except TimeoutError:
        return channel.tick(_now())
    except SocketClosed:
        return channel.gone()
    return channel.receive(frame, _now())


async def _send(socket: DataSocket, frame: bytes) -> None:
    """What cannot be sent any more is no error yet: why it ended may still be read."""
    try:
        await socket.send(frame)
    except SocketClosed:
        return


async def _leave(socket: DataSocket) -> None:
    try:
        async with asyncio.timeout(_GOODBYE_S):
            await socket.close(1000, "Client closed")
    except TimeoutError:
        return


def _told(cause: Cause) -> tuple[int, str]:
    """A connection that was cut has no code of its own."""
    return (1006 if cause is Cause.INTERRUPTED else cause.code), cause.words


def _now() -> float:
    return asyncio.get_running_loop().time()


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


def _introduction() -> bytes:
    """What the daemon's person is told of us, besides the words to compare."""
    machine = gethostname() or "another machine"
    return json.dumps({"name": f"Sereno on {machine}"[:80], "version": __version__}).encode()


def _of_cause(cause: Cause, host: PairedHost) -> ClientError:
    relay = host.endpoint.authority
    again = PAIR_AGAIN
    match cause:
        case Cause.LATE | Cause.INTERRUPTED:
            return NoDaemon(
                "daemon_away",
                f"the relay {relay} answers, but no daemon does that knows this link",
                "Is the daemon running, and its relay on? If the pairing was revoked or rotated "
                f"there, or not used for long, it is dead. {again}",
            )
        case Cause.NOT_LET_IN | Cause.WRONG_PROOF | Cause.OTHER_DEVICE:
            return Refused(
                "link_dead",
                "the daemon does not let us in: the link was used by another device, has expired, "
                "or the pairing was revoked",
                again,
            )
        case Cause.WRONG_DAEMON:
            return Refused(
                "identity_mismatch",
                "whoever answers does not hold the daemon's key: another daemon, or a relay in "
                "between",
                again,
            )
        case Cause.REFUSED:
            return Refused("refused", "somebody at the daemon has said no", again)
        case Cause.NOT_CONFIRMED:
            return NoDaemon(
                "not_confirmed",
                "nobody at the daemon has said yes in time",
                "Try again; the question waits there for some minutes",
            )
        case Cause.BAD_KEY:
            return Refused("offer_invalid", "the link holds a key that must not be used", again)
        case _:
            return NoDaemon(
                "connection_lost", f"the channel through {relay} ended: {cause.words}", "Try again"
            )
