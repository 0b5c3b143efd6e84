"""Which pairings can be reached through the relay now: one connector each, begun and ended.

Nobody is dialled while the relay is off or nothing is paired or offered. What comes through goes to
relay_channel.py; who may come in is pairing.py's business.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.abc

from sereno.core.config.model import RelayConfig
from sereno.core.protocol.frames import CloseCode, Hello
from sereno.core.protocol.pairing import RelayStatus
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Admitted, Peer
from sereno.core.sessions.registry import Sessions
from sereno.relay_client.allowance import Allowance

if TYPE_CHECKING:
    from sereno.core.daemon.pairing import Entry, Live
    from sereno.core.daemon.relay_channel import RelayChannel
    from sereno.relay_client.connector import Connector, DataSocket, RelayState
    from sereno.relay_client.noise.effects import Greeted
    from sereno.relay_client.noise.typed import TypedDaemon
    from sereno.relay_client.websocket import Shared

__all__ = ["Remote"]

log = logging.getLogger("sereno.relay")

GOODBYE_S = 0.6
"""Seconds for what is still to be said to those of a pairing that has ended."""
MEND_S = 30.0
"""Seconds until a line that broke by a mistake of ours is tried again."""


class Book(Protocol):
    """What Remote needs of the pairings."""

    def live(self) -> list[Live]: ...

    def secret(self, server_id: str) -> bytes: ...

    def psk(self, server_id: str) -> bytes: ...

    def device_key(self, server_id: str) -> bytes | None: ...

    def meet(self, place: str, now: float) -> TypedDaemon | None: ...

    async def met(self, place: str, end: TypedDaemon | None) -> None: ...

    async def moved(self, server_id: str) -> None: ...

    async def claim(self, server_id: str, fingerprint: bytes) -> bool: ...

    async def knock(
        self,
        server_id: str,
        client_id: str,
        client_type: str,
        app_version: str | None,
        words: list[str],
        device_key: bytes | None,
        device_secret: bytes | None = None,
    ) -> Entry | None: ...

    def arrived(self, device_id: str, way: str) -> None: ...

    def left(self, device_id: str) -> None: ...

    def touched(self) -> None: ...


class Remote:
    """Belongs to the daemon's loop. `run` in its task group."""

    def __init__(self, book: Book, sessions: Sessions, config: RelayConfig) -> None:
        self._book = book
        self._sessions = sessions
        self._config = config
        self._lines: dict[str, _Line] = {}
        """By the id at the relay."""
        self._allowance: Shared = Allowance()
        """Of what waits unread, for whoever comes by whichever line."""
        self._again = anyio.Event()

    def apply(self, config: RelayConfig) -> None:
        """Another configuration; who is connected through another relay is let go."""
        self._config = config
        self.look()

    def look(self) -> None:
        """The pairings have changed."""
        self._again.set()

    def drop(self, who: str) -> None:
        """Sends away a device, by its id, or everybody of a pairing, by its server id."""
        for place, line in list(self._lines.items()):
            if line.live.server_id == who:
                del self._lines[place]
                line.end()
        self._sessions.drop(f"device:{who}", CloseCode.UNAUTHORISED, "Revoked")
        self._sessions.drop(f"pairing:{who}", CloseCode.UNAUTHORISED, "Revoked")
        self.look()

    def again(self, device_id: str) -> None:
        """A device shall come anew: it may do something else now. It is not told that it was sent
        away for good, for it is not."""
        self._sessions.drop(f"device:{device_id}", CloseCode.RESTART, "Other rights")

    async def run(self) -> None:
        """Until it is cancelled; then nobody is connected any more."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._again = anyio.Event()
                self._arrange(tasks)
                await self._again.wait()

    def _arrange(self, tasks: anyio.abc.TaskGroup) -> None:
        config = self._config
        wanted = {one.place: one for one in self._book.live()} if config.enabled else {}
        alive = {one.server_id for one in wanted.values()}
        for place, line in list(self._lines.items()):
            # Yesterday's place stays for who is connected by it.
            is_left = place not in wanted and not line.clients
            if is_left or line.live.server_id not in alive or line.config != config:
                del self._lines[place]
                line.end()
        for place, live in wanted.items():
            if place not in self._lines:
                serve = partial(self._serve, live)
                line = _Line(live, config, serve, self._book.touched, self.look, self._allowance)
                self._lines[place] = line
                tasks.start_soon(line.run)

    async def _serve(self, live: Live, socket: DataSocket) -> None:
        """One client, from its first frame to its last."""
        if live.kind == "code":
            await self._typed(live.server_id, socket)
            return
        bell = _Bell(self._book, live, socket)
        make = self._noise if live.kind == "sereno" else self._nacl
        try:
            channel = make(live.server_id, socket, bell)
        except KeyError:
            return  # The pairing has ended meanwhile.
        try:
            await channel.run()
        finally:
            bell.left()

    async def _typed(self, place: str, socket: DataSocket) -> None:
        from sereno.core.daemon.relay_typed import serve

        try:
            await serve(self._book, place, socket)
        except KeyError:
            return  # The code has ended meanwhile.

    def _nacl(self, server_id: str, socket: DataSocket, bell: _Bell) -> RelayChannel:
        from sereno.core.daemon.relay_nacl import NaclChannel  # crypto is loaded when needed

        claim = partial(self._book.claim, server_id)
        secret = self._book.secret(server_id)
        return NaclChannel(socket, self._sessions, server_id, secret, claim, bell)

    def _noise(self, server_id: str, socket: DataSocket, bell: _Bell) -> RelayChannel:
        from sereno.core.daemon.relay_noise import NoiseChannel

        book = self._book
        return NoiseChannel(
            socket,
            self._sessions,
            server_id,
            book.secret(server_id),
            book.psk(server_id),
            book.device_key(server_id),
            bell.greeted,
        )

    def status(self) -> RelayStatus:
        """For the person: through which relay, and whether it answers."""
        config = self._config
        states = [line.state for line in self._lines.values() if line.state is not None]
        waiting = next((one for one in states if one.phase == "waiting"), None)
        shown = RelayStatus(
            enabled=config.enabled,
            endpoint=config.endpoint,
            public_endpoint=config.public_endpoint or config.endpoint,
            state="off" if not config.enabled else "idle",
        )
        if not config.enabled or not self._lines:
            return shown
        if waiting is not None:
            shown.state = "waiting"
            shown.error, shown.next_try_s = waiting.error, waiting.next_try_s
        elif states and all(one.phase == "ready" for one in states):
            shown.state = "ready"
        else:
            shown.state = "connecting"
        return shown


class _Line:
    """The connector of one place. `clients`: how many are connected by it. `left`: told when the
    last one has gone."""

    def __init__(
        self,
        live: Live,
        config: RelayConfig,
        serve: Callable[[DataSocket], Awaitable[None]],
        changed: Callable[[], None],
        left: Callable[[], None],
        allowance: Shared,
    ) -> None:
        self.live = live
        self.config = config
        self.state: RelayState | None = None
        self.clients = 0
        self._serve = serve
        self._changed = changed
        self._left = left
        self._allowance = allowance
        self._logged = ""
        self._scope = anyio.CancelScope()

    def end(self) -> None:
        """Soon: whoever is refused shall hear of it first. Whom the person sends away goes by
        their session, at once."""
        self._scope.deadline = min(self._scope.deadline, anyio.current_time() + GOODBYE_S)

    async def run(self) -> None:
        """Until it is ended. What nobody expected of a relay costs this line a while, and the
        daemon nothing."""
        with self._scope:
            while True:
                try:
                    await self._connector().run()
                except Exception as error:
                    log.exception("the way through the relay %s broke", self.config.endpoint)
                    self._broken(error)
                await anyio.sleep(MEND_S)

    def _connector(self) -> Connector:
        """Raises ValueError for an address or a pin that is none; the configuration has none."""
        from random import random

        from sereno.relay_client.connector import Connector
        from sereno.relay_client.endpoints import parse_endpoint
        from sereno.relay_client.pins import parse_pin

        return Connector(
            parse_endpoint(self.config.endpoint),
            self.live.place,
            self._opened,
            state=self._told,
            random=random,
            pins=[parse_pin(one) for one in self.config.pins],
            allowance=self._allowance,
        )

    async def _opened(self, socket: DataSocket) -> None:
        self.clients += 1
        try:
            await self._serve(socket)
        finally:
            self.clients -= 1
            if not self.clients:
                self._left()

    def _broken(self, error: Exception) -> None:
        from sereno.relay_client.connector import RelayState

        words = f"The way through the relay broke: {error}. The daemon's log has the rest."
        self._told(RelayState("waiting", anyio.current_time(), words, MEND_S))

    def _told(self, state: RelayState) -> None:
        self.state = state
        words = state.error or state.phase
        if words != self._logged:  # Once, however often it is tried.
            self._logged = words
            log.info("the relay %s: %s", self.config.endpoint, words)
        self._changed()


class _Bell:
    """Sessions' Door of one connection, and the one before it of our own clients: remembers who
    came in."""

    def __init__(self, book: Book, live: Live, socket: DataSocket) -> None:
        self._book = book
        self._server_id = live.server_id
        self._by_day = live.place != live.server_id
        self._socket = socket
        self._device: str | None = None
        self._over = False

    async def knock(self, hello: Hello) -> Admitted | None:
        version = hello.app_version if isinstance(hello.app_version, str) else None
        client_id, kind = hello.client_id.strip(), hello.client_type
        return self._enter(
            await self._book.knock(self._server_id, client_id, kind, version, [], None)
        )

    async def greeted(self, who: Greeted) -> Admitted | None:
        from sereno.core.daemon.relay_noise import introduction_of

        name, version = introduction_of(who.introduction)
        entry = await self._book.knock(
            self._server_id, "", name, version, list(who.words), who.peer, who.device_secret
        )
        if entry is not None and self._by_day:
            await self._book.moved(self._server_id)
        return self._enter(entry)

    def _enter(self, entry: Entry | None) -> Admitted | None:
        if entry is None or self._over:  # The yes may come in the moment in which they leave.
            return None
        self._device = entry.device_id
        self._socket.widen()
        self._book.arrived(entry.device_id, "relay")
        assert entry.role in (Role.OPERATOR, Role.VIEWER)  # never more, whatever a store says
        return Admitted(Peer(f"device:{entry.device_id}", entry.role, "relay"), entry.server_id)

    def left(self) -> None:
        """The connection is gone."""
        self._over = True
        if self._device is not None:
            self._book.left(self._device)
