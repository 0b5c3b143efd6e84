"""One socket of the relay: bytes of asyncio in, WebSocket messages of `websockets` out, and back.

A thin shell on the library's sans-I/O `ServerProtocol`, because the relay does little
else. What a message means, and whose turn it is to be closed, stands in the hub's rules.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol, cast

from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from sereno.relay_server.acts import Frame
from sereno.relay_server.place import Place

__all__ = ["HIGH", "Link", "Owner"]

HIGH: Final = 256 * 1024
"""Bytes that wait for a socket, beyond which those who write to it are held."""
_LOW: Final = 64 * 1024
_MOST_OF_A_HEAD: Final = 16 * 1024
_END_OF_HEAD: Final = b"\r\n\r\n"

_quiet = logging.getLogger("sereno.relay.wire")
_quiet.setLevel(logging.ERROR)  # Below that the library logs targets, and ids with them.


class Owner(Protocol):
    """Whom a link tells; see hub.py."""

    def now(self) -> float: ...

    def arrived(self, link: Link) -> None: ...

    def asked(self, link: Link, request: Request) -> Place | Response: ...

    def entered(self, link: Link, place: Place) -> None: ...

    def received(self, link: Link, frame: Frame) -> None: ...

    def grown(self, link: Link) -> None:
        """All that came at once has been read; a part of a message may be held."""

    def gone(self, link: Link) -> None:
        """It says nothing more. May be told twice."""

    def lost(self, link: Link) -> None:
        """The socket is closed. Told once."""

    def behind(self, link: Link) -> None: ...

    def caught_up(self, link: Link) -> None: ...


class Link(asyncio.Protocol):
    """`number` is what the rules know it by. All calls on the loop's thread."""

    def __init__(self, owner: Owner, number: int, most: int, *, metrics_only: bool = False) -> None:
        self.number = number
        self.metrics_only = metrics_only
        self.address = ""
        self.account = ""
        self.kind = ""
        self.begun = self.heard = owner.now()
        self.pinged = False
        self.busy = False
        self.held = False
        self.moved_at = 0.0
        self.outbox_seen = 0
        self._owner = owner
        self._wire = ServerProtocol(max_size=most, logger=_quiet)
        self._head = b""
        self._asked = False
        self._parts: list[bytes] = []
        self._parts_size = 0
        self._parts_are_text = False
        self._transport: asyncio.Transport | None = None

    # The socket's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH, _LOW)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._owner.arrived(self)

    def data_received(self, data: bytes) -> None:
        self.heard = self._owner.now()
        self.pinged = False
        if not self._asked:
            data = self._read_head(data)
            if not data:
                return
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if isinstance(event, WireFrame):
                self._frame(event)
        if self._wire.writes:
            self.flush()
        if self._wire.close_expected():
            self._owner.gone(self)
        self._owner.grown(self)

    def eof_received(self) -> None:
        """What was read before has been passed on. asyncio closes the socket after this."""
        self._wire.receive_eof()
        self._owner.gone(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # However it ended, it ended.
        self._owner.gone(self)
        self._owner.lost(self)

    def pause_writing(self) -> None:
        self.busy = True
        self._owner.behind(self)

    def resume_writing(self) -> None:
        self.busy = False
        self._owner.caught_up(self)

    # Before the upgrade

    def _read_head(self, data: bytes) -> bytes:
        """Answers the request once it is whole; gives what follows an upgrade."""
        self._head += data
        end = self._head.find(_END_OF_HEAD)
        if end < 0:
            if len(self._head) > _MOST_OF_A_HEAD:
                self.abort()
            return b""
        head, rest = self._head[: end + 4], self._head[end + 4 :]
        self._head, self._asked = b"", True
        self._wire.receive_data(head)
        for event in self._wire.events_received():
            if isinstance(event, Request):
                self._answer(event)
        self.flush()
        if self._wire.state is State.OPEN:
            return rest
        self._owner.gone(self)
        return b""

    def _answer(self, request: Request) -> None:
        wanted = self._owner.asked(self, request)
        if isinstance(wanted, Response):
            if request.method == "HEAD":
                wanted.body = b""
            self._wire.send_response(wanted)
            return
        response = self._wire.accept(request)
        self._wire.send_response(response)
        if self._wire.state is State.OPEN:
            self.flush()
            self._owner.entered(self, wanted)

    # Messages

    def _frame(self, frame: WireFrame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if frame.fin:
                self._owner.received(self, Frame(bytes(frame.data), opcode is Opcode.TEXT))
                return
            self._parts_are_text = opcode is Opcode.TEXT
            self._part(frame)
        elif opcode is Opcode.CONT:
            self._part(frame)
        elif opcode is Opcode.CLOSE:
            self._owner.gone(self)

    def _part(self, frame: WireFrame) -> None:
        self._parts.append(bytes(frame.data))
        self._parts_size += len(frame.data)
        if frame.fin:
            whole = b"".join(self._parts)
            self._parts.clear()
            self._parts_size = 0
            self._owner.received(self, Frame(whole, self._parts_are_text))

    # The hub's side

    @property
    def open(self) -> bool:
        return self._asked and self._wire.state is State.OPEN

    @property
    def outbox(self) -> int:
        """Bytes that the socket did not take yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def memory(self) -> int:
        """Bytes held for this socket: parts of messages, and what it does not take."""
        parts = len(self._wire.reader.buffer) + self._parts_size + len(self._head)
        return parts + (self.outbox if self.busy else 0)

    def send(self, frame: Frame) -> bool:
        """Gives whether it will be sent, by the next `flush`: frames that came together leave
        together."""
        if self._wire.state is not State.OPEN:
            return False
        if frame.text:
            self._wire.send_text(frame.data)
        else:
            self._wire.send_binary(frame.data)
        return True

    def ping(self) -> None:
        if self.open:
            self.pinged = True
            self._wire.send_ping(b"")
            self.flush()

    def hold(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self.held = True
            self._transport.pause_reading()

    def release(self) -> None:
        if self.held and self._transport is not None:
            self.held = False
            self.heard = self._owner.now()
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def close(self, code: int, reason: str) -> bool:
        """Begins the closing handshake; gives whether there was one to begin."""
        if not self.open:
            return False
        self.release()
        self._wire.send_close(code, reason)
        self.flush()
        return True

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def flush(self) -> None:
        transport = self._transport
        pieces = self._wire.data_to_send()
        if transport is None or transport.is_closing():
            return
        if pieces:
            transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if SEND_EOF not in pieces:
            return
        if transport.can_write_eof():
            transport.write_eof()
        else:  # TLS
            transport.close()
