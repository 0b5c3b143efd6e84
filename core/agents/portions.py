"""Output cut so that nothing holds the loop: frames into steps, bytes into pieces. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sereno.core.runners.model import Frame

__all__ = ["pieces", "portions"]

PORTION = 32_768
"""Bytes after which a step is committed; always at the end of a frame."""
PIECE = 4_096
"""Bytes that a driver gets at once."""


def portions(batch: Sequence[Frame]) -> Iterator[Sequence[Frame]]:
    """What one step may hold: a daemon that comes back may find megabytes in a journal."""
    first, held = 0, 0
    for index, frame in enumerate(batch, 1):
        held += len(frame.data)
        if held >= PORTION:
            yield batch[first:index]
            first, held = index, 0
    if first < len(batch):
        yield batch[first:]


def pieces(data: bytes) -> Iterator[bytes]:
    """Output in pieces of about PIECE bytes, cut behind newlines where there are any."""
    start = 0
    while len(data) - start > PIECE:
        cut = data.rfind(b"\n", start, start + PIECE) + 1 or data.find(b"\n", start) + 1
        if not cut:
            break
        yield data[start:cut]
        start = cut
    if start < len(data):
        yield data[start:] if start else data
