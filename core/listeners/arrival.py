"""One TCP connection from its first byte until it is known what it is: one request, one answer.

It is the pump's reader until then. Who asks for a WebSocket and may have one goes on as
WebSocketChannel on the same pump; everybody else gets an answer and is let go. Nothing behind the
head is read before the judgement (T31).
"""

from __future__ import annotations

import asyncio
import enum
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, Protocol

import anyio
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from sereno.core.listeners.answers import as_json, as_text
from sereno.core.listeners.attachment import as_attachment
from sereno.core.listeners.delivery import Delivery
from sereno.core.listeners.doorkeeper import Asking, Refused
from sereno.core.listeners.heads import QUIET, HeadReader, Unfit
from sereno.core.listeners.pump import Wire
from sereno.core.listeners.stages import Asked, examine, is_forwarded, subprotocols_of, token_of
from sereno.core.security.credentials import Presented, from_http, from_upgrade
from sereno.core.sessions.channel import Peer

if TYPE_CHECKING:
    from sereno.core.listeners.front import Front

__all__ = ["HEAD_S", "JUDGEMENT_S", "LINGER_S", "Arrival", "Owner"]

HEAD_S: Final = 5.0
"""Seconds for a TLS handshake and the whole head."""
JUDGEMENT_S: Final = 20.0
"""Seconds in which it must be known who asks; clients give up after 15."""
LINGER_S: Final = 1.0
"""Seconds that a refused client has to read why and to close."""


class Phase(enum.Enum):
    HEAD = "head"
    JUDGED = "judged"
    ANSWERED = "answered"
    GONE = "gone"


class Owner(Protocol):
    """The listener, as its arrivals see it."""

    way: Literal["tcp", "tls"]

    def admitted(self, arrival: Arrival, protocol: ServerProtocol, peer: Peer, rest: bytes) -> None:
        """The 101 is sent: the connection is a client now, and no longer this arrival's."""

    def delivers(self, arrival: Arrival, peer: Peer) -> Delivery:
        """It gets a file now, and is no longer this arrival's."""
        ...

    def departed(self, arrival: Arrival) -> None:
        """The socket is closed."""


class Arrival:
    """A state machine over one socket. `failure`: why it counts against its address, in words."""

    def __init__(
        self,
        connection: socket.socket,
        wire: Callable[[Arrival], Wire],
        peer: tuple[str, int],
        local: tuple[str, int],
        front: Front,
        owner: Owner,
    ) -> None:
        self.peer = peer
        self.local = local
        self.failure: str | None = None
        self._connection = connection
        self._front = front
        self._owner = owner
        self._phase = Phase.HEAD
        self._presented = Presented()
        self._echo: str | None = None
        self._judging: anyio.CancelScope | None = None
        self._asked_at = 0.0
        protocol = ServerProtocol(
            select_subprotocol=lambda _, __: self._selected(), extensions=None, logger=QUIET
        )
        self._head = HeadReader(protocol)
        self._protocol = protocol
        self._timer = asyncio.get_running_loop().call_later(HEAD_S, self._head_is_late)
        self.wire = wire(self)

    # The pump's Reader

    def received(self, data: bytes) -> None:
        if self._phase is not Phase.HEAD:
            return  # Answered already: read and dropped, so that the answer arrives.
        try:
            request = self._head.feed(data)
        except Unfit as unfit:
            self.failure = unfit.words
            self._answer(as_text(unfit.status, unfit.words))
            return
        if request is not None:
            self._asked(request)

    def ended(self) -> None:
        self._timer.cancel()
        if self._judging is not None:
            self._judging.cancel()
        if self._phase is Phase.JUDGED or (self._phase is Phase.HEAD and self._head.has_begun):
            self.failure = self.failure or "it went away before it was answered"
        self._phase = Phase.GONE
        self._owner.departed(self)

    def busy(self) -> None:
        pass  # One answer of a few hundred bytes.

    def drained(self) -> None:
        pass

    # The request

    def _asked(self, request: Request) -> None:
        found = examine(request, self._front.rules)
        if isinstance(found, Response):
            if found.status_code >= HTTPStatus.BAD_REQUEST:
                self.failure = found.body.decode().strip()
            self._answer(found, head_only=request.method == "HEAD")
            return
        self._phase = Phase.JUDGED
        self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._asked_at = loop.time()
        self._timer = loop.call_later(JUDGEMENT_S, self._judgement_is_late)
        # What comes behind the head waits in the kernel until it is known whose it is.
        self.wire.pause()
        websocket = found.what == "websocket"
        authorization = request.headers.get_all("Authorization")
        if websocket:
            offered = subprotocols_of(request)
            if offered is None:
                self.failure = "Unreadable Sec-WebSocket-Protocol"
                self._answer(as_text(HTTPStatus.BAD_REQUEST, self.failure))
                return
            self._presented = from_upgrade(authorization, offered)
        else:
            self._presented = from_http(authorization)
        asking = Asking(
            way=self._owner.way,
            peer=self.peer,
            local=self.local,
            presented=self._presented,
            forwarded=is_forwarded(request),
            connection=self._connection,
        )
        self._front.judging(self)
        self._judging = anyio.CancelScope()
        self._front.begin(self._judge, request, found, asking, self._judging)

    async def _judge(
        self, request: Request, asked: Asked, asking: Asking, scope: anyio.CancelScope
    ) -> None:
        with scope:
            verdict = await self._front.judge(asking)
            self._judging = None
            self._decided(request, asked, verdict)

    def _decided(self, request: Request, asked: Asked, verdict: Peer | Refused) -> None:
        if self._phase is not Phase.JUDGED:
            return
        if isinstance(verdict, Refused):
            self.failure = verdict.reason
            loop = asyncio.get_running_loop()
            until = self._asked_at + self._front.pause(self)
            if until > loop.time():
                # Nothing is read from it yet; its place is for whoever comes.
                self._timer.cancel()
                self._timer = loop.call_at(until, self._say, request, asked, verdict)
                self._front.answered(self)
                return
        self._say(request, asked, verdict)

    def _say(self, request: Request, asked: Asked, verdict: Peer | Refused) -> None:
        if asked.what == "websocket":
            self._upgrade(request, asked, verdict)
        elif isinstance(verdict, Refused):
            body = {"error": verdict.name, "message": verdict.reason}
            self._answer(as_json(verdict.status, body, (*asked.cors, *verdict.headers)))
        elif asked.what == "file":
            self._judging = anyio.CancelScope()
            self._front.begin(self._fetch, request, asked, verdict, self._judging)
        else:
            response = self._front.route(asked, verdict, self.local)
            self._answer(response, head_only=request.method == "HEAD")

    async def _fetch(
        self, request: Request, asked: Asked, peer: Peer, scope: anyio.CancelScope
    ) -> None:
        """The token counts now: then an answer, or the file in pieces."""
        look = request.method == "HEAD"
        with scope:
            token = token_of(request.path)
            async with self._front.fetch(token, peer, asked.cors, look=look) as found:
                if self._phase is not Phase.JUDGED:
                    return
                self._judging = None
                if isinstance(found, Response):
                    self._answer(found, head_only=look)
                    return
                facts = found.facts
                head = as_attachment(facts.name, facts.mime, facts.size, asked.cors)
                if look:
                    self._answer(head)
                    return
                self._timer.cancel()
                self._phase = Phase.GONE
                delivery = self._owner.delivers(self, peer)
                await delivery.run(head.serialize(), found, facts.size)

    def _upgrade(self, request: Request, asked: Asked, verdict: Peer | Refused) -> None:
        """101 and then 4401 for whoever speaks as the official clients do, else 401."""
        presented = self._presented
        if isinstance(verdict, Refused):
            if presented.strict:
                more = (*asked.cors, *verdict.headers)
                self._answer(as_text(verdict.status, verdict.reason, more))
                return
        else:
            full = self._front.has_no_room_for(verdict)
            if full is not None:
                self._answer(as_text(HTTPStatus.SERVICE_UNAVAILABLE, full))
                return
        self._echo = self._front.subprotocol(presented)
        response = self._protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self.failure = "This is no upgrade to WebSocket"
            self._answer(response)
            return
        self._protocol.send_response(response)
        if isinstance(verdict, Refused):
            self._protocol.send_close(verdict.close, verdict.reason)
        self._send(self._protocol.data_to_send())
        if isinstance(verdict, Refused):
            self._let_go()
        else:
            self._admit(verdict)

    def _admit(self, peer: Peer) -> None:
        self._timer.cancel()
        self._phase = Phase.GONE
        self._owner.admitted(self, self._protocol, peer, self._head.rest)

    def _selected(self) -> Subprotocol | None:
        return None if self._echo is None else Subprotocol(self._echo)

    # The end

    def make_room(self) -> None:
        """Somebody newer needs the place, or the rules have changed meanwhile."""
        if self._phase is Phase.HEAD:
            self.failure = "it asked nothing, and others wanted its place"
        self.wire.abort()

    @property
    def is_judged(self) -> bool:
        return self._phase is Phase.JUDGED

    def _head_is_late(self) -> None:
        self.failure = f"No whole request in {HEAD_S:g} s"
        self._answer(as_text(HTTPStatus.REQUEST_TIMEOUT, self.failure))

    def _judgement_is_late(self) -> None:
        if self._judging is not None:
            self._judging.cancel()
        words = "This machine is too busy to tell who asks. Try again in a minute."
        self._answer(as_text(HTTPStatus.SERVICE_UNAVAILABLE, words, (("Retry-After", "60"),)))

    def _answer(self, response: Response, *, head_only: bool = False) -> None:
        if head_only:
            response.body = b""
        self._send([response.serialize()])
        self._let_go()

    def _send(self, pieces: Sequence[bytes]) -> None:
        for data in pieces:
            if data:
                self.wire.write(data)

    def _let_go(self) -> None:
        """Until the client has read the answer, which is lost if we close with bytes unread."""
        if self._phase is Phase.GONE:
            return
        self._phase = Phase.ANSWERED
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, self.wire.abort)
        self._front.answered(self)
        self.wire.resume()
        self.wire.finish()
