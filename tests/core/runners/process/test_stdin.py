"""Writes go into the pipe whole, in order, once, however little it takes at a time."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.runners.process.stdin import AgentInput

WRITES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 150_000)), max_size=8)


@given(WRITES, st.lists(st.integers(5_000, 100_000), min_size=1))
def test_each_id_once_in_order_whatever_the_pipe_takes(
    writes: list[tuple[int, int]], sips: list[int]
) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    os.set_blocking(read, False)
    stdin = AgentInput(write)
    expected, got, done, highest = b"", b"", [], -1
    for write_id, size in writes:
        data = bytes([65 + write_id]) * size
        assert stdin.offer(write_id, data) == (write_id > highest)
        if write_id > highest:
            highest = write_id
            expected += data
            done.append(write_id)
    written: list[int] = []
    turn = 0
    while stdin.pending or len(got) < len(expected):
        while (one := stdin.next_written()) is not None:
            written.append(one)
        assert stdin.pending_bytes <= len(expected)
        try:
            got += os.read(read, sips[turn % len(sips)])
        except BlockingIOError:
            assert stdin.pending_bytes == 0
        turn += 1
    assert (got, written, stdin.pending_bytes) == (expected, done, 0)
    assert stdin.close() == []
    os.close(read)


def test_a_closed_reader_is_told_and_what_waits_is_named() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    stdin = AgentInput(write)
    stdin.offer(3, b"x")
    stdin.offer(4, b"y")
    os.close(read)
    with pytest.raises(BrokenPipeError):
        stdin.next_written()
    assert stdin.close() == [3, 4]
    assert not stdin.open
    assert stdin.close() == []
