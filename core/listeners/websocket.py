"""One WebSocket of a client, on the library's sans-I/O protocol (RFC 6455, wire reference 4.2).

The library shakes hands and reads; frames to the client are made once for all clients and written
as they are. Servers send unmasked and nothing is compressed, so the same bytes serve everybody.
"""

from __future__ import annotations

import asyncio
import http
import socket
from collections.abc import Callable, Sequence
from typing import Self

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from sereno.core.listeners.heads import QUIET
from sereno.core.listeners.pump import CHUNK, SIP, Pump, Wire
from sereno.core.protocol.outgoing import Outgoing
from sereno.core.security.roles import Role
from sereno.core.sessions.batch import Batch
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.limits import LARGEST_MESSAGE
from sereno.core.sessions.registry import Sessions

__all__ = ["CUT_S", "WebSocketChannel", "largest_message"]

LARGEST_OF_AGENTS = 1024 * 1024
"""Bytes of a message from a process that an agent started."""
GOODBYE_S = 2.0
"""Seconds for the client to answer a close; then the socket is cut."""
CUT_S = 0.5
"""The same for a client that may not be there any more (T39)."""


class WebSocketChannel:
    """Implements sessions' Channel on one side and the pump's Reader on the other."""

    def __init__(
        self,
        protocol: ServerProtocol,
        wire: Callable[[WebSocketChannel], Wire],
        peer: Peer,
        sessions: Sessions,
        ended: Callable[[WebSocketChannel], None],
    ) -> None:
        """`wire` gives what moves the bytes, with this channel as its reader. Use `welcome` or
        `join`."""
        self._protocol = protocol
        protocol.max_message_size = largest_message(peer.role)
        self._parts: bytearray | None = None
        self._binary = False
        self._full = False
        self._choked = False
        self._held = False
        self._closing = False
        self._ended = ended
        self._cut: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        self.peer = peer
        self._connection = sessions.connect(self, peer)
        self._pump = wire(self)

    @classmethod
    def welcome(
        cls,
        connection: socket.socket,
        peer: Peer,
        sessions: Sessions,
        ended: Callable[[WebSocketChannel], None],
    ) -> Self:
        """For a peer who was judged by its socket alone: it has to ask for the upgrade now."""
        protocol = ServerProtocol(select_subprotocol=_echo_first, extensions=None, logger=QUIET)
        chunk = _chunk(peer)
        return cls(
            protocol, lambda channel: Pump(connection, channel, chunk=chunk), peer, sessions, ended
        )

    @classmethod
    def join(
        cls,
        protocol: ServerProtocol,
        wire: Wire,
        peer: Peer,
        sessions: Sessions,
        ended: Callable[[WebSocketChannel], None],
        *,
        hello_s: float,
    ) -> Self:
        """For a peer who was judged by its request, behind the 101. `hello_s`: seconds until
        hello."""

        def take(channel: WebSocketChannel) -> Wire:
            wire.reader = channel
            if peer.role is not Role.AGENT:
                wire.trust()
            return wire

        channel = cls(protocol, take, peer, sessions, ended)
        late = channel._connection.hello_is_late
        channel._late = asyncio.get_running_loop().call_later(hello_s, late)
        return channel

    # The pump's Reader

    def received(self, data: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                self._upgrade(event)
            elif isinstance(event, Frame):
                self._frame(event)
        self._write_out()

    def ended(self) -> None:
        for timer in (self._cut, self._late):
            if timer is not None:
                timer.cancel()
        self._connection.lost()
        self._ended(self)

    def busy(self) -> None:
        self._full = True
        self._connection.busy()

    def drained(self) -> None:
        self._full = self._choked = False
        self._connection.drained()
        self._read_on()

    # Upgrade and messages

    def _upgrade(self, request: Request) -> None:
        """The checks before the 101, in their order. Browsers cannot reach a unix socket, so one
        that says its Origin came through something that should not be there."""
        protocol = self._protocol
        if request.path.split("?", 1)[0] != "/ws":
            response = protocol.reject(http.HTTPStatus.BAD_REQUEST, "Sereno listens on /ws\n")
        elif "Origin" in request.headers:
            response = protocol.reject(http.HTTPStatus.FORBIDDEN, "Origin not allowed\n")
        else:
            response = protocol.accept(request)
        protocol.send_response(response)

    def _frame(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self._binary = frame.opcode is Opcode.BINARY
        if self._parts is not None or not frame.fin:
            # One buffer: pieces without a byte, of which there may be any number, cost nothing.
            if self._parts is None:
                self._parts = bytearray()
            self._parts += frame.data
            if not frame.fin:
                return
            data = bytes(self._parts)
            self._parts = None
        else:
            data = bytes(frame.data)
        self._connection.receive(data, binary=self._binary)

    def _write_out(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._pump.write(data)
                if self._full and not self._choked:
                    # Answers to pings that the client does not take: it is heard when it does.
                    self._choked = True
                    self._pump.pause()
            else:  # The library's sign for the end of what we send.
                self._pump.close()
        if self._protocol.close_expected():
            self._cut_later()

    # Sessions' Channel

    def send(self, batch: Batch) -> None:
        if self._closing:
            return
        if batch.joined is None:
            batch.joined = b"".join(
                [part for one in batch.messages for part in (one.head or _head(one), one.data)]
            )
        self._pump.write(batch.joined)

    def close(self, code: int, reason: str) -> None:
        if self._closing:
            return
        self._closing = True
        if self._protocol.state is State.CONNECTING:
            self._pump.abort()
            return
        # In the other states the client said goodbye first, and was answered.
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
        self._cut_later()
        self._write_out()

    def pause_reading(self) -> None:
        self._held = True
        self._pump.pause()

    def resume_reading(self) -> None:
        self._held = False
        self._read_on()

    def _read_on(self) -> None:
        if not (self._held or self._choked):
            self._pump.resume()

    def dismiss(self, code: int, reason: str, within_s: float) -> None:
        """Takes nothing more from the client, says why, and cuts the socket after so long."""
        self._connection.close(code, reason)
        if self._cut is not None:
            self._cut.cancel()
        self._cut = asyncio.get_running_loop().call_later(within_s, self._pump.abort)

    def _cut_later(self) -> None:
        if self._cut is None:
            self._cut = asyncio.get_running_loop().call_later(GOODBYE_S, self._pump.abort)


def largest_message(role: Role) -> int:
    """Bytes; what agents may ask needs little, and what they send must not fill the daemon."""
    return LARGEST_OF_AGENTS if role is Role.AGENT else LARGEST_MESSAGE


def _chunk(peer: Peer) -> int:
    """Bytes read at once: what agents send is read in sips, for thousands of tiny frames in one
    piece would hold everybody else up."""
    return SIP if peer.role is Role.AGENT else CHUNK


def _head(message: Outgoing) -> bytes:
    """What stands before the data of an unmasked frame; data is never empty."""
    data = message.data
    # JSON as text, pieces of files as binary (wire reference 4.2).
    opcode = Opcode.TEXT if data[:1] == b"{" else Opcode.BINARY
    message.head = Frame(opcode, data).serialize(mask=False)[: -len(data)]
    return message.head


def _echo_first(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Official clients want one of theirs back (wire reference 4.3); ours are never echoed, they
    carry secrets (design section 7)."""
    return next((one for one in offered if not one.startswith("sereno.")), None)
