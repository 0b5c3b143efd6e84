"""Fills what is encrypted up to few sizes, so that a size says little (T13, C.3.1 item 6).

Pure. What is left to see: how many frames, when, and which of the eleven sizes each has.
"""

from __future__ import annotations

from sereno.relay_client.noise.handshake import MESSAGE_BYTES, NoiseFailed

__all__ = ["BUCKETS", "LENGTH_BYTES", "padded", "unpadded"]

BUCKETS = (*(2**power for power in range(6, 16)), MESSAGE_BYTES)
"""The sizes of frames on the wire, tags included: 64 bytes to 32 KiB, and the largest."""
LENGTH_BYTES = 2


def padded(data: bytes, around: int) -> bytes:
    """`data` with its length before it and zeros after it, so that with `around` bytes more it
    has one of the sizes. Raises ValueError for what does not fit the largest.
    """
    size = LENGTH_BYTES + len(data) + around
    for bucket in BUCKETS:
        if size <= bucket:
            return len(data).to_bytes(LENGTH_BYTES, "big") + data + bytes(bucket - size)
    raise ValueError(f"this does not fit {MESSAGE_BYTES} bytes")


def unpadded(data: bytes) -> bytes:
    """What was padded. Raises NoiseFailed: the other side is none of ours."""
    end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "big")
    if len(data) < LENGTH_BYTES or end > len(data):
        raise NoiseFailed("a piece that is shorter than it says")
    if data.count(0, end) != len(data) - end:
        raise NoiseFailed("a piece that is not filled with zeros")
    return data[LENGTH_BYTES:end]
