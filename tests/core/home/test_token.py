"""The file auth_token: private whatever stood there, and never made anew in silence
(C-47, C-48, T20)."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.core.home import Home, HomeError, token


@pytest.fixture
def home(tmp_path: Path) -> Home:
    root = tmp_path / "home"
    root.mkdir(mode=0o700)
    return Home(root)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(act: Callable[[], object]) -> HomeError:
    with pytest.raises(HomeError) as caught:
        act()
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_c48_made_private_under_any_umask(home: Home, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = token.load_or_make(home)
    finally:
        os.umask(before)
    assert mode(token.token_path(home)) == 0o600
    assert os.listdir(home.root) == ["auth_token"]
    assert len(made.text) == 64
    assert int(made.text, 16) >= 0


def test_c47_two_starts_have_the_same_token(home: Home) -> None:
    assert token.load(home) is None
    first = token.load_or_make(home)
    again = token.load_or_make(home)
    assert (again.text, again.made_ms) == (first.text, first.made_ms)
    assert first.text not in repr(first)


def test_two_homes_have_two_tokens(home: Home, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Home(tmp_path / "other")
    assert token.load_or_make(home).text != token.load_or_make(other).text


def test_c47_a_token_of_clawde_is_read(home: Home) -> None:
    token.token_path(home).write_text("  " + "0f" * 16 + "\n")
    found = token.load(home)
    assert found is not None
    assert found.text == "0f" * 16


def test_c48_a_mode_that_is_too_wide_is_narrowed(home: Home) -> None:
    made = token.load_or_make(home)
    token.token_path(home).chmod(0o644)
    found = token.load(home)
    assert found is not None
    assert found.text == made.text
    assert mode(token.token_path(home)) == 0o600


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"x" * 64, b"0f" * 15, b"0F" * 32, b"0f" * 600, b"0f" * 16 + b"\0", b"\xff"],
)
def test_a_damaged_token_is_refused_and_kept(home: Home, content: bytes) -> None:
    path = token.token_path(home)
    path.write_bytes(content)
    for act in (lambda: token.load(home), lambda: token.load_or_make(home)):
        error = refused(act)
        assert error.code == "damaged_token"
        assert "sereno token rotate" in error.next_step
    assert path.read_bytes() == content
    assert token.rotate(home).text == token.load_or_make(home).text


def test_t20_a_link_is_neither_read_nor_written_through(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "target"
    path = token.token_path(home)
    path.symlink_to(target)
    assert refused(lambda: token.load_or_make(home)).code == "symlink"
    assert not target.exists()
    target.write_text("0f" * 32)
    assert refused(lambda: token.load(home)).code == "symlink"
    token.rotate(home)
    assert target.read_text() == "0f" * 32
    assert not path.is_symlink()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_t20_what_is_no_file_is_refused_and_nobody_waits_for_it(
    home: Home, make: Callable[[Path], None]
) -> None:
    make(token.token_path(home))
    assert refused(lambda: token.load_or_make(home)).code == "not_a_file"


def test_t20_a_socket_is_refused(home: Home) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(token.token_path(home)))
        assert refused(lambda: token.load(home)).code


def test_t20_somebody_else_s_file_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root it really is somebody else's; else we are told to be somebody else."""
    token.load_or_make(home)
    if os.geteuid() == 0:
        os.chown(token.token_path(home), 65534, 65534)
    else:
        me = os.geteuid()
        monkeypatch.setattr("os.geteuid", lambda: me + 1)
    error = refused(lambda: token.load(home))
    assert error.code == "foreign_owner"
    assert "uid" in error.message


def test_t20_a_folder_that_others_may_write_is_refused(home: Home) -> None:
    token.load_or_make(home)
    for open_mode in (0o720, 0o702, 0o777):
        home.root.chmod(open_mode)
        assert "chmod 700" in refused(lambda: token.load(home)).next_step


def test_t20_rotating_leaves_another_name_of_the_old_file_alone(home: Home, tmp_path: Path) -> None:
    """A backup made of hard links keeps the old token, which opens nothing any more."""
    old = token.load_or_make(home)
    os.link(token.token_path(home), tmp_path / "backup")
    new = token.rotate(home)
    assert new.text != old.text
    assert (tmp_path / "backup").read_text().strip() == old.text
    assert os.listdir(home.root) == ["auth_token"]
    assert mode(token.token_path(home)) == 0o600


def test_of_many_makers_one_wins_and_all_read_the_same(home: Home) -> None:
    found: list[str] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait(10)
        found.append(token.load_or_make(home).text)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert os.listdir(home.root) == ["auth_token"]


def test_where_files_have_one_name_only(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    made = token.load_or_make(home)
    assert token.load_or_make(home).text == made.text
    assert os.listdir(home.root) == ["auth_token"]


def test_a_home_that_is_missing_is_said(tmp_path: Path) -> None:
    nowhere = Home(tmp_path / "nowhere")
    assert token.load(nowhere) is None
    assert str(tmp_path) in refused(lambda: token.load_or_make(nowhere)).message
    assert str(tmp_path) in refused(lambda: token.rotate(nowhere)).message
