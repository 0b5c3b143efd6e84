"""The frames of a WebSocket behind its 101: whole, in parts, masked or not, and cut anywhere.

Besides that nothing is raised: bytes come to the sessions only out of frames that were masked, and
after the end of a connection none do.
"""

from __future__ import annotations

from typing import cast

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from bench.fuzz.hello import PEER, Hall
from sereno.core.listeners.heads import QUIET
from sereno.core.listeners.pump import Reader
from sereno.core.listeners.websocket import WebSocketChannel
from sereno.core.sessions.channel import Channel, Peer
from sereno.core.sessions.connection import Connection
from sereno.core.sessions.registry import Sessions

_HELLO = b'{"type":"hello","clientId":"c","clientType":"cli","protocolVersion":1}'
_PING = b'{"type":"session","message":{"type":"ping","requestId":"p"}}'


def _masked(*frames: Frame) -> bytes:
    return b"".join(frame.serialize(mask=True) for frame in frames)


SEEDS = [
    b"\x01" + _masked(Frame(Opcode.TEXT, _HELLO), Frame(Opcode.TEXT, _PING)),
    b"\x40" + _masked(Frame(Opcode.TEXT, _HELLO), Frame(Opcode.PING, b"x")),
    b"\x01"
    + _masked(
        Frame(Opcode.TEXT, _HELLO[:9], fin=False),
        Frame(Opcode.PING, b""),
        Frame(Opcode.CONT, b"", fin=False),
        Frame(Opcode.CONT, _HELLO[9:]),
        Frame(Opcode.CLOSE, b"\x03\xe8bye"),
    ),
    b"\x80" + bytes((0x01, len(_HELLO))) + _HELLO + bytes((0x81, len(_PING))) + _PING,
    b"\x80\x81\x05hello\x88\x02\x03\xe8",
]
WORDS = [
    *(b"\x81", b"\x82", b"\x80", b"\x00", b"\x01", b"\x88", b"\x89", b"\x8a", b"\xc1", b"\x83"),
    *(b"\x81\xfe\xff\xff", b"\x81\xff\x00\x00\x00\x00\x10\x00\x00\x00", b"\x03\xe8", _HELLO, _PING),
]


class Wire:
    """Keeps nothing of what it is given."""

    reader: Reader

    def __init__(self) -> None:
        self.closed = False

    def write(self, data: bytes) -> None:
        assert data

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def trust(self) -> None: ...

    def look(self) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class Hearing(Hall):
    """Sessions that give out connections."""

    def connect(self, channel: Channel, peer: Peer) -> Connection:
        return Connection(cast("Sessions", self), channel, peer)


def one(data: bytes) -> None:
    """The first byte: its high bit has the frames masked here, so that changing their text is easy;
    the others are the size of the pieces."""
    mode, data = (data[0], data[1:]) if data else (1, b"")
    if mode & 0x80:
        data = remasked(data)
    step = max(1, mode & 0x7F) * 8
    protocol = ServerProtocol(extensions=None, logger=QUIET, state=State.OPEN)
    hall, wire = Hearing(), Wire()
    channel = WebSocketChannel.join(
        protocol, wire, PEER, cast("Sessions", hall), lambda _: None, hello_s=10
    )
    try:
        for at in range(0, len(data), step):
            if wire.closed:
                break
            channel.received(data[at : at + step])
    finally:
        channel.ended()
    if data[1:2] and not data[1] & 0x80:
        assert hall.hello is None, "frames of clients are masked"


def remasked(data: bytes) -> bytes:
    """Reads frames without a mask and writes them with one; what is no frame stays as it is."""
    made, at = b"", 0
    while len(data) - at >= 2 and data[at + 1] < 126:
        end = at + 2 + data[at + 1]
        made += bytes((data[at], data[at + 1] | 0x80)) + b"\0\0\0\0" + data[at + 2 : end]
        at = end
    return made + data[at:]
