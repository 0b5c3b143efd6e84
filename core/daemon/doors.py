"""The addresses of `daemon.listen`: opened, kept the same when the configuration changes, told.

The home's own unix socket is none of these: it is always there, and it is how the command line
finds the daemon. A door knows its sockets and what went wrong; who may come in through it is
decided by the listener that stands behind each socket.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Container, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread

from sereno.core.config import DaemonConfig, TcpAddress, UnixAddress, parse_listen
from sereno.core.daemon.sockets import (
    DoorError,
    adopt,
    bound_to,
    is_loopback,
    is_private_network,
    open_sockets,
    socket_path,
)
from sereno.core.home import HomeError
from sereno.core.protocol.additions import DoorStatus
from sereno.core.protocol.frames import CloseCode

__all__ = ["Doors", "Everybody", "Listener", "plans"]

log = logging.getLogger("sereno.doors")

Address = TcpAddress | UnixAddress


class Listener(Protocol):
    """What stands behind one socket; core/listeners has two kinds."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    async def wait_closed(self, timeout_s: float) -> None: ...

    def drop(self, credentials: Container[str], code: int = ..., reason: str = ...) -> None:
        """Closes the connections of these credentials at once."""


class Everybody:
    """A container of every credential."""

    def __contains__(self, credential: object) -> bool:
        return True


class Door:
    """One address and its sockets; none where it could not be opened, which `error` explains."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.sockets: list[socket.socket] = []
        self.listeners: list[Listener] = []
        self.error: HomeError | None = None
        self._inode: tuple[int, int] | None = None

    def open(self, fds: Sequence[int], *, password: bool) -> None:
        """Takes these descriptors over, or opens what there is none of; keeps the error."""
        self.error = None
        try:
            for fd in fds:
                try:
                    self.sockets.append(adopt(self.address, fd, password=password))
                except DoorError as error:
                    if error.code == "needs_password":
                        raise
                    log.warning("%s %s", error.message, error.next_step)
            if not self.sockets:
                self.sockets = open_sockets(self.address, password=password)
        except DoorError as error:
            self.error = error
            self.close()
        else:
            self._inode = self._found()

    def _found(self) -> tuple[int, int] | None:
        """What stands at the path of a unix socket, so that nobody else's is removed later."""
        if isinstance(self.address, UnixAddress):
            with contextlib.suppress(OSError):
                found = socket_path(self.address).lstat()
                return found.st_dev, found.st_ino
        return None

    def close(self, *, remove_name: bool = False) -> None:
        """Closes our descriptors; whoever has duplicates goes on. `remove_name`: for good."""
        if isinstance(self.address, UnixAddress) and remove_name and self.sockets:
            with contextlib.suppress(OSError):
                if self._found() == self._inode:
                    socket_path(self.address).unlink()
        for one in self.sockets:
            one.close()
        self.sockets.clear()
        self.listeners.clear()

    @property
    def bound(self) -> list[tuple[str, int]]:
        """Hosts and ports as the system bound them; nothing for a unix socket."""
        if isinstance(self.address, UnixAddress):
            return []
        return [bound_to(one) for one in self.sockets]

    @property
    def reachable(self) -> bool:
        """From other machines."""
        return any(not is_loopback(host) for host, _ in self.bound)


class Doors:
    """Belongs to the daemon's loop."""

    def __init__(self, own: Path) -> None:
        """`own`: the home's socket, which is served in any case and opened by nobody here."""
        self._own = own
        self._doors: dict[str, Door] = {}
        self._warnings: dict[str, str] = {}
        self._make: Callable[[socket.socket, Address], Listener] | None = None

    # Opening

    def open(
        self,
        config: DaemonConfig,
        taken: Iterable[tuple[str, int]] = (),
        *,
        strict: bool = False,
        plain: HomeError | None = None,
    ) -> None:
        """At the start: opens what is listed. What cannot be opened is told by `states`. Blocks.

        `taken`: of the daemon before, adopted where the address is still listed, else closed.
        `strict`: the first error is raised, and nothing stays open then. `plain`: why no TCP
        address may be opened.
        """
        password = config.auth.password is not None
        handed: dict[str, list[int]] = {}
        for name, fd in taken:
            handed.setdefault(name, []).append(fd)
        for name, address in plans(config, self._own).items():
            door = self._doors[name] = Door(address)
            if plain is not None and isinstance(address, TcpAddress):
                door.error = plain
            else:
                door.open(handed.pop(name, ()), password=password)
            if strict and door.error is not None:
                self.close(remove_names=True)
                raise door.error
        for fds in handed.values():
            for fd in fds:
                with contextlib.suppress(OSError):
                    os.close(fd)
        self._warn(encrypted=config.tls.cert is not None)

    async def change(
        self, config: DaemonConfig, *, tls: HomeError | None = None, encrypted: bool = False
    ) -> bool:
        """Closes what is no longer listed, with its connections, and opens and serves what is new
        or could not be opened before; the others do not notice. Gives whether there are other
        sockets than before.

        `encrypted`: whether TCP connections are, from now on; `tls`: why not as it is configured.
        What should be encrypted, and cannot be, is not opened."""
        before = self.descriptors
        password = config.auth.password is not None
        wanted = plans(config, self._own)
        for name in tuple(self._doors):
            door = self._doors[name]
            if name not in wanted or (door.reachable and not password):
                self._shut(door)
                del self._doors[name]
        missing = [
            (name, Door(address))
            for name, address in wanted.items()
            if name not in self._doors or not self._doors[name].sockets
        ]
        for name, door in missing:
            if tls is not None and not encrypted and isinstance(door.address, TcpAddress):
                door.error = tls
            else:
                # Names may have to be looked up.
                await anyio.to_thread.run_sync(partial(door.open, (), password=password))
            self._doors[name] = door
        self._doors = {name: self._doors[name] for name in wanted}
        self._warn(encrypted, tls)
        if self._make is not None:
            self.serve(self._make)
        return before != self.descriptors

    def _shut(self, door: Door) -> None:
        for listener in door.listeners:
            listener.stop()
            listener.drop(Everybody(), CloseCode.GOING_AWAY, "This address is closed")
        door.close(remove_name=True)

    def _warn(self, encrypted: bool, tls: HomeError | None = None) -> None:
        """Where the documents ask for it (C-34, C-43). Each warning is logged once."""
        warnings = {}
        for name, door in self._doors.items():
            if door.error is not None:
                warnings[name] = f"{door.error.message} {door.error.next_step}"
                continue
            said = [] if tls is None or not door.bound else [f"{tls.message} {tls.next_step}"]
            if words := _risks(door, encrypted=encrypted):
                said.append(words)
            if said:
                warnings[name] = " ".join(said)
        for name, words in warnings.items():
            if self._warnings.get(name) != words:
                log.warning("%s", words)
        self._warnings = warnings

    # Serving

    def serve(self, make: Callable[[socket.socket, Address], Listener]) -> None:
        """Puts a listener behind each socket, also behind those that are opened later on."""
        self._make = make
        for door in self._doors.values():
            if not door.listeners:
                door.listeners = [make(one, door.address) for one in door.sockets]
                for listener in door.listeners:
                    listener.start()

    def serve_anew(self) -> None:
        """Puts other listeners behind the TCP sockets: clients connect again."""
        for door in self._doors.values():
            if isinstance(door.address, TcpAddress):
                for listener in door.listeners:
                    listener.stop()
                    listener.drop(Everybody(), CloseCode.RESTART, "The encryption was changed")
                door.listeners.clear()
        if self._make is not None:
            self.serve(self._make)

    def drop(self, credentials: Container[str]) -> None:
        for listener in self._listeners():
            listener.drop(credentials)

    def stop(self) -> None:
        """Accepts no more; who connects now waits for the next daemon, if there will be one."""
        for listener in self._listeners():
            listener.stop()

    async def wait_closed(self, timeout_s: float) -> None:
        async with anyio.create_task_group() as group:
            for listener in self._listeners():
                group.start_soon(listener.wait_closed, timeout_s)

    def close(self, *, remove_names: bool) -> None:
        """`remove_names`: nobody goes on with these sockets."""
        for door in self._doors.values():
            door.close(remove_name=remove_names)

    def _listeners(self) -> list[Listener]:
        return [listener for door in self._doors.values() for listener in door.listeners]

    # Telling

    @property
    def descriptors(self) -> tuple[tuple[str, int], ...]:
        """Each socket with the address that it stands for."""
        return tuple(
            (name, one.fileno()) for name, door in self._doors.items() for one in door.sockets
        )

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Hosts and ports of all TCP sockets."""
        return [place for door in self._doors.values() for place in door.bound]

    @property
    def open_texts(self) -> list[str]:
        """What is open, as it is bound, for people and for the status file."""
        return [text for door in self.states() for text in door.open]

    def states(self) -> list[DoorStatus]:
        return [self._state(name, door) for name, door in self._doors.items()]

    def _state(self, name: str, door: Door) -> DoorStatus:
        if isinstance(door.address, UnixAddress):
            places = [str(socket_path(door.address))] if door.sockets else []
        else:
            places = [TcpAddress(host, port).text for host, port in door.bound]
        error = door.error
        return DoorStatus(
            address=name,
            open=places,
            error=None if error is None else error.message,
            next_step=None if error is None else error.next_step,
            warning=None if error is not None else self._warnings.get(name),
        )


def plans(config: DaemonConfig, own: Path) -> dict[str, Address]:
    """What shall be open: each address once, by its one text, without the home's own socket."""
    found: dict[str, Address] = {}
    for text in config.listen:
        address = parse_listen(text)
        if not (isinstance(address, UnixAddress) and socket_path(address) == own):
            found.setdefault(address.text, address)
    return found


def _risks(door: Door, *, encrypted: bool) -> str | None:
    places = [host for host, _ in door.bound if not is_loopback(host)]
    if not places:
        return None
    every = any(host in ("0.0.0.0", "::") for host in places)
    said = []
    if every:
        said.append(f"{door.address.text} is open on every network of this machine.")
    if not encrypted and not all(is_private_network(host) for host in places):
        said.append(
            f"Whoever can listen in on the way to {door.address.text} reads the password and all "
            "that follows: the connection is not encrypted. Set [daemon.tls], or use SSH "
            "forwarding, a VPN, or a relay."
        )
    return " ".join(said) or None
