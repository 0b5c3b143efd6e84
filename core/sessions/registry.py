"""All sessions of one daemon: who is connected, and how published messages reach them.

Implements the fleet's Publisher. A message is encoded once by the publisher, framed once by the
first listener that sends it, and everything published in one turn of the loop goes out to each
client in one piece (reference stack.md, "Sending to many").
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

import anyio
import anyio.abc

from sereno.core.protocol.frames import (
    BadFrame,
    CloseCode,
    Hello,
    RecordingState,
    SessionRequest,
    WirePing,
    WirePong,
    encode_frame,
)
from sereno.core.protocol.outgoing import AGENTS, Kind, Outgoing
from sereno.core.security.roles import CHANGES, Role, hears
from sereno.core.sessions import checks
from sereno.core.sessions.audience import Audience
from sereno.core.sessions.channel import Channel, Door, Peer
from sereno.core.sessions.connection import Connection, Phase
from sereno.core.sessions.dispatch import Dispatch, Table
from sereno.core.sessions.limits import TokenBucket
from sereno.core.sessions.refusals import Refusals
from sereno.core.sessions.replies import bad_frame
from sereno.core.sessions.services import Services
from sereno.core.sessions.session import Session

__all__ = ["HELLO_S", "LINGER_S", "Sessions"]

log = logging.getLogger("sereno.sessions")

HELLO_S = 15.0
"""Seconds that a socket may be silent before hello."""
DOOR_S = 9.0
"""Seconds for a door to judge: official apps make one attempt of ten (design section 7)."""
LINGER_S = 90.0
"""Seconds that a session lives after its last socket."""
MOST_AWAY = 1_000
"""Sessions that wait for their client at the same time; of more, the longest away ends."""


class Sessions:
    """The registry. Belongs to the daemon's loop; `run` owns the tasks of all requests."""

    def __init__(
        self,
        *,
        greeting: Callable[[str, str | None], bytes],
        door_s: float = DOOR_S,
        hello_s: float = HELLO_S,
        linger_s: float = LINGER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`greeting`: the server_info frame for a socket that said hello, by its client id and the
        server id by which it came, if that is not the daemon's own."""
        self._greeting = greeting
        self._door_s = door_s
        self._hello_s = hello_s
        self._linger_s = linger_s
        self._clock = clock
        self._sessions: dict[tuple[str, str], Session] = {}
        self._away: dict[Session, None] = {}
        self._connections: dict[Connection, None] = {}
        self._pending: list[Outgoing] = []
        self._dispatch: Dispatch | None = None
        self._tasks: anyio.abc.TaskGroup | None = None
        self._services: Services | None = None
        self._pong = encode_frame(WirePong())
        self._refusals = Refusals()

    async def run(
        self,
        services: Services,
        tables: Iterable[Table],
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Answers requests until it is cancelled; what is under way is cancelled then too."""
        self._services = services
        self._dispatch = Dispatch(services, tables)
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                self._dispatch.own(tasks)
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._tasks = None
            self._dispatch.own(None)

    @property
    def count(self) -> int:
        """Sessions, those whose client is away for a moment among them."""
        return len(self._sessions)

    @property
    def workspaces_watched(self) -> bool:
        """Whether any session wants to hear of changed workspaces."""
        return any(session.workspaces for session in self._sessions.values())

    @property
    def peers(self) -> list[Peer]:
        """Who is connected and has said hello, a row each socket."""
        return [one.peer for one in self._connections if one.phase is Phase.OPEN]

    # From the listeners

    def connect(self, channel: Channel, peer: Peer, door: Door | None = None) -> Connection:
        """A new socket whose peer was checked; it has to say hello now. With a `door`, that one
        says who it is, and until then `peer` says only by which way it came."""
        connection = Connection(self, channel, peer, door)
        loop = asyncio.get_running_loop()
        late = loop.call_later(self._hello_s, connection.hello_is_late)
        connection.cancel_deadline = late.cancel
        self._connections[connection] = None
        return connection

    def knocked(self, connection: Connection, hello: Hello, door: Door) -> None:
        """A valid hello that a door has to judge."""
        if self._tasks is None:
            connection.close(CloseCode.RESTART, "Not ready")
            return
        scope = anyio.CancelScope()
        connection.cancel_deadline = scope.cancel
        self._tasks.start_soon(self._judge, connection, hello, door, scope)

    async def _judge(
        self, connection: Connection, hello: Hello, door: Door, scope: anyio.CancelScope
    ) -> None:
        admitted = None
        try:
            with scope, anyio.move_on_after(self._door_s) as waiting:
                admitted = await door.knock(hello)
        except Exception as error:  # noqa: BLE001 - a door that breaks stays shut, for this one only
            log.error("nobody could judge who wants in: %s", error)
            connection.close(CloseCode.BROKEN, "Internal error")
            return
        if connection.phase is not Phase.HELD:
            return
        if admitted is None:
            late = waiting.cancelled_caught
            connection.close(
                CloseCode.HELLO_TIMEOUT if late else CloseCode.UNAUTHORISED,
                "Not confirmed yet" if late else "Not let in",
            )
            return
        connection.let_in(admitted.peer)
        self.greeted(connection, hello, admitted.server_id)
        connection.caught_up()

    def greeted(self, connection: Connection, hello: Hello, server_id: str | None = None) -> None:
        """A valid hello of somebody who may come in: joins the session of this credential and
        client id, or makes one."""
        key = (connection.peer.credential, hello.client_id.strip())
        session = self._sessions.get(key)
        if session is None:
            session = Session(key[1], connection.peer, TokenBucket(self._clock()))
            self._sessions[key] = session
        session.refresh(hello)
        session.expiry = None
        self._away.pop(session, None)
        session.connections.append(connection)
        connection.session = session
        # What was published before is not for this socket; what comes now is.
        self.flush(but=connection)
        connection.answer(self._greeting(key[1], server_id))

    def incoming(self, connection: Connection, data: bytes) -> None:
        """A message after hello: through all checks in order, then to its handler."""
        session = connection.session
        assert session is not None
        unit = checks.Unit(
            data, self._clock(), session.bucket, session.role, under_way=len(session.calls)
        )
        try:
            checks.run(unit)
        except checks.Refused as refused:
            connection.answer(refused.frame)
            if refused.stage is checks.Stage.ROLE:
                self._report(session, connection, refused.request_type)
            return
        match unit.frame:
            case SessionRequest(message=request) if self._dispatch is not None:
                self._dispatch.start(
                    session, connection, request, lambda frame: self.answer(session, frame)
                )
            case WirePing():
                connection.answer(self._pong)
            case Hello():
                connection.close(CloseCode.INVALID_HELLO, "Unexpected hello")
            case RecordingState():
                pass  # Accepted and ignored (wire reference 5.8).

    def unreadable(self, connection: Connection, error: BadFrame) -> None:
        connection.answer(bad_frame(error))

    def disconnected(self, connection: Connection) -> None:
        """The socket is gone; its session stays a while (wire reference 5.4)."""
        self._connections.pop(connection, None)
        session = connection.session
        if session is None or connection not in session.connections:
            return
        session.connections.remove(connection)
        if session.connections:
            return
        # A client may call itself anything, so whoever comes in makes any number of sessions. Those
        # of agents have nothing that would be missed.
        if session.role is Role.AGENT:
            self._end(session)
            return
        session.expiry = self._clock() + self._linger_s
        asyncio.get_running_loop().call_later(self._linger_s, self._expire, session)
        self._away[session] = None
        if len(self._away) > MOST_AWAY:
            self._end(next(iter(self._away)))

    def _expire(self, session: Session) -> None:
        if session.expiry is not None and session.expiry <= self._clock() + 0.001:
            self._end(session)

    def _end(self, session: Session) -> None:
        self._away.pop(session, None)
        key = (session.peer.credential, session.client_id)
        if self._sessions.get(key) is session:
            del self._sessions[key]
            for scope in tuple(session.calls):
                scope.cancel()

    def _report(self, session: Session, connection: Connection, request_type: str) -> None:
        """Somebody asked for what their role may not do: log and audit (T46)."""
        left_out = self._refusals.take(session.peer.credential, self._clock())
        if left_out is None:
            return
        log.warning("refused %s for role %s", request_type, session.role.value)
        if self._tasks is None or self._services is None or request_type not in CHANGES:
            return
        actor = f"{session.role.value} ({connection.client_type})"
        told = {"way": session.peer.way}
        if left_out:
            told["left_out"] = str(left_out)
        self._tasks.start_soon(self._note, actor, request_type, told)

    async def _note(self, actor: str, request_type: str, told: dict[str, str]) -> None:
        assert self._services is not None
        try:
            await self._services.note(actor, "request.refused", request_type, told)
        except Exception as error:  # noqa: BLE001 - the refusal stands, whatever the store says
            log.error("the refusal of %s is not in the audit: %s", request_type, error)

    # To the clients

    def publish(self, message: Outgoing) -> None:
        """Queues a message for everybody whom it concerns; it goes out in this turn of the loop."""
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append(message)
        if message.needs == AGENTS and self._services is not None:
            self._services.workspaces.touched()

    def flush(self, *, but: Connection | None = None) -> None:
        """Sends what was published so far."""
        if not self._pending:
            return
        audience = Audience(self._pending)
        self._pending = []
        for connection in tuple(self._connections):
            if connection.session is None or connection is but:
                continue
            if not hears(connection.session.role):
                continue
            batch = audience.batch_for(connection.session)
            if batch:
                connection.deliver(batch)

    def answer(self, session: Session, frame: bytes) -> None:
        """A reply to all sockets of a session, behind everything that was published before it."""
        self.flush()
        session.answer(frame)

    def tell(self, frame: bytes) -> None:
        """A control push to everybody."""
        self.publish(Outgoing(Kind.CONTROL, "", frame))

    # The end

    async def drain(self, timeout_s: float) -> None:
        """Lets requests under way finish, but no longer than this; sends what is published."""
        if self._dispatch is not None:
            with anyio.move_on_after(timeout_s):
                await self._dispatch.idle()
        self.flush()

    def close(self, code: int, reason: str) -> None:
        """Closes all sockets with this code, those that never said hello too."""
        self.flush()
        for connection in tuple(self._connections):
            connection.close(code, reason)

    def drop(self, credential: str, code: int, reason: str) -> int:
        """Sends away who came by a credential, and ends what they asked for. Gives how many."""
        gone = [one for one in self._connections if one.peer.credential == credential]
        for connection in gone:
            connection.close(code, reason)
        for session in [
            one for one in self._sessions.values() if one.peer.credential == credential
        ]:
            self._end(session)
        return len(gone)

    def waiting(self) -> int:
        """Bytes in all outboxes together."""
        return sum(connection.waiting for connection in self._connections)
