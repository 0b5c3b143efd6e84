"""Messages of any size over an open Noise channel: cut, put together, and an end that is said.

Pure. Noise carries 65,535 bytes at a time, in strict order by itself. The first byte of each plain
piece says what it is, the rest is filled up to few sizes; an encrypted end tells a finished stream
from one that was cut (T12, C.3.1 item 6). Keys are renewed one way each 2^16 pieces in either
direction, and whenever the sender wishes (item 7).
"""

from __future__ import annotations

import dataclasses
import enum

from sereno.relay_client.noise.handshake import MESSAGE_BYTES, Handshake, NoiseFailed
from sereno.relay_client.noise.padding import LENGTH_BYTES, padded, unpadded

__all__ = ["LARGEST", "PIECE_BYTES", "REKEY_EACH", "Message", "Records", "Sign"]

LARGEST = 100 * 1024 * 1024
"""Bytes of a message, as everywhere (design.md section 7, limits)."""
REKEY_EACH = 2**16
_AROUND = 16 + 1
"""Bytes of a frame that are no piece: tag and kind."""
PIECE_BYTES = MESSAGE_BYTES - _AROUND - LENGTH_BYTES


class _Kind(enum.IntEnum):
    MORE = 0
    """A piece of a message that goes on."""
    TEXT = 1
    """The last piece of a text."""
    BINARY = 2
    """The last piece of bytes."""
    END = 3
    WELCOME = 4
    REFUSED = 5
    REKEY = 6
    """The next piece of this direction comes under another key."""


_KINDS = frozenset(_Kind)


class Sign(enum.Enum):
    """What is said besides messages; always between two of them."""

    END = _Kind.END
    """Nothing follows, and nothing was lost before."""
    WELCOME = _Kind.WELCOME
    """Of the daemon: the client may speak."""
    REFUSED = _Kind.REFUSED
    """Of the daemon: somebody has said no."""


@dataclasses.dataclass(frozen=True)
class Message:
    """Of the kind that was sent: text or bytes."""

    data: str | bytes


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

    @property
    def sent(self) -> int:
        """How many frames."""
        return self._sent

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

    def sign(self, sign: Sign) -> bytes:
        """The frame that says it; nothing may be sealed after the end."""
        frame = self._seal(_Kind(sign.value), b"")
        self._said_all = sign is Sign.END
        return frame

    def rekey(self) -> bytes:
        """The frame that says that all after it comes under another key."""
        frame = self._seal(_Kind.REKEY, b"")
        self._noise.rekey_sending()
        return frame

    def open(self, frame: bytes) -> Message | Sign | None:
        """What a frame completes; None for a piece. Raises NoiseFailed."""
        try:
            return self._open(frame)
        except NoiseFailed:
            self._broken = True
            raise

    def _open(self, frame: bytes) -> Message | Sign | None:
        if self._broken:
            raise NoiseFailed("the channel has failed before")
        if self._heard_all:
            raise NoiseFailed("something came after the end")
        plain = self._noise.decrypt(frame)
        self._received += 1
        if self._received % self._rekey_each == 0:
            self._noise.rekey_receiving()
        if not plain or plain[0] not in _KINDS:
            raise NoiseFailed("a piece of no known kind")
        kind, piece = _Kind(plain[0]), unpadded(plain[1:])
        if kind in (_Kind.MORE, _Kind.TEXT, _Kind.BINARY):
            return self._take(kind, piece)
        if self._pieces or piece:
            raise NoiseFailed("a sign within a message, or with something in it")
        if kind is _Kind.REKEY:
            self._noise.rekey_receiving()
            return None
        self._heard_all = kind is _Kind.END
        return Sign(kind)

    def _take(self, kind: _Kind, piece: bytes) -> Message | None:
        self._size += len(piece)
        if self._size > self._largest:
            raise NoiseFailed("a message is too long")
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
        frame = self._noise.encrypt(bytes([kind]) + padded(piece, _AROUND))
        self._sent += 1
        if self._sent % self._rekey_each == 0:
            self._noise.rekey_sending()
        return frame


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoiseFailed("a text that is none") from error
