"""Dials one WebSocket of a relay: TCP or a proxy, TLS, pin, upgrade.

A shell on `websockets`. Certificates and names are always checked, and no switch leaves that out
(C-28, T15); redirects are not followed; nothing of a URL, which holds ids, is logged.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from collections.abc import Collection
from typing import Any, cast

import anyio
import anyio.to_thread
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidProxy, WebSocketException

from sereno.relay_client import reasons
from sereno.relay_client.addresses import connect_tcp
from sereno.relay_client.allowance import Allowance
from sereno.relay_client.endpoints import Endpoint
from sereno.relay_client.pins import BadPin, format_pin, pin_of
from sereno.relay_client.proxies import proxy_for
from sereno.relay_client.reasons import RelayError
from sereno.relay_client.sockets import CLOSE_S, HANDSHAKE_BYTES, DataSocket, RelaySocket
from sereno.relay_client.websocket import QUEUE, RelayWebSocket, Shared

__all__ = ["OPEN_S", "Dialler", "dial_client", "tls_context"]

OPEN_S = 10.0
_QUIET = logging.getLogger("sereno.relay.dialling")
_QUIET.setLevel(logging.ERROR)  # Below that the library logs URLs, and ids with them.


def tls_context() -> ssl.SSLContext:
    """TLS 1.3 or newer, the system's trust store, the name checked. Reads files: not on a loop."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Dialler:
    """Dials one relay. `pins`: see pins.py; at least one must hold, if there are any. `allowance`:
    of what waits unread on all connections; one of its own without it."""

    def __init__(
        self,
        endpoint: Endpoint,
        pins: Collection[bytes] = (),
        allowance: Shared | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._pins = frozenset(pins)
        self._allowance: Shared = Allowance() if allowance is None else allowance
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
            max_queue=QUEUE,
            user_agent_header="sereno",
            logger=_QUIET,
            create_connection=cast(
                type[ClientConnection],
                functools.partial(RelayWebSocket, check=self._check, allowance=self._allowance),
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


async def dial_client(
    endpoint: Endpoint, server_id: str, *, pins: Collection[bytes] = ()
) -> DataSocket:
    """The client's end: a socket to whoever holds `server_id` at the relay, be there somebody or
    not. Raises RelayError."""
    connection = await Dialler(endpoint, pins).dial(
        endpoint.url(server_id, "client"), HANDSHAKE_BYTES
    )
    return RelaySocket(connection)
