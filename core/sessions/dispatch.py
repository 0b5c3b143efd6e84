"""From a checked request to its reply: one handler for each type of message.

Handlers are plain functions, `def` where nothing has to be awaited. They are started in the order
of arrival and run concurrently (wire reference 0); each way to fail has its form here.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, get_args

import anyio
import anyio.abc
import msgspec

from sereno.core.agents.errors import AgentError
from sereno.core.agents.views import AgentView
from sereno.core.home import HomeError
from sereno.core.protocol.frames import Request, encode_payload, request_name
from sereno.core.protocol.requests import WaitForFinish
from sereno.core.protocol.values import Wire
from sereno.core.security.roles import ALLOWED, hears
from sereno.core.sessions.connection import Connection
from sereno.core.sessions.directory import discreet
from sereno.core.sessions.replies import RequestFailed, activity, rpc_error
from sereno.core.sessions.services import Services
from sereno.core.sessions.session import Session
from sereno.core.store.errors import StoreError
from sereno.core.workspaces.errors import WorkspaceError

__all__ = ["Call", "Dispatch", "Reply", "Table"]

log = logging.getLogger("sereno.sessions")

Reply = Wire | bytes | None
"""A payload, a whole frame that is encoded already, or nothing."""
Handler = Callable[["Call", Any], Reply | Awaitable[Reply]]
H = TypeVar("H", bound=Callable[..., Any])

_EXPLAINED = (AgentError, StoreError, WorkspaceError, HomeError, RequestFailed)


_HERE = frozenset({"unix", "memory"})
"""Ways of a peer who is at this machine for certain."""


class Call(msgspec.Struct, frozen=True):
    """Who asks, from where, and what a handler may use."""

    session: Session
    connection: Connection
    services: Services
    answer: Callable[[bytes], None]
    """Sends a further whole frame to the session, behind everything published so far."""

    @property
    def by(self) -> str:
        """The principal, in words for ledger and audit."""
        place = (
            "this terminal" if self.session.peer.way == "memory" else self.connection.client_type
        )
        return f"{self.session.role.value} ({place})"

    def only_here(self, cause: str, next_step: str) -> None:
        """For what lets others in: on this machine's own screen or socket alone, whatever the role
        of somebody elsewhere is (design section 7). Raises RequestFailed."""
        if self.session.peer.way not in _HERE:
            raise RequestFailed(cause, next_step, code="forbidden")

    def shown(self, view: AgentView) -> AgentView:
        """An agent as this client may see it."""
        return view if hears(self.session.role) else discreet(view)


class Table:
    """Handlers of one subject: fill it with `@table.handles(RequestType)`."""

    def __init__(self) -> None:
        self.entries: dict[type[Wire], Handler] = {}

    def handles(self, kind: type[Wire]) -> Callable[[H], H]:
        def register(handler: H) -> H:
            if kind in self.entries:
                raise ValueError(f"two handlers for {kind.__name__}")
            self.entries[kind] = handler
            return handler

        return register


class Dispatch:
    """All handlers. Refuses to be built with a request that has no handler or no row in the table
    of roles."""

    def __init__(self, services: Services, tables: Iterable[Table]) -> None:
        self._services = services
        self._handlers: dict[type[Wire], Handler] = {}
        self._waits: set[type[Wire]] = set()
        for table in tables:
            self._handlers |= table.entries
        for kind in get_args(Request):
            name = str(kind.__struct_config__.tag)
            if kind not in self._handlers or name not in ALLOWED:
                raise ValueError(f"{name} has no handler or no role")
            if inspect.iscoroutinefunction(self._handlers[kind]):
                self._waits.add(kind)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._under_way = 0
        self._idle = anyio.Event()

    async def idle(self) -> None:
        """Until no request is under way, but those that wait for an agent to finish."""
        while self._under_way:
            self._idle = anyio.Event()
            await self._idle.wait()

    def own(self, tasks: anyio.abc.TaskGroup | None) -> None:
        """The task group that owns all requests under way."""
        self._tasks = tasks

    def start(
        self,
        session: Session,
        connection: Connection,
        request: Wire,
        answer: Callable[[bytes], None],
    ) -> None:
        """Begins a request. What needs no waiting is done at once, unless an earlier request of
        the session has not begun yet."""
        call = Call(session, connection, self._services, answer)
        handler = self._handlers[type(request)]
        if type(request) not in self._waits and not session.unstarted:
            try:
                reply = handler(call, request)
            except Exception as error:  # noqa: BLE001 - as in _run
                self._fail(call, request, error)
            else:
                assert not isinstance(reply, Awaitable)
                self._reply(call, reply)
            return
        if self._tasks is None:
            return  # The daemon is stopping, and the socket will be closed in a moment.
        scope = anyio.CancelScope()
        session.calls.add(scope)
        session.unstarted += 1
        self._tasks.start_soon(self._run, call, request, handler, scope)

    async def _run(
        self, call: Call, request: Wire, handler: Handler, scope: anyio.CancelScope
    ) -> None:
        call.session.unstarted -= 1
        counted = not isinstance(request, WaitForFinish)
        self._under_way += counted
        try:
            with scope:
                reply = handler(call, request)
                if isinstance(reply, Awaitable):
                    reply = await reply
                self._reply(call, reply)
        except Exception as error:  # noqa: BLE001 - a fault in one request must not end the others
            self._fail(call, request, error)
        finally:
            call.session.calls.discard(scope)
            self._under_way -= counted
            if not self._under_way:
                self._idle.set()

    def _reply(self, call: Call, reply: Reply) -> None:
        if reply is not None:
            call.answer(reply if isinstance(reply, bytes) else encode_payload(reply))

    def _fail(self, call: Call, request: Wire, error: Exception) -> None:
        """Section 7.1: `rpc_error` where there is somebody to answer, and word to the session."""
        name = request_name(request)
        code, next_step = "handler_error", ""
        if isinstance(error, _EXPLAINED):
            words, next_step = error.message, error.next_step
            log.info("%s refused: %s", name, words)
        else:
            words = f"{type(error).__name__}: {error}"
            next_step = "This is a mistake in Sereno; the daemon's log has the details."
            log.error("%s failed", name, exc_info=error)
        if isinstance(error, RequestFailed):
            code = error.code
        if code == "handler_error":
            words = f"Request failed: {words}"
        request_id = getattr(request, "request_id", None)
        if isinstance(request_id, str):
            call.answer(rpc_error(request_id, name, code, words, next_step))
        call.answer(activity(words, self._services.now_ms()))
