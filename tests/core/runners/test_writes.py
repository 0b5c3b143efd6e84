"""Writes on their way: in order, within the window, and credit comes back."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.runners.model import MIB, RunnerError
from sereno.core.runners.process.wire import OFFSET, WRITE_WINDOW, FrameReader
from sereno.core.runners.writes import WriteQueue

SIZES = st.lists(st.sampled_from([0, 10, 400_000, WRITE_WINDOW, 3 * MIB]), max_size=12)


@given(SIZES, st.lists(st.booleans()), st.integers(-1, 5))
def test_the_runner_never_gets_more_than_the_window_or_one_long_write(
    sizes: list[int], settle: list[bool], accepted: int
) -> None:
    queue, reader = WriteQueue(), FrameReader()
    queue.welcome(accepted, 0)
    pending: deque[tuple[int, int]] = deque()
    sent: list[int] = []

    def send() -> None:
        for raw in reader.feed(queue.take()):
            write_id, size = OFFSET.unpack_from(raw[3])[0], len(raw[3]) - OFFSET.size
            held = sum(size for _, size in pending)
            assert not held or held + size <= WRITE_WINDOW
            pending.append((write_id, size))
            sent.append(write_id)

    for write_id, size in enumerate(sizes):
        queue.add(write_id, bytes(size))
        send()
        if settle and settle.pop() and pending:
            queue.settled(pending.popleft()[0])
            send()
    while pending:
        queue.settled(pending.popleft()[0])
        send()
    assert sent == list(range(accepted + 1, len(sizes)))


def test_what_an_earlier_daemon_left_in_the_runner_counts() -> None:
    queue = WriteQueue()
    queue.welcome(7, WRITE_WINDOW - 10)
    queue.add(8, bytes(11))
    assert queue.take() == b""
    queue.settled(7)
    assert queue.take() != b""


def test_bounds_are_refused_with_words() -> None:
    queue = WriteQueue()
    with pytest.raises(RunnerError) as caught:
        queue.add(1, bytes(64 * MIB + 1))
    assert caught.value.code == "too_long"
    queue.add(1, bytes(64 * MIB))
    queue.add(2, bytes(64 * MIB))
    with pytest.raises(RunnerError) as caught:
        queue.add(3, b"x")
    assert caught.value.code == "not_reading"
    queue.take()
    queue.add(3, b"x")
