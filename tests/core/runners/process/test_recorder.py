"""What could not be recorded is recorded later, in order, and the reason is told once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.runners.process.journal import Journal
from sereno.core.runners.process.recorder import Recorder, folder_is_gone
from sereno.core.runners.process.wire import FrameReader, Kind


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def recorded() -> list[tuple[int, bytes]]:
    text = b"".join(path.read_bytes() for path in sorted(Path.cwd().glob("journal.*")))
    return [(raw[0], raw[3]) for raw in FrameReader().feed(text)]


class Disk:
    """A disk that is broken while `error` is set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.error = 0
        self._writev = os.writev
        patch.setattr(os, "writev", self.write)

    def write(self, fd: int, parts: list[bytes]) -> int:
        if self.error:
            raise OSError(self.error, "broken")
        return self._writev(fd, parts)


@given(st.lists(st.sampled_from([0, errno.ENOSPC, errno.EIO, -1]), max_size=30))
def test_nothing_is_lost_or_reordered_by_a_disk_that_comes_and_goes(states: list[int]) -> None:
    """Each state is the disk's while one frame is recorded; -1 tries again without a new one."""
    for path in Path.cwd().glob("journal.*"):
        path.unlink()
    with pytest.MonkeyPatch.context() as patch:
        disk, expected = Disk(patch), []
        recorder = Recorder(Journal(1 << 20))
        for number, state in enumerate(states):
            if state == -1:
                disk.error = 0
                recorder.settle()
            else:
                disk.error = state
                recorder.record(Kind.OUT, b"%d\n" % number)
                expected.append(b"%d\n" % number)
            assert recorder.waiting == bool(disk.error)
            assert bool(recorder.stalled) == bool(disk.error)
        disk.error = 0
        recorder.settle()
    frames = recorded()
    assert [data for kind, data in frames if kind == Kind.OUT] == expected
    notes = [data for kind, data in frames if kind == Kind.NOTE]
    assert all(note == b"journal_resumed" for note in notes[1::2])
    assert all(note in (b"disk_full", b"disk_error") for note in notes[::2])
    assert len(notes) % 2 == 0


def test_a_full_journal_is_told_once_and_resumes_with_room() -> None:
    recorder = Recorder(Journal(16 * 1024))
    while not recorder.stalled:
        recorder.record(Kind.OUT, bytes(1000))
    recorder.record(Kind.WROTE, bytes(8))  # what must be said still can be
    assert recorder.stalled == "journal_full"
    assert not recorder.waiting
    recorder.acknowledge(recorder.journal.end)
    assert recorder.stalled == ""
    assert recorded()[-1] == (Kind.NOTE, b"journal_resumed")


def test_a_deleted_folder_is_noticed(tmp_path: Path) -> None:
    assert not folder_is_gone()
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert folder_is_gone()
    os.chdir(tmp_path)
