"""The journal keeps absolute offsets over its segments, and is whole after a refused write."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.core.runners.process import journal as module
from sereno.core.runners.process.journal import Journal
from sereno.core.runners.process.wire import FrameReader


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read_all(journal: Journal, offset: int) -> bytes:
    """Everything from `offset` on, as a client would get it."""
    ours, theirs = socket.socketpair()
    read = b""
    with ours, theirs:
        while offset < journal.end:
            count = journal.send(ours.fileno(), offset, min(journal.end, offset + 10_000))
            offset += count
            while count:
                data = theirs.recv(count)
                read += data
                count -= len(data)
    return read


def segments() -> list[str]:
    return sorted(path.name for path in Path.cwd().glob("journal.*"))


@pytest.mark.parametrize("sendfile", [True, False])
def test_every_offset_can_be_read_across_segments(
    sendfile: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SENDFILE", sendfile)
    journal = Journal(64 * 1024)  # segments of 8 KiB
    ends = [0]
    for number in range(100):
        journal.append(1, 0, number, (b"line %d\n" % number, b"x" * 500))
        ends.append(journal.end)
    assert len(segments()) == 7
    for index, end in enumerate(ends):
        raws = FrameReader().feed(read_all(journal, end))
        assert [raw[2] for raw in raws] == list(range(index, 100))


def test_a_journal_that_is_there_is_never_written_over() -> None:
    """By a runner that was started before this one and comes late."""
    journal = Journal(64 * 1024)
    journal.append(1, 0, 1, (b"said\n",))
    with pytest.raises(FileExistsError):
        Journal(64 * 1024)
    assert FrameReader().feed(read_all(journal, 0))[0][3] == b"said\n"


def test_acknowledging_drops_whole_segments_and_keeps_the_offsets() -> None:
    journal = Journal(64 * 1024)
    for _ in range(70):
        journal.append(1, 0, 0, (bytes(1000),))
    assert journal.full
    offset = 1016 * 30
    journal.acknowledge(offset)
    assert not journal.full
    assert offset - 9000 < journal.first <= offset
    assert int(segments()[0].split(".")[1]) == journal.first
    assert len(FrameReader().feed(read_all(journal, offset))) == 40
    journal.acknowledge(journal.end + 1)
    journal.acknowledge(offset - 1016)
    assert journal.acknowledged == offset
    journal.acknowledge(journal.end)
    assert len(segments()) == 1


def test_t86_the_disk_used_stays_bounded_while_the_daemon_keeps_up() -> None:
    journal = Journal(64 * 1024)
    most = 0
    for _ in range(2000):
        journal.append(1, 0, 0, (bytes(1000),))
        journal.acknowledge(journal.end)
        most = max(most, sum(Path(name).stat().st_size for name in segments()))
    assert journal.end == 2000 * 1016
    assert most < 2 * 8192 + 1016


def test_a_segment_that_vanished_does_not_disturb_acknowledging() -> None:
    journal = Journal(32 * 1024)
    for _ in range(20):
        journal.append(1, 0, 0, (bytes(1000),))
    Path(segments()[0]).unlink()
    journal.acknowledge(journal.end)
    assert len(segments()) == 1


@given(st.lists(st.tuples(st.binary(max_size=40), st.sampled_from([None, 0, 1, 15, 16, 20]))))
@settings(max_examples=60)
def test_a_refused_write_leaves_the_journal_as_it_was(
    appends: list[tuple[bytes, int | None]],
) -> None:
    """The number is how many bytes a full disk still takes before it says ENOSPC."""
    for name in segments():
        Path(name).unlink()
    real_writev, real_write = os.writev, os.write
    journal, kept = Journal(1 << 20), []

    def full(_: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    for data, room in appends:
        with pytest.MonkeyPatch.context() as patch:
            if room is not None:

                def short(fd: int, parts: list[bytes], room: int = room) -> int:
                    if room == 0:
                        full(fd, parts)
                    return real_write(fd, b"".join(parts)[:room])

                whole = 16 + len(data) <= (room or 0)
                patch.setattr(os, "writev", short)
                patch.setattr(os, "write", real_write if whole else full)
                if not whole:
                    with pytest.raises(OSError, match="full"):
                        journal.append(1, 0, 0, (data,))
                    continue
            journal.append(1, 0, 0, (data,))
            kept.append(data)
    assert real_writev is os.writev
    raws = FrameReader().feed(Path(segments()[0]).read_bytes())
    assert [raw[3] for raw in raws] == kept
    os.close(journal._file)
