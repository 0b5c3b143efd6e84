"""The client library of the command line: blocking, quick to load over the home's unix socket.

Two layers. Bytes: `send_bytes`, `receive_bytes`. Typed: `request`, `next_push`, which load the
wire's types when first used. A network is network.py's, loaded only for a Target. No asyncio, no
reconnecting: a command decides that for itself.
"""

from __future__ import annotations

import os
import select
import time

# The C module, because `socket` spends 10 ms on turning constants into enums.
from _socket import AF_UNIX, SOCK_STREAM, socket
from collections import deque

from sereno.core.client.errors import ConnectionLost, NoDaemon, RpcError
from sereno.core.client.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameError,
    MessageReader,
    encode,
    read_upgrade,
    upgrade_request,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Protocol, Self

    from sereno.core.client.target import Target
    from sereno.core.home import Home
    from sereno.core.protocol.messages import ServerInfo
    from sereno.core.protocol.values import Wire

    class Connection(Protocol):
        """What is needed of a socket: the C module's, socket.socket, or TLS around one."""

        def fileno(self) -> int: ...
        def settimeout(self, seconds: float | None, /) -> None: ...
        def sendall(self, data: bytes, /) -> None: ...
        def recv(self, size: int, /) -> bytes: ...
        def close(self) -> None: ...


CHUNK = 262_144
_NOT_YET = (TimeoutError, BlockingIOError, InterruptedError)


class SyncClient:
    """One connection to the daemon of a home. Not thread-safe. Use it in a `with` block."""

    def __init__(self, connection: Connection) -> None:
        self._socket = connection
        self._pending: Callable[[], int] | None = getattr(connection, "pending", None)
        self._reader = MessageReader()
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._pushes: deque[Wire] = deque()
        self._count = 0
        self.server_info = b""
        """The daemon's first frame, as it came."""

    @classmethod
    def open(cls, home: Home, *, timeout_s: float = 5.0) -> Self:
        """Connect, upgrade, say hello and wait for the daemon's answer.

        Raises:
            NoDaemon: nobody listens, nobody answers in time, or we may not connect.
            ConnectionLost: somebody listens who is no daemon, or who refused.
        """
        deadline = time.monotonic() + timeout_s
        client = cls(_connect(home.socket, deadline))
        try:
            client._upgrade(deadline)
            client._greet(deadline)
        except BaseException:
            client.close()
            raise
        return client

    @classmethod
    def reach(cls, target: Target, *, timeout_s: float = 15.0) -> Self:
        """The same with any daemon that a Target names.

        Raises:
            NoDaemon: nobody listens or answers; a later call may be luckier.
            Refused: password, name, certificate or version; a later call will not be.
            ConnectionLost: the daemon broke off.
        """
        from sereno.core.client.network import open_network
        from sereno.core.client.refusals import of_close, timed_out

        deadline = time.monotonic() + timeout_s
        connection, behind = open_network(target, deadline)
        client = cls(connection)
        try:
            client._reader.feed(behind)
            client._greet(deadline)
        except ConnectionLost as error:
            client.close()
            raise of_close(error, target) from error
        except NoDaemon:
            client.close()
            raise timed_out(target) from None
        except BaseException:
            client.close()
            raise
        return client

    def _upgrade(self, deadline: float) -> None:
        try:
            self._write(upgrade_request(os.urandom(16)))
            self._socket.settimeout(max(0.1, deadline - time.monotonic()))
            buffer = bytearray()
            while not read_upgrade(buffer):
                data = self._socket.recv(CHUNK)
                if not data:
                    raise FrameError("the connection was closed during the upgrade")
                buffer += data
        except TimeoutError:
            raise _no_answer() from None
        except (FrameError, OSError) as error:
            raise ConnectionLost(
                f"the daemon refused the connection: {error}", "Look into its log: `sereno doctor`"
            ) from error
        self._reader.feed(bytes(buffer))

    def _greet(self, deadline: float) -> None:
        self.send_bytes(_hello())
        while b'"server_info"' not in self.server_info:
            frame = self.receive_bytes(max(0.0, deadline - time.monotonic()))
            if frame is None:
                raise _no_answer()
            self.server_info = frame

    # Bytes

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        """Say goodbye, if the daemon still listens, and let go."""
        try:
            self._socket.settimeout(0.2)
            self._socket.sendall(encode(CLOSE, b"\x03\xe8", os.urandom(4)))
        except OSError:
            pass  # It has gone already, which is what we wanted.
        finally:
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def send_bytes(self, frame: bytes) -> None:
        """One frame of the wire (JSON). Raises ConnectionLost."""
        self._write(encode(TEXT, frame, os.urandom(4)))

    def _write(self, data: bytes) -> None:
        try:
            self._socket.settimeout(30.0)
            self._socket.sendall(data)
        except OSError as error:
            raise ConnectionLost(f"the connection to the daemon broke: {error}") from error

    def receive_bytes(self, timeout_s: float | None) -> bytes | None:
        """The next whole frame; None at the time limit. Raises ConnectionLost at the end."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            try:
                message = self._reader.take()
            except FrameError as error:
                raise ConnectionLost(f"the daemon sent no WebSocket frame: {error}") from error
            if message is None:
                if not self._fill(deadline):
                    return None
                continue
            opcode, payload = message
            if opcode in (TEXT, BINARY):
                return payload
            if opcode == PING:
                self._write(encode(PONG, payload, os.urandom(4)))
            elif opcode == CLOSE:
                raise _closed(payload)

    def _fill(self, deadline: float | None) -> bool:
        """Read what is there; False at the time limit."""
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        within = self._pending is not None and self._pending() > 0
        if not within and not self._poll.poll(None if left is None else left * 1000):
            return False
        try:
            if self._pending is not None:  # What came may be a part, or none of it for us.
                self._socket.settimeout(left)
            data = self._socket.recv(CHUNK)
        except _NOT_YET:
            return False
        except OSError as error:
            raise ConnectionLost(f"the connection to the daemon broke: {error}") from error
        if not data:
            raise ConnectionLost("the daemon closed the connection without a word")
        self._reader.feed(data)
        return True

    # Typed

    @property
    def server(self) -> ServerInfo:
        """Who the daemon says it is."""
        from sereno.core.protocol.frames import decode_daemon_frame
        from sereno.core.protocol.messages import ServerInfo

        info = decode_daemon_frame(self.server_info)
        assert isinstance(info, ServerInfo)
        return info

    def send(self, message: Wire) -> str:
        """Send a request with a fresh request id where it has none; gives the id."""
        from sereno.core.protocol.frames import encode_request

        if not getattr(message, "request_id", ""):
            self._count += 1
            message.request_id = f"cli-{self._count}"  # type: ignore[attr-defined]
        self.send_bytes(encode_request(message))
        return str(message.request_id)  # type: ignore[attr-defined]

    def request(self, message: Wire, timeout_s: float | None = 30.0) -> Wire:
        """Send a request and wait for its reply; pushes that come meanwhile are kept.

        Raises RpcError (also codes "timeout" and "unreadable") and ConnectionLost.
        """
        return self.reply(self.send(message), timeout_s)

    def reply(self, request_id: str, timeout_s: float | None = 30.0) -> Wire:
        """The reply to a request that was sent before. Raises as `request` does."""
        from sereno.core.protocol import messages

        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            message = self._receive(left)
            if message is None:
                raise RpcError(
                    "timeout",
                    f"the daemon did not answer within {timeout_s:g} s",
                    "Look into its log, or restart it with `sereno daemon restart`",
                )
            if getattr(message, "request_id", None) != request_id:
                self._pushes.append(message)
            elif isinstance(message, messages.RpcError):
                raise rpc_error(message)
            else:
                return message

    def next_push(self, timeout_s: float | None) -> Wire | None:
        """The next message that answers no `request`, in order; None at the time limit."""
        return self._pushes.popleft() if self._pushes else self._receive(timeout_s)

    def _receive(self, timeout_s: float | None) -> Wire | None:
        from sereno.core.protocol.frames import BadFrame, decode_daemon_frame

        frame = self.receive_bytes(timeout_s)
        if frame is None:
            return None
        try:
            return decode_daemon_frame(frame)
        except BadFrame as error:
            raise RpcError(
                "unreadable",
                f"the daemon sent a message that cannot be read: {error}",
                "Daemon and command line may be of different versions: `sereno daemon restart`",
            ) from error


def rpc_error(message: Wire) -> RpcError:
    """The exception for an `rpc_error` message."""
    from sereno.core.protocol.messages import RpcError as Refused
    from sereno.core.protocol.values import given

    assert isinstance(message, Refused)
    return RpcError(given(message.code, "failed"), message.error, given(message.next_step, ""))


def _hello() -> bytes:
    """A client id of its own for each process: replies to one are no business of the others."""
    client_id = b"cli_" + os.urandom(16).hex().encode()
    return (
        b'{"type":"hello","clientId":"%b","clientType":"cli","protocolVersion":1,'
        b'"capabilities":{"reasoning_merge_enum":true,"sereno":1,"timeline_jumps":true}}'
        % client_id
    )


def _connect(path: Path, deadline: float) -> socket:
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        while True:
            connection.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                _connect_once(connection, path)
            except BlockingIOError:  # The queue of the listener is full: Linux does not wait.
                if time.monotonic() > deadline:
                    raise _no_answer() from None
                time.sleep(0.01)
            else:
                return connection
    except BaseException:
        connection.close()
        raise


def _connect_once(connection: socket, path: Path) -> None:
    try:
        if len(os.fsencode(path)) <= 100:
            connection.connect(str(path))
        else:
            from sereno.core.home import connect_path

            with connect_path(path) as name:
                connection.connect(name)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise NoDaemon(
            "no_daemon",
            "no daemon runs for this home",
            "Start one with `sereno daemon start`, or open `sereno`",
        ) from None
    except PermissionError:
        raise NoDaemon(
            "not_allowed",
            f"{path} belongs to another user",
            "Set SERENO_HOME to a home of your own",
        ) from None
    except TimeoutError:
        raise _no_answer() from None


def _no_answer() -> NoDaemon:
    return NoDaemon(
        "no_answer",
        "the daemon does not answer",
        "Look into logs/daemon.log of the home, or restart it with `sereno daemon restart`",
    )


def _closed(payload: bytes) -> ConnectionLost:
    code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
    reason = payload[2:].decode("utf-8", "replace")
    words = f"the daemon closed the connection ({code}{': ' + reason if reason else ''})"
    return ConnectionLost(words, close_code=code, reason=reason)
