"""Says who is at the other end of a TCP connection: looks up what the system knows of the peer,
asks the gate, and has passwords compared, none of it on the loop.

The policies are core/security; here is only the order, and what may happen at the same time.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final, Literal

import msgspec

from sereno.core.listeners.lookups import Together, agents_behind
from sereno.core.listeners.stages import Rules
from sereno.core.security.credentials import Presented
from sereno.core.security.gate import Admit, Facts, Gate, Prove, Refuse
from sereno.core.security.same_user import Owner, Sight
from sereno.core.security.sockets import sights_of
from sereno.core.sessions.channel import Peer

__all__ = ["Asking", "Doorkeeper", "Refused"]

WAITING: Final = 16
"""Who may wait for a password to be compared; more are told to come back."""


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
    as the wire reference has it."""

    reason: str
    status: HTTPStatus = HTTPStatus.UNAUTHORIZED
    close: int = 4401
    name: str = "Unauthorized"
    retry_after_s: int = 0

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
        sights: Callable[[Sequence[socket.socket]], Sequence[Owner | Sight]] = sights_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`verify`: password and hash, see verify.py. `is_agent`: whether a process descends from
        a runner; called in a thread, as `sights` is."""
        self._gate = gate
        self._verify = verify
        self._clock = clock
        self._sights: Together[socket.socket, Owner | Sight]
        self._agents: Together[Owner, bool]
        self._sights = Together(sights)
        self._agents = Together(lambda owners: agents_behind(owners, is_agent))
        self._proving = 0

    @property
    def rules(self) -> Rules:
        return self._gate.settings

    def subprotocol(self, presented: Presented) -> str | None:
        return self._gate.subprotocol(presented)

    async def judge(self, asking: Asking) -> Peer | Refused:
        facts = Facts(
            way=asking.way,
            local=asking.local,
            peer=asking.peer,
            presented=asking.presented,
            forwarded=asking.forwarded,
            sight=await self._sights.ask(asking.connection),
        )
        busy = self._proving >= WAITING
        verdict = self._gate.judge(facts, self._clock(), busy=busy)
        if isinstance(verdict, Prove):
            verdict = await self._prove(facts, verdict)
        if isinstance(verdict, Refuse):
            return _refused(verdict)
        if await self._is_agents(facts):
            verdict = verdict.as_agent()
        return Peer(verdict.credential, verdict.role, asking.way)

    async def _prove(self, facts: Facts, prove: Prove) -> Admit | Refuse:
        self._proving += 1
        try:
            ok = await self._verify(prove.password, prove.hash)
        except BaseException:
            self._gate.given_up(facts, prove)
            raise
        finally:
            self._proving -= 1
        return self._gate.proved(facts, prove, ok, self._clock())

    async def _is_agents(self, facts: Facts) -> bool:
        """Looked for only behind who would come in: it takes many reads in /proc."""
        if not isinstance(facts.sight, Owner):
            return False
        return await self._agents.ask(facts.sight)


def _refused(refuse: Refuse) -> Refused:
    status = HTTPStatus(refuse.status)
    name = "Unauthorized" if status is HTTPStatus.UNAUTHORIZED else status.phrase
    return Refused(refuse.reason, status, refuse.close, name, refuse.retry_after_s)
