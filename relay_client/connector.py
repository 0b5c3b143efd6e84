"""A daemon's presence at one relay under one server id: the control socket, and a data socket for
each client that comes.

A shell: what the relay's words mean stands in control.py, how long to wait in backoff.py. What runs
on a data socket is the caller's (`opened`); nothing is decrypted here, and no id is logged.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Literal

import anyio
from anyio.abc import TaskGroup

from sereno.relay_client import reasons
from sereno.relay_client.backoff import Backoff
from sereno.relay_client.budget import Budget
from sereno.relay_client.control import Control, Dial, Effect, Hangup, Lost, Ready, Say, Timing
from sereno.relay_client.dialling import Dialler, dial_client
from sereno.relay_client.endpoints import Endpoint
from sereno.relay_client.reasons import RelayError
from sereno.relay_client.sockets import HANDSHAKE_BYTES, DataSocket, RelaySocket, SocketClosed
from sereno.relay_client.websocket import Shared

__all__ = [
    "MOST_SOCKETS",
    "Connector",
    "DataSocket",
    "RelayError",
    "RelayState",
    "SocketClosed",
    "dial_client",
]

MOST_SOCKETS = 64
"""Data sockets of one connector; who comes beyond that waits at the relay."""
_AT_ONCE = 8
"""Data sockets that are being dialled at a time."""
_CONTROL_BYTES = 1024 * 1024
_SEND_S = 10.0
_LEAVE_S = 0.8
"""How long goodbyes may take when the connector is stopped."""
_COMPLAIN_S = 10.0

log = logging.getLogger("sereno.relay.connector")


@dataclasses.dataclass(frozen=True)
class RelayState:
    """`since`: of time.monotonic(). `error`: why it is not ready, cause and next step, from the
    first failure until it is ready; `code`: the error's. `next_try_s`: seconds, when waiting."""

    phase: Literal["connecting", "ready", "waiting"]
    since: float
    error: str | None = None
    next_try_s: float | None = None
    code: str | None = None


@dataclasses.dataclass(eq=False)
class _Line:
    """A connection of which we have, or want, the data socket."""

    connection_id: str
    dialling: anyio.CancelScope = dataclasses.field(default_factory=anyio.CancelScope)
    socket: RelaySocket | None = None


class Connector:
    """`opened` gets each data socket in a task of its own; when it returns the socket is closed,
    when it raises with 1011. It should end soon after SocketClosed, and is cancelled with `run`.

    `state` is told each change, on the loop. `random`: see Backoff. `pins`: see pins.py.
    `allowance`: shared by all connectors of a daemon (allowance.py).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        server_id: str,
        opened: Callable[[DataSocket], Awaitable[None]],
        *,
        state: Callable[[RelayState], None],
        random: Callable[[], float],
        pins: Collection[bytes] = (),
        allowance: Shared | None = None,
        timing: Timing | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._server_id = server_id
        self._opened = opened
        self._state = state
        self._backoff = Backoff(random)
        self._dialler = Dialler(endpoint, pins, allowance)
        self._timing = timing or Timing()
        self._sleep = sleep
        self._budget = Budget(time.monotonic())
        self._lines: dict[str, _Line] = {}
        self._running = 0
        self._refused = 0
        self._complained_at = float("-inf")

    @property
    def sockets(self) -> int:
        """How many data sockets there are, or are being dialled."""
        return self._running

    async def run(self) -> None:
        """Until cancelled: keeps the control socket, and tries again for ever when it is lost."""
        dialling = anyio.Semaphore(_AT_ONCE)
        error: RelayError | None = None
        async with anyio.create_task_group() as tasks:
            while True:
                self._tell("connecting", error)
                try:
                    await self._control(tasks, dialling)
                except RelayError as found:
                    error = found
                wait = self._backoff.failed()
                self._tell("waiting", error, wait)
                await self._sleep(wait)

    # The control socket

    async def _control(self, tasks: TaskGroup, dialling: anyio.Semaphore) -> None:
        """From dialling to the end, which is always a RelayError."""
        url = self._endpoint.url(self._server_id, "server")
        socket = RelaySocket(await self._dialler.dial(url, _CONTROL_BYTES))
        control = Control(self._timing, time.monotonic(), lambda: time.time_ns() // 1_000_000)
        try:
            effects = control.start()
            while True:
                for effect in effects:
                    await self._carry_out(effect, socket, tasks, dialling)
                effects = await self._next(control, socket)
        except SocketClosed as closed:
            raise reasons.of_closed(closed, self._endpoint.authority) from None
        except anyio.get_cancelled_exc_class():
            await _leave(socket, 1000, "")
            raise
        finally:
            socket.abort()

    async def _next(self, control: Control, socket: RelaySocket) -> list[Effect]:
        """What the next message, or the time that went by, leads to."""
        frame = None
        with anyio.move_on_after(max(0.0, control.wakes_at - time.monotonic())):
            frame = await socket.receive()
        if frame is None:
            return control.tick(time.monotonic())
        return control.receive(frame, time.monotonic())

    async def _carry_out(
        self, effect: Effect, socket: RelaySocket, tasks: TaskGroup, dialling: anyio.Semaphore
    ) -> None:
        match effect:
            case Say(text):
                await self._say(socket, text)
            case Ready():
                self._backoff.ready()
                self._tell("ready", None)
            case Dial(connection_ids):
                for one in connection_ids:
                    self._dial(one, tasks, dialling)
            case Hangup(connection_id):
                self._hang_up(connection_id, tasks)
            case Lost(why):
                raise reasons.of_lost(why, self._endpoint.authority)

    async def _say(self, socket: RelaySocket, text: str) -> None:
        try:
            with anyio.fail_after(_SEND_S):
                await socket.send(text)
        except TimeoutError:
            words = f"The relay {self._endpoint.authority} takes nothing any more."
            raise RelayError("relay_silent", words, "Check the network.") from None

    # Data sockets

    def _dial(self, connection_id: str, tasks: TaskGroup, dialling: anyio.Semaphore) -> None:
        if connection_id in self._lines:
            return
        if self._running >= MOST_SOCKETS or not self._budget.take(time.monotonic()):
            self._refuse()
            return
        line = self._lines[connection_id] = _Line(connection_id)
        self._running += 1
        tasks.start_soon(self._serve, line, dialling)

    def _refuse(self) -> None:
        """Left to the relay, which tells the client. Logged, but not each time."""
        self._refused += 1
        now = time.monotonic()
        if now - self._complained_at >= _COMPLAIN_S:
            log.warning(
                "the relay %s names more clients, or more often, than are let in: "
                "%d at a time (%d left out so far)",
                self._endpoint.authority,
                MOST_SOCKETS,
                self._refused,
            )
            self._complained_at = now

    def _hang_up(self, connection_id: str, tasks: TaskGroup) -> None:
        line = self._lines.pop(connection_id, None)
        if line is None:
            return
        line.dialling.cancel()
        if line.socket is not None:
            tasks.start_soon(line.socket.close, 1001, "Client disconnected")

    async def _serve(self, line: _Line, dialling: anyio.Semaphore) -> None:
        """One data socket from dialling to the end; its slot is free when this returns."""
        try:
            with line.dialling:
                async with dialling:
                    line.socket = await self._dial_data(line.connection_id)
            if line.socket is not None:
                await self._hand_over(line, line.socket)
        finally:
            self._running -= 1
            if self._lines.get(line.connection_id) is line:
                del self._lines[line.connection_id]

    async def _dial_data(self, connection_id: str) -> RelaySocket | None:
        url = self._endpoint.url(self._server_id, "server", connection_id)
        try:
            connection = await self._dialler.dial(url, HANDSHAKE_BYTES)
        except RelayError as error:  # The relay names the client again, if it is still there.
            log.debug("no data socket: %s", error)
            return None
        return RelaySocket(connection, connection_id)

    async def _hand_over(self, line: _Line, socket: RelaySocket) -> None:
        code, reason = 1000, ""
        try:
            if line.dialling.cancel_called:  # Hung up at the very moment when it opened.
                code, reason = 1001, "Client disconnected"
            else:
                await self._opened(socket)
        except Exception as error:
            if not _only_closed(error):
                log.exception("a session through the relay failed")
                code, reason = 1011, "Internal error"
        finally:
            await _leave(socket, code, reason)

    def _tell(
        self,
        phase: Literal["connecting", "ready", "waiting"],
        error: RelayError | None,
        next_try_s: float | None = None,
    ) -> None:
        words, code = (None, None) if error is None else (str(error), error.code)
        self._state(RelayState(phase, time.monotonic(), words, next_try_s, code))


def _only_closed(error: Exception) -> bool:
    """Whether it says no more than that the socket is closed, alone or in groups."""
    if isinstance(error, ExceptionGroup):
        return error.split(SocketClosed)[1] is None
    return isinstance(error, SocketClosed)


async def _leave(socket: RelaySocket, code: int, reason: str) -> None:
    """Also when cancelled: says goodbye, and does not wait long for an answer."""
    with anyio.move_on_after(_LEAVE_S, shield=True):
        await socket.close(code, reason)
