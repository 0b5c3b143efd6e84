"""Frames: the one binary form of the journal on disk and of the socket between runner and daemon.

Pure: bytes in, bytes out. The runner sends the journal's bytes as they lie on the disk, so both are
the same form. The protocol, its versions and its rules are told in docs/runner-protocol.md.

A frame is 16 bytes of header and its data, little-endian:
crc32 of all that follows (u32), length of the data (u32), kind (u8), flags (u8),
milliseconds since 1970 (u48: high u16, low u32).
"""

from __future__ import annotations

import enum
import struct
from zlib import crc32

PROTOCOL_OLDEST = 1
PROTOCOL_NEWEST = 1

MAGIC = b"SRNR"
HEADER = struct.Struct("<IIBBHI")
OFFSET = struct.Struct("<q")
"""A journal offset or a write id."""
GREETING = struct.Struct("<4sHHq")
"""Data of a daemon's HELLO: magic, oldest and newest version it speaks, offset to go on from."""

PARTIAL = 1
"""Flag: the data ends inside a line, and the next frame of the same stream goes on with it."""

MAX_WRITE = 64 * 1024 * 1024
MAX_FRAME = MAX_WRITE + 1024
WRITE_WINDOW = 1024 * 1024
"""Bytes of writes that may be under way to an agent that does not read, unless one is longer."""

RawFrame = tuple[int, int, int, bytes, int]
"""Kind, flags, ms, data, size of the whole frame in bytes."""


class Kind(enum.IntEnum):
    """What a frame is. Under 128 it lies in the journal; from 128 on it is only for the socket.

    A kind that the reader does not know is skipped, which is how later releases add some.
    """

    OUT = 1
    ERR = 2
    WROTE = 3
    EXIT = 4
    NOTE = 5
    START = 6
    # runner to daemon
    WELCOME = 128
    REFUSED = 129
    ENDED = 130
    REPLACED = 131
    STALLED = 132
    # daemon to runner
    HELLO = 192
    WRITE = 193
    ACKNOWLEDGE = 194
    END = 195
    LEAVE = 196


FIRST_SOCKET_KIND = 128


class FrameError(Exception):
    """The bytes are no frame: a damaged checksum, or a length that cannot be."""


def header(kind: int, flags: int, ms: int, length: int, checksum_of: tuple[bytes, ...]) -> bytes:
    """The header of a frame whose data is the concatenation of `checksum_of`."""
    raw = HEADER.pack(0, length, kind, flags, (ms >> 32) & 0xFFFF, ms & 0xFFFFFFFF)
    checksum = crc32(raw[4:])
    for part in checksum_of:
        checksum = crc32(part, checksum)
    return checksum.to_bytes(4, "little") + raw[4:]


def frame(kind: int, data: bytes = b"", flags: int = 0, ms: int = 0) -> bytes:
    """One whole frame."""
    return header(kind, flags, ms, len(data), (data,)) + data


class FrameReader:
    """Cuts a stream of bytes into frames, whatever the sizes in which it arrives."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._max = max_frame

    @property
    def rest(self) -> int:
        """Bytes of a frame that has begun and is not yet whole."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[RawFrame]:
        """The frames that are whole now. Raises FrameError; nothing may be fed after that."""
        frames, damage = self.feed_until_damage(data)
        if damage is not None:
            raise damage
        return frames

    def feed_until_damage(self, data: bytes) -> tuple[list[RawFrame], FrameError | None]:
        """As `feed`, but gives the good frames before a damaged one together with the error."""
        buffer = self._buffer
        buffer += data
        frames: list[RawFrame] = []
        position, size = 0, len(buffer)
        damage = None
        with memoryview(buffer) as view:
            while size - position >= HEADER.size:
                checksum, length, kind, flags, high, low = HEADER.unpack_from(buffer, position)
                if length > self._max:
                    damage = FrameError(f"a frame of {length} bytes cannot be")
                    break
                stop = position + HEADER.size + length
                if stop > size:
                    break
                if crc32(view[position + 4 : stop]) != checksum:
                    damage = FrameError("a frame's checksum does not fit its bytes")
                    break
                content = bytes(view[position + HEADER.size : stop])
                frames.append((kind, flags, high << 32 | low, content, stop - position))
                position = stop
        del buffer[:position]
        return frames, damage
