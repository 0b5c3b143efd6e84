"""Lines are cut at their ends, nothing is lost or changed, and no line grows without bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.runners.process.lines import LineCutter

PIECES = st.lists(st.text("ab\n", max_size=20).map(str.encode), max_size=30)


@given(PIECES, st.integers(1, 25))
def test_every_byte_comes_out_once_and_only_partial_frames_end_inside_a_line(
    pieces: list[bytes], longest: int
) -> None:
    cutter = LineCutter(longest)
    said = b""
    for piece in pieces:
        parts, partial = cutter.feed(piece)
        data = b"".join(parts)
        said += data
        assert bool(parts) or not partial
        assert not data or partial != data.endswith(b"\n")
        assert not partial or len(data) >= longest
        assert cutter.carried < longest + 20
    parts, partial = cutter.flush()
    assert said + b"".join(parts) == b"".join(pieces)
    assert bool(parts) == partial
    assert cutter.carried == 0


def test_a_line_that_never_ends_comes_in_bounded_pieces() -> None:
    cutter = LineCutter(1000)
    sizes = [len(b"".join(cutter.feed(b"x" * 300)[0])) for _ in range(10)]
    assert sizes == [0, 0, 0, 1200, 0, 0, 0, 1200, 0, 0]


def test_single_bytes_are_kept_in_little_memory() -> None:
    cutter = LineCutter()
    for _ in range(1000):
        cutter.feed(b"x")
    assert cutter.feed(b"\n") == ((b"x" * 1000, b"\n"), False)
