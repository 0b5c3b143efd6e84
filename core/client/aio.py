"""The client library: one session at a daemon, for the UI, tests and benchmarks.

Typed messages in, typed messages out, over the unix socket, a network or the in-memory listener. It
does not connect again by itself: whoever shows something to a person decides that. The command line
has a blocking one of its own (blocking.py).
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from sereno.core.client.errors import ConnectionLost, NoDaemon, RpcError
from sereno.core.protocol import messages
from sereno.core.protocol.frames import (
    PROTOCOL_VERSION,
    BadFrame,
    Hello,
    decode_daemon_frame,
    encode_frame,
    encode_request,
)
from sereno.core.protocol.messages import ServerInfo
from sereno.core.protocol.values import Wire, given

if TYPE_CHECKING:
    from sereno.core.client.paired import PairedHost
    from sereno.core.client.target import Target

__all__ = ["Client", "ConnectionLost", "NoDaemon", "RpcError"]

ClientType = Literal["mobile", "browser", "cli", "mcp"]


class Transport(Protocol):
    """Carries frames; calls back with lists of frames and, once, with the end."""

    def write(self, data: bytes) -> None: ...

    def shut(self) -> None: ...


class InMemory(Protocol):
    """The daemon of this process; implemented by core/listeners/memory.py."""

    def connect(
        self, received: Callable[[list[bytes]], None], closed: Callable[[int, str], None]
    ) -> Transport | None: ...


class Client:
    """Made by one of the `connect_…`. Belongs to the loop on which it was made."""

    def __init__(self) -> None:
        self._transport: Transport | None = None
        self._waiting: dict[str, asyncio.Future[Wire]] = {}
        self._pushes: deque[Wire] = deque()
        self._arrival = asyncio.Event()
        self._greeted: asyncio.Future[ServerInfo] = asyncio.get_running_loop().create_future()
        self._count = 0
        self._lost: ConnectionLost | None = None
        self._closed = False
        self._info: ServerInfo | None = None

    @classmethod
    async def connect_unix(
        cls,
        path: Path,
        *,
        client_type: ClientType = "cli",
        client_id: str | None = None,
        timeout_s: float = 5.0,
    ) -> Self:
        """Raises NoDaemon when nobody listens or answers, ConnectionLost when refused."""
        from sereno.core.client.unix import open_unix

        client = cls()
        try:
            async with asyncio.timeout(timeout_s):
                client._transport = await open_unix(path, client._received, client._ended)
                return await client._greet(client_type, client_id)
        except TimeoutError:
            raise _no_answer() from None
        finally:
            client._give_up()

    @classmethod
    async def connect_to(
        cls,
        target: Target,
        *,
        client_type: ClientType = "cli",
        client_id: str | None = None,
        timeout_s: float = 15.0,
    ) -> Self:
        """The daemon of a Target, over a network.

        Raises:
            NoDaemon: nobody listens or answers; a later call may be luckier.
            Refused: password, name, certificate or version; a later call will not be.
            ConnectionLost: the daemon broke off.
        """
        from sereno.core.client.refusals import of_close, timed_out
        from sereno.core.client.tcp import open_target

        client = cls()
        try:
            async with asyncio.timeout(timeout_s):
                client._transport = await open_target(target, client._received, client._ended)
                return await client._greet(client_type, client_id)
        except TimeoutError:
            raise timed_out(target) from None
        except ConnectionLost as error:
            raise of_close(error, target) from error
        finally:
            client._give_up()

    @classmethod
    async def connect_paired(
        cls,
        host: PairedHost,
        *,
        words: Callable[[tuple[str, str, str]], None] = lambda _: None,
        client_type: ClientType = "cli",
        client_id: str | None = None,
        timeout_s: float = 20.0,
    ) -> Self:
        """The daemon of a pairing, through its relay. `words`: told at the first time, when the
        person at the daemon is asked; for that there are two minutes more.

        Raises NoDaemon, Refused and ConnectionLost as `connect_to` does.
        """
        from sereno.core.client.relayed import ASK_S, open_relayed

        client = cls()
        try:
            async with asyncio.timeout(timeout_s + (ASK_S if host.is_new else 0.0)):
                client._transport = await open_relayed(host, client._received, client._ended, words)
                return await client._greet(client_type, client_id)
        except TimeoutError:
            raise NoDaemon(
                "host_timeout",
                f"the daemon behind {host.endpoint.authority} does not answer in time",
                "Check the network, and whether the daemon runs",
            ) from None
        finally:
            client._give_up()

    @classmethod
    async def connect_memory(
        cls,
        listener: InMemory,
        *,
        client_type: ClientType = "cli",
        client_id: str | None = None,
        timeout_s: float = 5.0,
    ) -> Self:
        """Raises NoDaemon while the daemon of this process does not run."""
        client = cls()
        client._transport = listener.connect(client._received, client._ended)
        if client._transport is None:
            raise NoDaemon("no_daemon", "the daemon of this process does not run")
        try:
            async with asyncio.timeout(timeout_s):
                return await client._greet(client_type, client_id)
        except TimeoutError:
            raise _no_answer() from None
        finally:
            client._give_up()

    async def _greet(self, client_type: ClientType, client_id: str | None) -> Self:
        assert self._transport is not None
        hello = Hello(
            client_id=client_id or f"cid_{secrets.token_hex(16)}",
            client_type=client_type,
            protocol_version=PROTOCOL_VERSION,
            capabilities={"reasoning_merge_enum": True, "timeline_jumps": True},
        )
        self._transport.write(encode_frame(hello))
        self._info = await self._greeted
        return self

    def _give_up(self) -> None:
        """After a greeting that failed: nobody will close this client."""
        if self._info is None:
            self._closed = True
            if self._transport is not None:
                self._transport.shut()
        if self._greeted.done() and not self._greeted.cancelled():
            self._greeted.exception()

    @property
    def server(self) -> ServerInfo:
        """Who the daemon says it is."""
        assert self._info is not None
        return self._info

    # Asking

    async def send(self, message: Wire) -> None:
        """Sends a request to which no reply is expected. Raises ConnectionLost."""
        self._write(message)

    async def request(self, message: Wire, timeout_s: float | None = 30.0) -> Wire:
        """Sends a request, with a fresh request id, and gives its reply.

        Raises RpcError (also code "timeout") and ConnectionLost.
        """
        self._count += 1
        request_id = f"r{self._count}"
        message.request_id = request_id  # type: ignore[attr-defined]
        future: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = future
        try:
            self._write(message)
            async with asyncio.timeout(timeout_s):
                reply = await future
        except TimeoutError:
            raise RpcError("timeout", f"the daemon did not answer within {timeout_s:g} s") from None
        finally:
            self._waiting.pop(request_id, None)
        if isinstance(reply, messages.RpcError):
            raise RpcError(given(reply.code, "failed"), reply.error, given(reply.next_step, ""))
        return reply

    def _write(self, message: Wire) -> None:
        if self._lost is not None:
            raise self._lost
        if self._closed or self._transport is None:
            raise ConnectionLost("this client was closed", close_code=1000)
        self._transport.write(encode_request(message))

    # Listening

    async def messages(self) -> AsyncIterator[Wire]:
        """Everything that answers no request, in order; whole again after a break in iterating.

        Ends after `aclose()`. Raises ConnectionLost when the daemon is gone, after the last one.
        """
        while True:
            while self._pushes:
                yield self._pushes.popleft()
            if self._lost is not None:
                raise self._lost
            if self._closed:
                return
            self._arrival.clear()
            await self._arrival.wait()

    def take(self) -> list[Wire]:
        """The pushes that are there, without waiting: for a UI that draws by a timer."""
        taken = list(self._pushes)
        self._pushes.clear()
        return taken

    def _received(self, frames: list[bytes]) -> None:
        for frame in frames:
            try:
                message = decode_daemon_frame(frame)
            except BadFrame as error:
                self._ended(1007, f"the daemon sent a message that cannot be read: {error}")
                if self._transport is not None:
                    self._transport.shut()
                return
            self._take_in(message)
        if self._pushes:
            self._arrival.set()

    def _take_in(self, message: Wire) -> None:
        if isinstance(message, ServerInfo) and not self._greeted.done():
            self._greeted.set_result(message)
            return
        future = self._waiting.get(getattr(message, "request_id", ""))
        if future is None:
            self._pushes.append(message)
        elif not future.done():
            future.set_result(message)

    def _ended(self, code: int, reason: str) -> None:
        if self._lost is not None or self._closed:
            return
        words = f"the daemon closed the connection ({code}{': ' + reason if reason else ''})"
        self._lost = ConnectionLost(words, close_code=code, reason=reason)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(self._lost)
        if not self._greeted.done():
            self._greeted.set_exception(self._lost)
        self._arrival.set()

    async def aclose(self) -> None:
        """Says goodbye. Requests under way raise ConnectionLost; repeated calls do nothing."""
        if self._closed:
            return
        self._ended(1000, "Client closed")
        if self._lost is not None and self._lost.close_code == 1000:
            self._lost = None
        self._closed = True
        self._arrival.set()
        if self._transport is not None:
            self._transport.shut()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _no_answer() -> NoDaemon:
    return NoDaemon(
        "no_answer",
        "the daemon does not answer",
        "Look into logs/daemon.log of the home, or restart it with `sereno daemon restart`",
    )
