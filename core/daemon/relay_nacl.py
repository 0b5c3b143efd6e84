"""The official apps' channel on a data socket (wire reference section 3), made replay-proof.

A client key is claimed in the store, once for ever, before anything that it sealed is delivered.
Who it is, a person decides at its hello.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable

import anyio

from sereno.core.daemon.relay_channel import RelayChannel
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Door, Peer
from sereno.core.sessions.registry import Sessions
from sereno.relay_client.connector import DataSocket
from sereno.relay_client.nacl.daemon import DaemonChannel
from sereno.relay_client.nacl.effects import Claim, Close, Deliver, Effect, Opened, Send

__all__ = ["NaclChannel"]


class NaclChannel(RelayChannel):
    """`secret`: of the pairing `server_id`. `claim`: whether a client key is new, on disk."""

    def __init__(
        self,
        socket: DataSocket,
        sessions: Sessions,
        server_id: str,
        secret: bytes,
        claim: Callable[[bytes], Awaitable[bool]],
        door: Door,
    ) -> None:
        super().__init__(socket, sessions)
        self._end = DaemonChannel(secret, os.urandom, anyio.current_time())
        self._claim = claim
        self._door = door
        # Of the least role: nothing is asked or heard before the door has said who it is.
        self._stranger = Peer(f"pairing:{server_id}", Role.AGENT, "relay")

    @property
    def _wakes_at(self) -> float | None:
        return self._end.wakes_at

    async def _late(self) -> None:
        await self._carry_out(self._end.tick(anyio.current_time()))

    async def _heard(self, frame: str | bytes) -> None:
        await self._carry_out(self._end.receive(frame))

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(text=text):
                    self._queue_up(text)
                case Claim(fingerprint=fingerprint):
                    await self._carry_out(self._end.claimed(await self._claim(fingerprint)))
                case Opened():
                    self._join(self._stranger, self._door)
                case Deliver(message=message):
                    self._deliver(message)
                case Close(cause=cause):
                    self._let_go(effect.code, effect.reason, cause.words)

    def _seal(self, message: bytes) -> Iterable[str | bytes]:
        for effect in [] if self._end.ended else self._end.send(message):
            match effect:
                case Send(text=text):
                    yield text
                case Close(cause=cause):
                    self._let_go(effect.code, effect.reason, cause.words)
                case _:
                    raise AssertionError(f"sealing never leads to {effect}")

    def _last_words(self, code: int, reason: str) -> Iterable[str | bytes]:  # noqa: ARG002
        return ()  # This wire has none (T12 holds on the Noise channel only).

    def _gone(self) -> None:
        self._end.close()
