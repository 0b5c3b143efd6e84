"""Says who is at the other end of a TCP connection: looks up what the system knows of the peer,
asks the gate, and has passwords compared, none of it on the loop.

The policies are core/security; here is only the order, and what may happen at the same time.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Literal

import anyio
import anyio.to_thread
import msgspec

from sereno.core.listeners.stages import Rules
from sereno.core.security.credentials import Presented
from sereno.core.security.gate import Admit, Facts, Gate, Prove, Refuse
from sereno.core.security.same_user import Owner, Sight
from sereno.core.security.sockets import agent_behind, sight_of
from sereno.core.sessions.channel import Peer

__all__ = ["Asking", "Doorkeeper", "Refused"]

LOOKUPS: Final = 2
"""Looks into the tables of the kernel at the same time."""
WAITING: Final = 16
"""Who may wait for a password to be compared; more are told to come back."""
_BUSY_S: Final = 10


class Asking(msgspec.Struct, frozen=True):
    """One request that needs a credential. Addresses without brackets."""

    way: Literal["tcp", "tls"]
    peer: tuple[str, int]
    local: tuple[str, int]
    presented: Presented
    forwarded: bool
    connection: socket.socket


class Refused(msgspec.Struct, frozen=True):
    """`status` and `reason` over HTTP, `close` and `reason` on a WebSocket. `name`: the error's,
    as the wire reference has it. `counts`: whether it is a failure of the address."""

    reason: str
    status: HTTPStatus = HTTPStatus.UNAUTHORIZED
    close: int = 4401
    name: str = "Unauthorized"
    retry_after_s: int = 0
    counts: bool = True

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        return (("Retry-After", str(self.retry_after_s)),) if self.retry_after_s else ()


class Doorkeeper:
    """Belongs to one loop, as its gate does."""

    def __init__(
        self,
        gate: Gate,
        *,
        verify: Callable[[str, str], Awaitable[bool]],
        is_agent: Callable[[int], bool],
        sight: Callable[[socket.socket], Owner | Sight] = sight_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`verify`: password and hash, see verify.py. `is_agent`: whether a process descends from
        a runner; called in a thread, as `sight` is."""
        self._gate = gate
        self._verify = verify
        self._is_agent = is_agent
        self._sight = sight
        self._clock = clock
        self._lookups = anyio.CapacityLimiter(LOOKUPS)
        self._proving = 0

    @property
    def rules(self) -> Rules:
        return self._gate.settings

    def subprotocol(self, presented: Presented) -> str | None:
        return self._gate.subprotocol(presented)

    async def judge(self, asking: Asking) -> Peer | Refused:
        facts = await self._look(asking)
        verdict = self._gate.judge(facts, self._clock())
        if isinstance(verdict, Prove):
            if self._proving >= WAITING:
                return Refused(
                    "Too many show a password at this moment: try again in a while",
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    name="Busy",
                    retry_after_s=_BUSY_S,
                )
            verdict = await self._prove(facts, verdict)
        match verdict:
            case Admit(role, credential):
                return Peer(credential, role, asking.way)
            case Refuse():
                status = HTTPStatus(verdict.status)
                return Refused(
                    verdict.reason,
                    status,
                    verdict.close,
                    "Unauthorized" if status is HTTPStatus.UNAUTHORIZED else status.phrase,
                    verdict.retry_after_s,
                )

    async def _look(self, asking: Asking) -> Facts:
        sight, agent = await anyio.to_thread.run_sync(
            self._see, asking.connection, limiter=self._lookups
        )
        return Facts(
            way=asking.way,
            local=asking.local,
            peer=asking.peer,
            presented=asking.presented,
            forwarded=asking.forwarded,
            sight=sight,
            agent=agent,
        )

    def _see(self, connection: socket.socket) -> tuple[Owner | Sight, bool]:
        sight = self._sight(connection)
        return sight, isinstance(sight, Owner) and agent_behind(sight, self._is_agent)

    async def _prove(self, facts: Facts, prove: Prove) -> Admit | Refuse:
        self._proving += 1
        try:
            ok = await self._verify(prove.password, prove.hash)
        finally:
            self._proving -= 1
        return self._gate.proved(facts, prove, ok, self._clock())
