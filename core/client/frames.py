"""RFC 6455, the client's side, as far as our own daemon's unix socket needs it. Pure.

Bytes in, messages out; no socket, no clock. It exists because the command line has 100 ms of CPU
for everything and the websockets library alone takes that (reference: docs/architecture.md);
every other client uses the library.
"""

from __future__ import annotations

from binascii import b2a_base64

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
LARGEST_MESSAGE = 100 * 1024 * 1024
"""Bytes of one message; the limit of design section 7."""
_LARGEST_CONTROL = 125


class FrameError(Exception):
    """What came is no WebSocket, or more than may come."""


def upgrade_request(nonce: bytes) -> bytes:
    """The HTTP request that opens the WebSocket. `nonce`: 16 random bytes."""
    key = b2a_base64(nonce, newline=False)
    return (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )


def read_upgrade(buffer: bytearray) -> bool:
    """Take the daemon's answer out of the buffer; False while it is not whole.

    `Sec-WebSocket-Accept` is not checked: it guards against caches between, and there is none on
    a unix socket. Raises FrameError for any answer but 101.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > 65_536:
            raise FrameError("the answer to the upgrade has no end")
        return False
    status = bytes(buffer[:end]).split(b"\r\n", 1)[0]
    if not status.startswith(b"HTTP/1.1 101"):
        raise FrameError(status.decode("ascii", "backslashreplace")[:200])
    del buffer[: end + 4]
    return True


def encode(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One whole, final frame. `mask`: 4 random bytes, as section 5.3 asks of clients."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 65_536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    return head + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    length = len(payload)
    pattern = (mask * (length // 4 + 1))[:length]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")
    return mixed.to_bytes(length, "big")


class MessageReader:
    """Cuts what the daemon sends into whole messages.

    `feed` takes bytes as they come; `take` gives the next (opcode, payload), control frames among
    them, or None while none is whole.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._opcode = CONTINUATION
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def take(self) -> tuple[int, bytes] | None:
        """Raises FrameError for what a server must not send."""
        while (frame := self._frame()) is not None:
            final, opcode, payload = frame
            if opcode >= CLOSE:
                if not final or len(payload) > _LARGEST_CONTROL:
                    raise FrameError("a control frame in parts")
                return opcode, payload
            if (opcode == CONTINUATION) == (self._opcode == CONTINUATION):
                raise FrameError("a message within another, or a part without a beginning")
            self._opcode = opcode or self._opcode
            self._parts.append(payload)
            if final:
                whole = (self._opcode, b"".join(self._parts))
                self._parts, self._opcode, self._size = [], CONTINUATION, 0
                return whole
        return None

    def _frame(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & 0x70 or second & 0x80:
            raise FrameError("a masked frame, or an extension that was not agreed")
        extra = {126: 2, 127: 8}.get(second & 0x7F, 0)
        start = 2 + extra
        if len(buffer) < start:
            return None
        length = int.from_bytes(buffer[2:start], "big") if extra else second & 0x7F
        if first & 0x08 == 0 and self._size + length > LARGEST_MESSAGE:
            raise FrameError(f"a message of more than {LARGEST_MESSAGE} bytes")
        if len(buffer) < start + length:
            return None
        with memoryview(buffer) as view:  # a slice of the buffer itself would be one more copy
            payload = bytes(view[start : start + length])
        del buffer[: start + length]
        if first & 0x08 == 0:
            self._size += length
        return bool(first & 0x80), first & 0x0F, payload
