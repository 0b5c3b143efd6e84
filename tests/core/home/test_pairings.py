"""The secret files of pairings: modes, owners, links, damage, and that nothing is made anew."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sereno.core.home import Home, HomeError, prepare
from sereno.core.home import pairings as files

ID = "srv_AAECAwQFBgcI"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    prepare(made)
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_c14_keys_are_private_whatever_the_umask_and_come_back(home: Home) -> None:
    before = os.umask(0)
    try:
        files.save(home, ID, b"pair")
        files.save(home, ID, b"secret", "secret")
    finally:
        os.umask(before)
    assert mode(files.folder(home)) == 0o700
    assert {one.name: mode(one) for one in files.folder(home).iterdir()} == {
        f"{ID}.json": 0o600,
        f"{ID}.secret": 0o600,
    }
    assert files.load(home, ID) == b"pair"
    assert files.load(home, ID, "secret") == b"secret"
    files.save(home, ID, b"other", "secret")
    assert files.load(home, ID, "secret") == b"other"


def test_what_is_not_there_is_none_and_nothing_is_made(home: Home) -> None:
    assert files.load(home, ID) is None
    files.remove(home, ID)
    assert not files.folder(home).exists()
    assert files.strangers(home, frozenset()) == []


def test_removing_takes_both_files_and_no_other(home: Home) -> None:
    for server_id in (ID, "srv_other"):
        for part in files.PARTS:
            files.save(home, server_id, b"x", part)
    files.remove(home, ID)
    files.remove(home, ID)
    assert files.load(home, ID) is None
    assert {one.stem for one in files.folder(home).iterdir()} == {"srv_other"}
    assert files.strangers(home, frozenset({"srv_other"})) == []
    assert len(files.strangers(home, frozenset({ID}))) == 2


def test_t17_a_file_that_stays_does_not_keep_the_other_one(home: Home) -> None:
    files.save(home, ID, b"secret", "secret")
    files.path_of(home, ID).mkdir()
    with pytest.raises(HomeError):
        files.remove(home, ID)
    assert files.load(home, ID, "secret") is None


@pytest.mark.parametrize("server_id", ["", "../x", "a/b", ".", "a.b", "ä", "a" * 200, "a\0"])
def test_a_server_id_leads_nowhere_else(home: Home, server_id: str) -> None:
    with pytest.raises(ValueError):
        files.path_of(home, server_id)


def test_t17_a_file_that_others_can_read_is_made_private(home: Home) -> None:
    files.save(home, ID, b"pair")
    path = files.path_of(home, ID)
    path.chmod(0o644)
    files.folder(home).chmod(0o755)
    assert files.load(home, ID) == b"pair"
    assert (mode(path), mode(files.folder(home))) == (0o600, 0o700)


def refused(home: Home) -> HomeError:
    with pytest.raises(HomeError) as caught:
        files.load(home, ID)
    assert str(files.folder(home)) in caught.value.message
    assert caught.value.next_step
    return caught.value


def test_t20_a_folder_that_others_can_write_is_refused(home: Home) -> None:
    files.save(home, ID, b"pair")
    files.folder(home).chmod(0o777)
    assert refused(home).code == "too_open"
    assert mode(files.folder(home)) == 0o777


def test_t20_links_are_not_followed(home: Home, tmp_path: Path) -> None:
    files.save(home, ID, b"pair")
    path, elsewhere = files.path_of(home, ID), tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert refused(home).code == "symlink"
    with pytest.raises(HomeError):
        files.save(home, ID, b"new")
    assert elsewhere.read_bytes() == b"pair"
    files.folder(home).rename(tmp_path / "folder")
    files.folder(home).symlink_to(tmp_path / "folder")
    assert refused(home).code == "symlink"


def test_what_is_no_file_is_refused(home: Home) -> None:
    files.save(home, ID, b"pair")
    path = files.path_of(home, ID)
    path.unlink()
    path.mkdir()
    assert refused(home).code == "not_a_file"
    path.rmdir()
    os.mkfifo(path)
    assert refused(home).code == "not_a_file"


@pytest.mark.parametrize("data", [b"", b"x" * 10_000])
def test_c14_damage_is_told_with_the_way_out_and_left_alone(home: Home, data: bytes) -> None:
    files.save(home, ID, b"pair")
    path = files.path_of(home, ID)
    path.write_bytes(data)
    error = refused(home)
    assert error.code == "damaged_keys"
    assert f"rm {path}" in error.next_step
    assert path.read_bytes() == data
