"""Messages of any size over an open Noise channel: cut, put together, and an end that is said.

Pure. Noise carries 65,535 bytes at a time, in strict order by itself. The first byte of each plain
piece says what it is; an encrypted end tells a finished stream from one that was cut (T12, C.3.1
item 6). Keys are renewed one way each 2^16 pieces in either direction (item 7).
"""

from __future__ import annotations

import dataclasses
import enum

from sereno.relay_client.noise.handshake import MESSAGE_BYTES, Handshake, NoiseFailed

__all__ = ["LARGEST", "PIECE_BYTES", "REKEY_EACH", "Closed", "Message", "Records"]

LARGEST = 100 * 1024 * 1024
"""Bytes of a message, as everywhere (design.md section 7, limits)."""
REKEY_EACH = 2**16
_TAG_BYTES = 16
PIECE_BYTES = MESSAGE_BYTES - _TAG_BYTES - 1


class _Kind(enum.IntEnum):
    MORE = 0
    """A piece of a message that goes on."""
    TEXT = 1
    """The last piece of a text."""
    BINARY = 2
    """The last piece of bytes."""
    CLOSE = 3
    """Nothing follows, and nothing was lost before."""


@dataclasses.dataclass(frozen=True)
class Message:
    """Of the kind that was sent: text or bytes."""

    data: str | bytes


@dataclasses.dataclass(frozen=True)
class Closed:
    """The other side has said all that it had to say."""


class Records:
    """`handshake`: a finished one, used by nobody else from here on. Whatever raises NoiseFailed
    ends the channel.
    """

    def __init__(
        self, handshake: Handshake, largest: int = LARGEST, rekey_each: int = REKEY_EACH
    ) -> None:
        self._noise = handshake
        self._largest = largest
        self._rekey_each = rekey_each
        self._sent = self._received = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._said_all = self._heard_all = self._broken = False

    def seal(self, message: str | bytes) -> list[bytes]:
        """The binary frames of a message, to be sent in this order with nothing in between."""
        kind = _Kind.TEXT if isinstance(message, str) else _Kind.BINARY
        data = message.encode("utf-8") if isinstance(message, str) else message
        if len(data) > self._largest:
            raise ValueError(f"a message has at most {self._largest} bytes")
        starts = range(0, max(len(data), 1), PIECE_BYTES)
        return [
            self._seal(
                kind if start + PIECE_BYTES >= len(data) else _Kind.MORE,
                data[start : start + PIECE_BYTES],
            )
            for start in starts
        ]

    def close(self) -> bytes:
        """The frame that says the end; nothing may be sealed after it."""
        frame = self._seal(_Kind.CLOSE, b"")
        self._said_all = True
        return frame

    def open(self, frame: bytes) -> Message | Closed | None:
        """What a frame completes; None for a piece. Raises NoiseFailed."""
        try:
            return self._open(frame)
        except NoiseFailed:
            self._broken = True
            raise

    def _open(self, frame: bytes) -> Message | Closed | None:
        if self._broken:
            raise NoiseFailed("the channel has failed before")
        if self._heard_all:
            raise NoiseFailed("something came after the end")
        plain = self._noise.decrypt(frame)
        self._received += 1
        if self._received % self._rekey_each == 0:
            self._noise.rekey_receiving()
        if not plain or plain[0] not in _Kind.__members__.values():
            raise NoiseFailed("a piece of no known kind")
        return self._take(_Kind(plain[0]), plain[1:])

    def _take(self, kind: _Kind, piece: bytes) -> Message | Closed | None:
        self._size += len(piece)
        if self._size > self._largest:
            raise NoiseFailed("a message is too long")
        if kind is _Kind.CLOSE:
            if self._pieces or piece:
                raise NoiseFailed("an end within a message")
            self._heard_all = True
            return Closed()
        self._pieces.append(piece)
        if kind is _Kind.MORE:
            if len(piece) != PIECE_BYTES:
                raise NoiseFailed("a piece that goes on and is not full")
            return None
        data = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return Message(_text(data) if kind is _Kind.TEXT else data)

    def _seal(self, kind: _Kind, piece: bytes) -> bytes:
        if self._broken:
            raise NoiseFailed("the channel has failed before")
        if self._said_all:
            raise NoiseFailed("the end was said already")
        frame = self._noise.encrypt(bytes([kind]) + piece)
        self._sent += 1
        if self._sent % self._rekey_each == 0:
            self._noise.rekey_sending()
        return frame


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoiseFailed("a text that is none") from error
