"""Whole writes, and socket names that fit."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from sereno.core.home import (
    HomeError,
    atomic_write,
    connect_path,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_t78_atomic_write_replaces_whole_and_leaves_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o644)
    atomic_write(path, "neu ü")
    assert path.read_text() == "neu ü"
    assert mode(path) == 0o600
    assert os.listdir(tmp_path) == ["x"]


def test_t78_a_reader_never_sees_half(tmp_path: Path) -> None:
    path = tmp_path / "x"
    texts = [letter * 50_000 for letter in "abc"]
    atomic_write(path, texts[0])
    done = threading.Event()

    def write() -> None:
        for count in range(60):
            atomic_write(path, texts[count % 3])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or reads < 5:
        assert path.read_text() in texts
        reads += 1
    writer.join()


def test_t78_a_planted_link_at_a_guessed_name_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    folder = tmp_path / "home"
    folder.mkdir()
    for guess in ("x.tmp", ".x.tmp", "x~", f"x.{os.getpid()}", ".x.swp"):
        (folder / guess).symlink_to(victim)
    atomic_write(folder / "x", "new")
    assert victim.read_text() == "untouched"
    assert (folder / "x").read_text() == "new"


def test_atomic_write_keeps_a_link_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "config.toml"
    real.write_text("old")
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    atomic_write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_atomic_write_into_no_folder(tmp_path: Path) -> None:
    with pytest.raises(HomeError) as caught:
        atomic_write(tmp_path / "none" / "x", "")
    assert caught.value.code == "unusable"


def test_a_short_socket_path_stays(tmp_path: Path) -> None:
    with connect_path(Path("/run/x.sock")) as name:
        assert name == "/run/x.sock"


def test_a_long_socket_path_binds_and_connects(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    path = folder / "daemon.sock"
    before = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with connect_path(path) as name:
            server.bind(name)
        server.listen()
        assert stat.S_ISSOCK(path.stat().st_mode)
        with connect_path(path) as name:
            client.connect(name)
        peer, _ = server.accept()
        client.sendall(b"hi")
        assert peer.recv(2) == b"hi"
        peer.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_long_socket_path_without_proc_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(HomeError) as caught, connect_path(Path("/" + "x" * 120 + "/s")):
        pass
    assert caught.value.code == "path_too_long"
    assert "SERENO_HOME" in caught.value.next_step
