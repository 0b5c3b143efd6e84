"""Listening sockets for the addresses of `daemon.listen`: resolved, judged, bound, taken over.

Blocking: names may have to be looked up. A refusal says the cause and the way out. What is done
with the sockets is doors.py.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import Final

from sereno.core.config import TcpAddress, UnixAddress
from sereno.core.daemon import holders
from sereno.core.home import HomeError, connect_path
from sereno.core.listeners import unix

__all__ = [
    "DoorError",
    "adopt",
    "bound_to",
    "is_loopback",
    "is_private_network",
    "open_sockets",
    "refuse_without_password",
    "socket_path",
]

BACKLOG: Final = 1024
"""Clients that wait while the daemon changes hands."""
CHANGE_IT = "set another one as `listen` in [daemon] of config.toml (or SERENO_LISTEN)"


class DoorError(HomeError):
    """An address cannot be opened. Codes: port_in_use, path_in_use, needs_password,
    not_this_machine, unknown_name, not_permitted, not_openable."""


def open_sockets(address: TcpAddress | UnixAddress, *, password: bool) -> list[socket.socket]:
    """Listening sockets for one address; several when a name means several.

    `password`: whether one is set, without which nothing but loopback is opened (C-34, T24). The
    resolved address is judged and the very same one is bound. Raises DoorError; then none is open.
    """
    if isinstance(address, UnixAddress):
        return [_open_unix(socket_path(address))]
    opened: list[socket.socket] = []
    missing: OSError | None = None
    try:
        targets = _resolve(address)
        if not password and not all(is_loopback(host) for _, host in targets):
            raise _needs_password(address)
        for family, host in targets:
            try:
                opened.append(_open_tcp(family, host, address.port))
            except OSError as error:
                absent = error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
                if not absent or len(targets) == 1:
                    raise _refused(address, host, error) from error
                missing = error  # `localhost` on a machine without IPv6: the other one will do.
        if not opened and missing is not None:
            raise _refused(address, address.host, missing)
    except BaseException:
        for one in opened:
            one.close()
        raise
    return opened


def _resolve(address: TcpAddress) -> list[tuple[int, str]]:
    # As bytes: for a text Python loads its tables for international names first.
    host = address.host.encode()
    try:
        found = socket.getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise DoorError(
            "unknown_name",
            f"{address.text} cannot be opened: no address is known for {address.host}.",
            f"Correct the name, or {CHANGE_IT}.",
        ) from error
    known = (socket.AF_INET, socket.AF_INET6)
    targets = [(int(info[0]), _host(info[4])) for info in found if info[0] in known]
    return list(dict.fromkeys(targets))


def _host(sockaddr: tuple[object, ...]) -> str:
    """Host of a socket address, with its zone where it has one."""
    host = str(sockaddr[0])
    if len(sockaddr) == 4 and sockaddr[3] and "%" not in host:
        with contextlib.suppress(OSError):
            return f"{host}%{socket.if_indextoname(int(str(sockaddr[3])))}"
    return host


def _open_tcp(family: int, host: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of the last daemon may linger; a socket that listens still keeps us out.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            flags = socket.AI_NUMERICHOST
            made.bind(socket.getaddrinfo(host, port, socket.AF_INET6, 0, 0, flags)[0][4])
        else:
            made.bind((host, port))
        made.listen(BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def _open_unix(path: Path) -> socket.socket:
    """Never over something that is not a socket of ours which nobody serves (T35)."""
    text = str(path)
    if path.is_symlink() or (path.exists() and not path.is_socket()):
        raise DoorError(
            "path_in_use",
            f"{text} cannot be opened: something that is no socket stands there.",
            f"Move it away, or {CHANGE_IT}.",
        )
    if path.exists() and path.stat().st_uid != os.geteuid():
        raise DoorError(
            "path_in_use",
            f"{text} cannot be opened: the socket there belongs to another user.",
            f"Remove it, or {CHANGE_IT}.",
        )
    if _somebody_serves(path):
        raise DoorError(
            "path_in_use",
            f"{text} cannot be opened: another program listens on it.",
            f"Stop that program, or {CHANGE_IT}.",
        )
    try:
        return unix.bind(path)
    except HomeError as error:
        raise DoorError(
            "not_openable", f"{text} cannot be opened: {error.message}", f"Or {CHANGE_IT}."
        ) from error


def socket_path(address: UnixAddress) -> Path:
    return Path(address.path).expanduser()


def _somebody_serves(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            with connect_path(path) as name:
                probe.connect(name)
        except BlockingIOError:
            return True  # It is there, and its queue is full.
        except (OSError, HomeError):
            return False
    return True


def refuse_without_password(address: TcpAddress | UnixAddress) -> None:
    """Raises DoorError for an address that other machines reach, as opening it without a password
    would; opens nothing."""
    if isinstance(address, TcpAddress) and not all(is_loopback(h) for _, h in _resolve(address)):
        raise _needs_password(address)


def adopt(address: TcpAddress | UnixAddress, fd: int, *, password: bool) -> socket.socket:
    """A listening socket that the last daemon opened for this address.

    Raises DoorError when it is none, or may not be open any more; it is closed then.
    """
    try:
        os.set_inheritable(fd, False)
        found = socket.socket(fileno=fd)
    except OSError as error:
        raise _not_adopted(address, fd) from error
    try:
        kinds = (socket.AF_UNIX,) if isinstance(address, UnixAddress) else _INET
        listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if found.family not in kinds or not listens:
            raise _not_adopted(address, fd)
        if isinstance(address, TcpAddress):
            host, port = bound_to(found)
            if address.port not in (0, port):
                raise _not_adopted(address, fd)
            if not password and not is_loopback(host):
                raise _needs_password(address)
        elif not socket_path(address).is_socket():
            raise _not_adopted(address, fd)  # Its name is gone: nobody would find it.
    except BaseException:
        found.close()
        raise
    found.setblocking(False)
    return found


_INET = (socket.AF_INET, socket.AF_INET6)


def _not_adopted(address: TcpAddress | UnixAddress, fd: int) -> DoorError:
    return DoorError(
        "not_openable",
        f"Descriptor {fd} is no socket that listens on {address.text}.",
        "It is opened anew.",
    )


def bound_to(listener: socket.socket) -> tuple[str, int]:
    """Host and port of a TCP listener as the system bound it."""
    name = listener.getsockname()
    return _host(name), int(name[1])


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address; for numbers only, never for a name."""
    if ":" not in host:
        return host.startswith("127.")
    packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    mapped = packed[:12] == bytes(10) + b"\xff\xff" and packed[12] == 127
    return mapped or packed == bytes(15) + b"\x01"


def is_private_network(host: str) -> bool:
    """Whether an address is of Tailscale's ranges, where the way is encrypted already (C-43)."""
    if ":" not in host:
        first, second = (int(part) for part in host.split(".")[:2])
        return first == 100 and 64 <= second < 128
    packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return packed[:6] == bytes.fromhex("fd7a115ca1e0")


def _needs_password(address: TcpAddress) -> DoorError:
    return DoorError(
        "needs_password",
        f"{address.text} can be reached from other machines, and no password is set.",
        f"Set one with `sereno daemon set-password`, or {CHANGE_IT}.",
    )


def _refused(address: TcpAddress, host: str, error: OSError) -> DoorError:
    what = f"{address.text} cannot be opened"
    match error.errno:
        case errno.EADDRINUSE:
            who = holders.holder_of(host, address.port) or "another program"
            return DoorError(
                "port_in_use",
                f"{what}: {who} listens there.",
                f"Stop it, or {CHANGE_IT}.",
            )
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return DoorError(
                "not_this_machine",
                f"{what}: this machine has no address {host} now.",
                f"Bring that network up and start Sereno again, or {CHANGE_IT}.",
            )
        case errno.EACCES | errno.EPERM:
            return DoorError(
                "not_permitted",
                f"{what}: ports below 1024 are for the system's administrator.",
                f"Choose a port from 1024 on: {CHANGE_IT}.",
            )
        case _:
            return DoorError(
                "not_openable", f"{what}: {error.strerror or error}.", f"Or {CHANGE_IT}."
            )
