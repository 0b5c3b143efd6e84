"""Every way by which clients of other processes come in: the home's own unix socket, which is
always there, and the addresses of the configuration.

Opened before the database is, so that clients wait instead of being refused; served once there are
sessions; changed while clients are connected.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import time
from collections.abc import Callable, Iterable, Mapping

import anyio.abc

from sereno.core.config import Config, UnixAddress
from sereno.core.daemon.admitting import Admission
from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.doors import Address, Doors, Listener
from sereno.core.daemon.encryption import Encryption
from sereno.core.daemon.gatekeeping import Gatekeeper
from sereno.core.home import Home, HomeError
from sereno.core.listeners import unix
from sereno.core.listeners.doorkeeper import Doorkeeper
from sereno.core.listeners.fetching import Shelf
from sereno.core.listeners.front import Front
from sereno.core.listeners.tcp import TcpListener
from sereno.core.listeners.verify import Verifier
from sereno.core.protocol.additions import DoorStatus, MakeOfferResult
from sereno.core.protocol.values import iso
from sereno.core.sessions.registry import Sessions

__all__ = ["Entrance", "clients_for", "raise_limit"]

_DESCRIPTORS = 8_192
_EVERYTHING_ELSE = 128
"""Descriptors for the database, the log, strangers at the doors, and agents as they start."""


def raise_limit() -> int:
    """Lets this process have more files open than most systems begin with, which is 1,024: less
    than the clients that may be connected. Gives how many they are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _DESCRIPTORS
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def clients_for(limit: int) -> int:
    """How many clients may be connected over TCP, and as many again over unix sockets, with so many
    descriptors: a third each, so that agents can always be started and the person let in."""
    return max(8, min(unix.MOST, (limit - _EVERYTHING_ELSE) // 3))


class Entrance:
    """Belongs to the daemon's loop."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._own: socket.socket | None = None
        self._listener: unix.UnixListener | None = None
        self._keeper: Gatekeeper | None = None
        self._encryption = Encryption()
        self.doors = Doors(home.socket)

    @property
    def is_open(self) -> bool:
        return self._own is not None

    def open(self, config: Config, taken: Descriptors | None, *, strict: bool) -> None:
        """Clients may connect from here on; they wait until everything else is there.

        `strict`: raises DoorError for an address that cannot be opened. The own socket comes last
        then: nobody shall meet a daemon that is about to refuse.
        """
        path = self._home.socket
        self._keeper = Gatekeeper(self._home, config)
        handed: Iterable[tuple[str, int]] = ()
        if taken is not None:
            self._own, handed = unix.adopt(taken.unix, path), taken.doors
        plain: HomeError | None = None
        try:
            self._encryption.use(config)
        except HomeError as error:
            if strict:
                raise
            plain = error
        self.doors.open(config.daemon, handed, strict=strict, plain=plain)
        if self._own is None:
            self._own = unix.bind(path)

    def descriptors(self, lock: int) -> Descriptors:
        """As they are here, with this lock."""
        assert self._own is not None
        return Descriptors(lock, self._own.fileno(), self.doors.descriptors)

    def serve(
        self,
        config: Config,
        sessions: Sessions,
        admission: Admission,
        tasks: anyio.abc.TaskGroup,
        status: Callable[[], Mapping[str, object]],
        shelf: Shelf | None = None,
    ) -> None:
        """Clients are answered from here on. `tasks` owns what judges them; `status`: what
        /api/status says; `shelf`: where files are fetched from."""
        assert self._own is not None
        assert self._keeper is not None
        self._keeper.use(config, self.doors.addresses)
        judge = Doorkeeper(self._keeper.gate, verify=Verifier(), is_agent=admission.is_agent)
        most = clients_for(raise_limit())
        front = Front(sessions, judge, tasks=tasks, status=status, shelf=shelf, most=most)

        def behind(one: socket.socket, address: Address) -> Listener:
            if isinstance(address, UnixAddress):
                return unix.UnixListener(one, sessions, admission.of_unix, most=most)
            return TcpListener(one, front, tls=self._encryption.context)

        self._listener = unix.UnixListener(self._own, sessions, admission.of_unix, most=most)
        self._listener.start()
        self.doors.serve(behind)

    def renew(self, config: Config) -> None:
        """Another token, if there is one by now, and the same configuration: whoever showed the old
        one is sent away. Raises HomeError; then nothing has changed."""
        assert self._keeper is not None
        self._keeper.look()
        self._use(config)

    def _use(self, config: Config) -> None:
        assert self._keeper is not None
        before = self._keeper.gate.settings
        ended = self._keeper.use(config, self.doors.addresses)
        if self._keeper.gate.settings != before:
            self.doors.drop(ended)

    def let_app_in(self, config: Config, paired: bool) -> None:
        """Whether pages of the hosted app may connect without being listed: only while official
        apps are paired (design section 7)."""
        assert self._keeper is not None
        self._keeper.app_paired = paired
        self._keeper.use(config, self.doors.addresses)

    async def apply(self, config: Config) -> tuple[bool, HomeError | None]:
        """Another configuration: the rules first, then the addresses, and whom the old rules let
        in is sent away. Gives whether there are other sockets now, and why the encryption is still
        that of before, if it is. Raises HomeError for a damaged token; then nothing has changed."""
        assert self._keeper is not None
        self._keeper.look()
        refused, other_tls = None, False
        try:
            other_tls = self._encryption.use(config)
        except HomeError as error:
            refused = self._encryption.kept(error)
        self._use(config)
        if other_tls:
            self.doors.serve_anew()
        encrypted = self._encryption.context is not None
        moved = await self.doors.change(config.daemon, tls=refused, encrypted=encrypted)
        self._keeper.use(config, self.doors.addresses)
        return moved, refused

    def stop(self) -> None:
        """Accepts no more; open connections go on."""
        if self._listener is not None:
            self._listener.stop()
        self.doors.stop()

    async def wait_closed(self, timeout_s: float) -> None:
        assert self._listener is not None
        await self._listener.wait_closed(timeout_s)
        await self.doors.wait_closed(timeout_s)

    def close(self, *, for_good: bool) -> None:
        """Closes our descriptors. `for_good`: nobody goes on with them, so their names go too."""
        if self._own is not None:
            if for_good:
                self._home.socket.unlink(missing_ok=True)
            self._own.close()
        self.doors.close(remove_names=for_good)

    @property
    def open_texts(self) -> list[str]:
        """What is open, for people; the own socket first."""
        return [os.fspath(self._home.socket), *self.doors.open_texts]

    def states(self) -> list[DoorStatus]:
        return self.doors.states()

    def offer(self, request_id: str) -> MakeOfferResult:
        """A secret that opens one of the TCP addresses once (C-51)."""
        assert self._keeper is not None
        offer = self._keeper.gate.offer(time.monotonic())
        return MakeOfferResult(
            request_id=request_id,
            secret=offer.secret,
            expires_at=iso(int((time.time() + offer.lasts_s) * 1000)),
            addresses=[
                f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                for host, port in self.doors.addresses
            ],
            tls=self._encryption.context is not None,
        )
