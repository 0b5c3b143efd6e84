"""Dials one WebSocket of a relay: TCP or a proxy, TLS, pin, upgrade.

A shell on `websockets`. Certificates and names are always checked, and no switch leaves that out
(C-28, T15); redirects are not followed; nothing of a URL, which holds ids, is logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import ssl
from collections.abc import Collection
from typing import Any, cast

import anyio
import anyio.to_thread
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidProxy, WebSocketException
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event

from sereno.relay_client import reasons
from sereno.relay_client.addresses import connect_tcp
from sereno.relay_client.endpoints import Endpoint
from sereno.relay_client.pins import BadPin, format_pin, pin_of
from sereno.relay_client.proxies import proxy_for
from sereno.relay_client.reasons import RelayError
from sereno.relay_client.sockets import CLOSE_S, HANDSHAKE_BYTES, DataSocket, RelaySocket

__all__ = ["OPEN_S", "Dialler", "dial_client", "tls_context"]

OPEN_S = 10.0
_QUIET = logging.getLogger("sereno.relay.dialling")
_QUIET.setLevel(logging.ERROR)  # Below that the library logs URLs, and ids with them.
_KEEP_ALIVE = (
    ("TCP_KEEPIDLE", 20),  # Seconds of silence before it asks; Linux.
    ("TCP_KEEPALIVE", 20),  # The same; macOS.
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 4),
    ("TCP_USER_TIMEOUT", 40_000),  # Milliseconds for what was sent to be confirmed; Linux.
)


def tls_context() -> ssl.SSLContext:
    """TLS 1.3 or newer, the system's trust store, the name checked. Reads files: not on a loop."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Dialler:
    """Dials one relay. `pins`: see pins.py; at least one must hold, if there are any."""

    def __init__(self, endpoint: Endpoint, pins: Collection[bytes] = ()) -> None:
        self._endpoint = endpoint
        self._pins = frozenset(pins)
        self._context: ssl.SSLContext | None = None

    async def dial(self, url: str, most: int) -> ClientConnection:
        """`url`: of Endpoint.url; `most`: bytes of the longest message. Raises RelayError."""
        if self._pins and not self._endpoint.tls:
            raise RelayError(
                "relay_pin",
                f"A key is pinned, and {self._endpoint.authority} is dialled without TLS.",
                f"Write wss://{self._endpoint.authority}, or take the pin away.",
            )
        options: dict[str, Any] = {}
        proxy = None
        try:
            proxy = proxy_for(self._endpoint)
            with anyio.fail_after(OPEN_S):
                if self._endpoint.tls:
                    options["ssl"] = await self._trust()
                if proxy is None:
                    options["sock"] = await connect_tcp(self._endpoint.host, self._endpoint.port)
                return await self._connect(url, most, proxy, options)
        except InvalidProxy as error:  # Its text holds the proxy's address, and a password there.
            raise reasons.of_dialling(error, self._endpoint, proxied=True) from None
        except (OSError, WebSocketException, ImportError, UnicodeError) as error:
            found = reasons.of_dialling(error, self._endpoint, proxied=proxy is not None)
            if found.code in reasons.CERTIFICATE:
                self._context = None  # The trust store is read anew: somebody may mend it.
            raise found from error

    async def _trust(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = await anyio.to_thread.run_sync(tls_context)
        return self._context

    async def _connect(
        self, url: str, most: int, proxy: str | None, options: dict[str, Any]
    ) -> ClientConnection:
        return await _Connect(
            url,
            proxy=proxy,
            compression=None,
            open_timeout=None,
            close_timeout=CLOSE_S,
            ping_interval=None,
            max_size=most,
            max_queue=2,  # Frames of 133 MB at most: what is not taken waits at the relay.
            user_agent_header="sereno",
            logger=_QUIET,
            create_connection=cast(
                type[ClientConnection], functools.partial(_Connection, check=self._check)
            ),
            **options,
        )

    def _check(self, transport: asyncio.Transport) -> None:
        """Before a word is said. Raises RelayError where no pin holds."""
        if not self._pins:
            return
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        try:
            pin = pin_of(shown)
        except BadPin as error:
            raise reasons.pin_mismatch(self._endpoint.authority, str(error)) from error
        if pin not in self._pins:
            raise reasons.pin_mismatch(self._endpoint.authority, format_pin(pin))


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class _Connection(ClientConnection):
    """Checks whom it reached before it says what it wants, and sees to it that what is closing, or
    went away without a word, is closed in the end."""

    def __init__(self, *args: Any, check: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._check = check
        self._cut: asyncio.TimerHandle | None = None
        self._leaving = False
        self._made = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made = True
        super().connection_made(transport)

    async def handshake(self, *args: Any, **options: Any) -> None:
        self._check(self.transport)
        found = self.transport.get_extra_info("socket")
        if found is not None:
            _keep_alive(found)
        await super().handshake(*args, **options)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._cut is None and self.protocol.close_expected():
            # The library waits for ever for whoever says goodbye and does not go.
            self._cut = self.loop.call_later(CLOSE_S, self.transport.abort)

    async def close(self, *args: Any, **options: Any) -> None:
        """What still comes is dropped, so that the other end's goodbye is not stuck behind it."""
        self._leaving = True
        self.transport.resume_reading()
        await super().close(*args, **options)

    def process_event(self, event: Event) -> None:
        if not (self._leaving and isinstance(event, Frame) and event.opcode in DATA_OPCODES):
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut is not None:
            self._cut.cancel()
        if self._made:  # Not where TLS behind a proxy failed, which the library does not expect.
            super().connection_lost(exc)


def _keep_alive(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)


async def dial_client(
    endpoint: Endpoint, server_id: str, *, pins: Collection[bytes] = ()
) -> DataSocket:
    """The client's end: a socket to whoever holds `server_id` at the relay, be there somebody or
    not. Raises RelayError."""
    connection = await Dialler(endpoint, pins).dial(
        endpoint.url(server_id, "client"), HANDSHAKE_BYTES
    )
    return RelaySocket(connection)
