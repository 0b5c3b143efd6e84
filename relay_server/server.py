"""The relay as one object: its listening sockets, its clock and its end. No signals, no log file.

One node, or with `nats` in the settings one of several: mesh.py then decides where an id lives.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from sereno.relay_server.acts import Code
from sereno.relay_server.hub import Hub
from sereno.relay_server.link import Link
from sereno.relay_server.local import local_rooms, new_mesh
from sereno.relay_server.names import Names
from sereno.relay_server.settings import Address, RelayError, Settings
from sereno.relay_server.switchboard import Switchboard

if TYPE_CHECKING:
    from sereno.relay_server.mesh_nats import Bridge

__all__ = ["RelayServer"]

_BACKLOG = 1024


class RelayServer:
    """`start`, then `run` until it is canceled or `stop` was called. Raises RelayError."""

    def __init__(self, settings: Settings) -> None:
        settings.check()
        self._settings = settings
        limits, timing = settings.limits, settings.timing
        self._loop = asyncio.get_running_loop()
        local = local_rooms(limits, timing.of_nodes if settings.nats else timing)
        mesh = None if not settings.nats else new_mesh(settings.node, limits, timing, local)
        board = Switchboard(limits, local if mesh is None else mesh.room)
        names = Names(secrets.token_bytes(16))
        self.hub = Hub(board, limits, timing, names, self._loop.time, settings.proxies, mesh)
        self.bridge: Bridge | None = None
        if mesh is not None:
            # Here, because a relay of one node does without the broker's library.
            from sereno.relay_server.mesh_nats import Bridge

            mesh.board = board
            self.bridge = Bridge(mesh, self.hub, settings.nats)
        self._tls = self._context()
        self._servers: list[asyncio.Server] = []
        self._stopping = anyio.Event()
        self.listening: list[str] = []
        """What is open, as bound: "ws://127.0.0.1:8787"."""

    async def start(self) -> None:
        """Opens every address, or none; with several nodes when the others are known."""
        settings = self._settings
        wanted: list[tuple[str, Address, ssl.SSLContext | None]] = []
        wanted += [("ws", address, None) for address in settings.plain]
        wanted += [("wss", address, self._tls) for address in settings.tls]
        wanted += [("metrics", address, None) for address in settings.metrics]
        try:
            if self.bridge is not None:
                await self.bridge.open()
            for kind, address, tls in wanted:
                self._servers.append(await self._open(kind, address, tls))
        except BaseException:
            self._close_doors()
            await self._leave_broker()
            raise

    async def run(self) -> None:
        """Looks after time until `stop`, then ends every socket with 1012 and waits for them."""
        try:
            while not self._stopping.is_set():
                with anyio.move_on_after(self._settings.timing.tick):
                    await self._stopping.wait()
                self.hub.tick()
                if self.bridge is not None:
                    self.bridge.check()
            self._close_doors()
            if self.bridge is not None:
                await self.bridge.leave()
            empty = anyio.Event()
            self.hub.close_all(Code.RESTART, "Relay stopping", empty.set)
            with anyio.move_on_after(self._settings.timing.close):
                await empty.wait()
        finally:
            self._close_doors()
            self.hub.abort_all()
            await self._leave_broker()

    def stop(self) -> None:
        self._stopping.set()

    def reload(self) -> None:
        """Reads certificate and key again, for sockets from now on. Raises RelayError."""
        if self._tls is not None:
            self._context()  # What is refused changes nothing.
            self._load(self._tls)

    async def _open(
        self, kind: str, address: Address, tls: ssl.SSLContext | None
    ) -> asyncio.Server:
        try:
            server = await self._loop.create_server(
                self._maker(kind),
                address.host,
                address.port,
                ssl=tls,
                backlog=_BACKLOG,
                ssl_handshake_timeout=None if tls is None else self._settings.timing.handshake,
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise RelayError(
                    "port_in_use",
                    f"Somebody else listens on {address} already.",
                    "End that program, or choose another port with --listen.",
                ) from error
            raise RelayError(
                "bad_address",
                f"{address} cannot be listened on: {error.strerror or error}.",
                "Name an address that this machine has, and a port that you may use.",
            ) from error
        scheme = {"metrics": "http"}.get(kind, kind)
        for socket in server.sockets:
            host, port = socket.getsockname()[:2]
            self.listening.append(f"{scheme}://{Address(host, port)}")
        return server

    def _maker(self, kind: str) -> Callable[[], Link]:
        return lambda: self.hub.link(metrics_only=kind == "metrics")

    async def _leave_broker(self) -> None:
        if self.bridge is not None:
            with anyio.CancelScope(shield=True):
                await self.bridge.close()

    def _close_doors(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    # TLS

    def _context(self) -> ssl.SSLContext | None:
        if not self._settings.tls:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["http/1.1"])
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        cert, key = self._settings.cert, self._settings.key
        assert cert is not None
        try:
            context.load_cert_chain(cert, key, password=_nobody_to_ask)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise RelayError(
                "tls_refused",
                f"The certificate {cert} and the key {key} cannot be used: {reason}.",
                "Both must be PEM files that belong together; the key has no passphrase.",
            ) from error


def _nobody_to_ask() -> str:
    raise ValueError("the key has a passphrase")
