"""Our own clients' channel on a data socket (C.3.1 of the systems reference).

The handshake says which device it is, so the person is asked before the session's hello, with words
to compare; nothing of the client is taken before the yes.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable

import anyio
import msgspec

from sereno.core.daemon.relay_channel import RelayChannel
from sereno.core.protocol.farewell import Farewell
from sereno.core.protocol.frames import Hello
from sereno.core.sessions.channel import Admitted
from sereno.core.sessions.registry import Sessions
from sereno.relay_client.connector import DataSocket
from sereno.relay_client.noise.daemon import DaemonChannel
from sereno.relay_client.noise.effects import (
    Close,
    Deliver,
    Effect,
    Finished,
    Greeted,
    Opened,
    Send,
)
from sereno.relay_client.noise.proofs import DeviceSecret, OfferSecret
from sereno.relay_client.noise.states import State

__all__ = ["Ask", "NoiseChannel", "introduction_of"]

Ask = Callable[[Greeted], Awaitable[Admitted | None]]
"""Keeps the secret of a new device, and says who it is; asks the person where nobody knows yet.
None: no."""


class NoiseChannel(RelayChannel):
    """`secret`: of the pairing `server_id`. `psk`: of its offer, or of `device` once that came."""

    def __init__(
        self,
        socket: DataSocket,
        sessions: Sessions,
        server_id: str,
        secret: bytes,
        psk: bytes,
        device: bytes | None,
        ask: Ask,
    ) -> None:
        super().__init__(socket, sessions)
        self._end = DaemonChannel(
            secret,
            OfferSecret(psk) if device is None else DeviceSecret(psk),
            server_id,
            os.urandom,
            anyio.current_time(),
            device=device,
        )
        self._ask = ask
        self._admitted: Admitted | None = None

    @property
    def _wakes_at(self) -> float | None:
        return self._end.wakes_at

    async def _late(self) -> None:
        await self._carry_out(self._end.tick(anyio.current_time()))

    async def _heard(self, frame: str | bytes) -> None:
        await self._carry_out(self._end.receive(frame, anyio.current_time()))

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(frame=frame):
                    self._queue_up(frame)
                case Greeted():
                    assert self._tasks is not None  # while it runs
                    self._tasks.start_soon(self._judge, effect)
                case Opened():
                    assert self._admitted is not None  # confirm is called with it
                    self._join(self._admitted.peer, _Known(self._admitted))
                case Deliver(message=message):
                    self._deliver(message)
                case Finished():
                    self.close(1000, "Done")
                case Close(cause=cause):
                    self._let_go(effect.code, effect.reason, cause.words)

    async def _judge(self, greeted: Greeted) -> None:
        """Beside the reading, so that limits hold and a client that leaves is seen to leave."""
        self._admitted = await self._ask(greeted)
        if self._admitted is None:
            await self._carry_out(self._end.refuse())
        else:
            await self._carry_out(self._end.confirm(anyio.current_time()))

    def _seal(self, message: bytes) -> Iterable[str | bytes]:
        # Text as text: our clients are told the kind of a message by the channel itself.
        for effect in self._end.send(_as_sent(message)):
            match effect:
                case Send(frame=frame):
                    yield frame
                case _:
                    raise AssertionError(f"sealing never leads to {effect}")

    def _last_words(self, code: int, reason: str) -> Iterable[str | bytes]:
        if self._end.state is State.OPEN:
            yield from self._seal(Farewell(code=code, reason=reason).encode())
        for effect in self._end.close(anyio.current_time()):
            if isinstance(effect, Send):
                yield effect.frame

    def _gone(self) -> None:
        self._end.gone()


class _Known:
    """Sessions' Door for somebody who was judged before the hello."""

    def __init__(self, admitted: Admitted) -> None:
        self._admitted = admitted

    async def knock(self, _: Hello) -> Admitted:
        return self._admitted


def _as_sent(message: bytes) -> str | bytes:
    return message.decode() if message[:1] == b"{" else message


def introduction_of(data: bytes) -> tuple[str, str | None]:
    """What a client says of itself: a name, and the version of its program. Not trusted; nothing
    of it that cannot be read."""
    try:
        said = msgspec.json.decode(data, type=_Introduction)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", None
    return said.name, said.version or None


class _Introduction(msgspec.Struct):
    name: str = ""
    version: str = ""
