"""Frames survive any chunking; damage and torn tails are noticed, never given out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.runners.process.wire import FrameError, FrameReader, RawFrame, frame, header

MS = st.integers(0, 2**48 - 1)
FRAMES = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 255), MS, st.binary(max_size=300)), max_size=12
)


def encode(frames: list[tuple[int, int, int, bytes]]) -> bytes:
    return b"".join(frame(kind, data, flags, ms) for kind, flags, ms, data in frames)


def contents(raws: list[RawFrame]) -> list[tuple[int, int, int, bytes]]:
    return [raw[:4] for raw in raws]


@given(FRAMES, st.data())
def test_frames_come_back_whatever_the_chunks(
    frames: list[tuple[int, int, int, bytes]], draw: st.DataObject
) -> None:
    encoded = encode(frames)
    reader, raws = FrameReader(), []
    while encoded:
        count = draw.draw(st.integers(1, len(encoded)))
        raws += reader.feed(encoded[:count])
        encoded = encoded[count:]
    assert contents(raws) == frames
    assert reader.rest == 0
    assert [raw[4] for raw in raws] == [16 + len(data) for *_, data in frames]


@given(FRAMES, st.data())
def test_a_torn_tail_gives_only_the_whole_frames_before_it(
    frames: list[tuple[int, int, int, bytes]], draw: st.DataObject
) -> None:
    encoded = encode(frames)
    cut = draw.draw(st.integers(0, len(encoded)))
    reader = FrameReader()
    whole = contents(reader.feed(encoded[:cut]))
    assert whole == frames[: len(whole)]
    assert len(encode(frames[: len(whole)])) + reader.rest == cut
    assert len(whole) == len(frames) or len(encode(frames[: len(whole) + 1])) > cut


@given(FRAMES.filter(bool), st.data())
def test_a_flipped_bit_is_never_given_out(
    frames: list[tuple[int, int, int, bytes]], draw: st.DataObject
) -> None:
    encoded = bytearray(encode(frames))
    position = draw.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= 1 << draw.draw(st.integers(0, 7))
    whole, damage = FrameReader().feed_until_damage(bytes(encoded))
    assert contents(whole) == frames[: len(whole)]
    assert len(encode(frames[: len(whole)])) <= position
    assert damage is not None or len(whole) < len(frames)


@given(st.lists(st.binary(max_size=50), max_size=5).map(tuple))
def test_a_header_fits_data_in_any_number_of_parts(parts: tuple[bytes, ...]) -> None:
    whole = b"".join(parts)
    assert header(1, 1, 77, len(whole), parts) + whole == frame(1, whole, 1, 77)


def test_a_length_that_cannot_be_is_refused_before_it_is_waited_for() -> None:
    with pytest.raises(FrameError, match="2048 bytes"):
        FrameReader(max_frame=1024).feed(frame(1, b"x" * 2048)[:16])


def test_a_long_frame_in_small_pieces_takes_no_quadratic_time() -> None:
    encoded = frame(1, bytes(32 * 1024 * 1024))
    reader = FrameReader()
    raws = [
        raw
        for start in range(0, len(encoded), 65536)
        for raw in reader.feed(encoded[start : start + 65536])
    ]
    assert [len(raw[3]) for raw in raws] == [32 * 1024 * 1024]
