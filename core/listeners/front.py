"""What all TCP doors of a daemon have in common: who is allowed in, and how many stand outside.

One of it for each daemon, however many addresses it listens on: the limits are for all of them
together (T31). A listener accepts (tcp.py), an arrival asks (arrival.py), and here it is answered.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio.abc
from websockets.frames import CloseCode
from websockets.http11 import Response

from sereno.core.listeners.answers import Pairs, as_json
from sereno.core.listeners.crowd import Crowd
from sereno.core.listeners.doorkeeper import Asking, Refused
from sereno.core.listeners.fetching import Shelf, fetching
from sereno.core.listeners.stages import Asked, Rules
from sereno.core.security.addresses import neighbourhood
from sereno.core.security.credentials import Presented
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.files import OpenFile
from sereno.core.sessions.registry import Sessions

if TYPE_CHECKING:
    from sereno.core.listeners.acceptor import Acceptor
    from sereno.core.listeners.arrival import Arrival

__all__ = ["Front", "Judge"]

log = logging.getLogger("sereno.listeners")

MOST: Final = 1_000
"""Clients on all TCP doors together."""
MOST_OF_AGENTS: Final = 32
PAUSE_S: Final = 0.25
"""Before somebody whose address failed too often in the last minute is refused once more."""


class Judge(Protocol):
    """See doorkeeper.py."""

    @property
    def rules(self) -> Rules: ...

    def subprotocol(self, presented: Presented) -> str | None:
        """Which one the 101 selects."""

    async def judge(self, asking: Asking) -> Peer | Refused: ...


class Front:
    """Belongs to the daemon's loop."""

    def __init__(
        self,
        sessions: Sessions,
        judge: Judge,
        *,
        tasks: anyio.abc.TaskGroup,
        status: Callable[[], Mapping[str, object]],
        shelf: Shelf | None = None,
        most: int = MOST,
        crowd: Crowd[Arrival] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tasks` owns every judgement that is under way. `status`: what /api/status says, apart
        from the address. `shelf`: where files are fetched from by their tokens."""
        self.sessions = sessions
        self.crowd: Crowd[Arrival] = Crowd() if crowd is None else crowd
        self._judge = judge
        self._tasks = tasks
        self._status = status
        self._shelf = shelf
        self._most = most
        self._clock = clock
        self._resting: set[Acceptor] = set()
        self._clients = dict.fromkeys(Role, 0)

    @property
    def rules(self) -> Rules:
        return self._judge.rules

    # Arrivals

    def wait(self, acceptor: Acceptor) -> float:
        """Seconds until an acceptor may take the next one; it is told when that is sooner."""
        wait = self.crowd.wait(self._clock())
        if wait > 0:
            self._resting.add(acceptor)
        return wait

    def enter(self, arrival: Arrival) -> None:
        """Gives it a place, for which others may have to go."""
        key = neighbourhood(arrival.peer[0])
        for other in self.crowd.enter(arrival, key, self._clock()):
            other.make_room()

    def thin_out(self, address: str) -> None:
        """A moment after somebody came: too many of one address have to go."""
        for other in self.crowd.excess(neighbourhood(address), self._clock()):
            other.make_room()

    def begin(self, work: Callable[..., Coroutine[Any, Any, None]], *values: Any) -> None:
        self._tasks.start_soon(work, *values)

    async def judge(self, asking: Asking) -> Peer | Refused:
        """Whatever goes wrong in judging refuses this one, and nobody else notices."""
        try:
            return await self._judge.judge(asking)
        except Exception as error:
            log.error("cannot tell who asks: %s", error, exc_info=error)
            words = "Sereno could not tell who asks; the daemon's log says more"
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return Refused(words, status, CloseCode.INTERNAL_ERROR, status.phrase)

    def subprotocol(self, presented: Presented) -> str | None:
        return self._judge.subprotocol(presented)

    def judging(self, arrival: Arrival) -> None:
        """It asked something, and does not make room while it is judged."""
        self.crowd.hold(arrival)

    def pause(self, arrival: Arrival) -> float:
        """Seconds from its request until it is told that it may not come in: who asks again and
        again is not hurried, so that answering leaves time for those who work here (T27, T31)."""
        key = neighbourhood(arrival.peer[0])
        known = self.crowd.strikes(key, self._clock()) >= self.crowd.failures
        return PAUSE_S if known else 0.0

    def answered(self, arrival: Arrival) -> None:
        """It lingers, and gives its place to whoever needs it."""
        self.crowd.hold(arrival, False)

    def departed(self, arrival: Arrival) -> None:
        """Gone, or in. A failure is logged for the first time in a minute, and at the limit."""
        self.crowd.leave(arrival)
        resting, self._resting = self._resting, set()
        for acceptor in resting:
            acceptor.go_on()
        if arrival.failure is None:
            return
        key, now = neighbourhood(arrival.peer[0]), self._clock()
        before = self.crowd.strikes(key, now)
        self.crowd.failed(key, now)
        after = self.crowd.strikes(key, now)
        if before == 0 or before < self.crowd.failures == after:
            log.warning("%s did not get in (%d in a minute): %s", key, after, arrival.failure)

    # What is asked

    def route(self, asked: Asked, peer: Peer, local: tuple[str, int]) -> Response:
        """For whoever may come in; agents only get to hear what the sessions tell them. Files are
        fetched."""
        match asked.what:
            case "status" if peer.role is Role.AGENT:
                return as_json(HTTPStatus.FORBIDDEN, {"error": "Forbidden"}, asked.cors)
            case "status":
                host, port = local
                listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                return as_json(HTTPStatus.OK, {**self._status(), "listen": listen}, asked.cors)
            case "upgrade":
                more = (*asked.cors, ("Upgrade", "websocket"))
                words = {"error": "Connect to this path with a WebSocket client"}
                return as_json(HTTPStatus.UPGRADE_REQUIRED, words, more)
            case "method":
                more = (*asked.cors, ("Allow", "GET, HEAD, OPTIONS"))
                return as_json(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "Only GET here"}, more)
            case "token":
                words = {"error": "Missing download token"}
                return as_json(HTTPStatus.BAD_REQUEST, words, asked.cors)
            case "mcp":
                words = {"error": "Sereno has no MCP server. Clients connect to /ws"}
                return as_json(HTTPStatus.NOT_FOUND, words, asked.cors)
            case _:
                words = {"error": "Nothing is here. Clients connect to /ws"}
                return as_json(HTTPStatus.NOT_FOUND, words, asked.cors)

    @asynccontextmanager
    async def fetch(
        self, token: str, peer: Peer, cors: Pairs, *, look: bool
    ) -> AsyncIterator[OpenFile | Response]:
        """A file by its token, or what is said instead. See fetching.py."""
        full = self.has_no_room_for(peer)
        if full is not None:
            words = {"error": "Service Unavailable", "message": full}
            yield as_json(HTTPStatus.SERVICE_UNAVAILABLE, words, cors)
            return
        async with fetching(self._shelf, token, peer, cors, look=look) as found:
            yield found

    # Clients

    def has_no_room_for(self, peer: Peer) -> str | None:
        """In words; None when there is room."""
        if sum(self._clients.values()) >= self._most:
            return f"{self._most} clients are connected, and there is no room for more."
        if peer.role is Role.AGENT and self._clients[Role.AGENT] >= MOST_OF_AGENTS:
            return f"{MOST_OF_AGENTS} processes of agents are connected, which is all they get."
        return None

    def count(self, peer: Peer, change: int) -> None:
        self._clients[peer.role] += change
