"""Cutting output: nothing is lost or reordered, and cuts fall where they may."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.agents.portions import PIECE, PORTION, pieces, portions
from sereno.core.runners.model import Frame, Stream


@given(st.lists(st.sampled_from([b"a\n", b"b" * 5_000 + b"\n", b"c" * 9_000, b"d" * 100])))
def test_pieces_join_to_the_whole_and_end_behind_newlines(parts: list[bytes]) -> None:
    data = b"".join(parts)
    found = list(pieces(data))
    assert b"".join(found) == data
    assert all(piece.endswith(b"\n") for piece in found[:-1])
    assert all(len(piece) <= PIECE or piece.count(b"\n") <= 1 for piece in found[:-1])


@given(st.lists(st.integers(0, 2 * PORTION), max_size=12))
def test_portions_keep_frames_whole_and_in_order(sizes: list[int]) -> None:
    frames = [Frame(n, Stream.OUT, 0, b"x" * size) for n, size in enumerate(sizes)]
    found = [list(some) for some in portions(frames)]
    assert [frame for some in found for frame in some] == frames
    assert all(some for some in found)
    for some in found:
        assert sum(len(frame.data) for frame in some[:-1]) < PORTION
