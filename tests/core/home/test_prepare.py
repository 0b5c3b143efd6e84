"""Folders and files are private whatever the umask, and repaired or refused if not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sereno.core.home import (
    Home,
    HomeError,
    atomic_write,
    prepare,
)

ROOT_FOLDERS = ("", "run", "run/agents", "logs")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_c48_folders_are_private_whatever_the_umask(home: Home, umask: int) -> None:
    before = os.umask(umask)
    try:
        prepare(home)
        atomic_write(home.root / "auth_token", "secret")
    finally:
        os.umask(before)
    assert {mode(home.root / name) for name in ROOT_FOLDERS} == {0o700}
    assert mode(home.root / "auth_token") == 0o600
    assert mode(home.root.parent) != 0o777


def test_c48_missing_parents_are_private_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b")
    before = os.umask(0)
    try:
        prepare(home)
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o700


def test_c48_wide_modes_of_our_own_are_repaired_and_reported(home: Home) -> None:
    assert prepare(home) == ()
    home.root.chmod(0o755)
    home.logs.chmod(0o777)
    home.config.write_text("")
    home.config.chmod(0o644)
    repairs = prepare(home)
    assert [mode(home.root), mode(home.logs), mode(home.config)] == [0o700, 0o700, 0o600]
    assert len(repairs) == 3
    assert "0755" in repairs[0]
    assert prepare(home) == ()


@pytest.mark.parametrize("name", ["config.toml", "auth_token", "sereno.db"])
@pytest.mark.parametrize("wide", [0o666, 0o660, 0o602])
def test_t20_what_others_could_change_is_refused_by_name(home: Home, name: str, wide: int) -> None:
    """Also by a group; and where nobody else could get in, it is only repaired."""
    prepare(home)
    path = home.root / name
    path.write_text("")
    path.chmod(wide)
    home.root.chmod(0o755)
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "too_open"
    assert f"{path} could be changed by other users (mode {wide:04o})" in caught.value.message
    assert "chmod 600" in caught.value.next_step
    assert (mode(path), mode(home.root)) == (wide, 0o755)
    home.root.chmod(0o700)
    assert len(prepare(home)) == 1
    assert mode(path) == 0o600


def test_t20_a_folder_in_use_for_something_else_is_left_alone(home: Home) -> None:
    home.root.mkdir()
    home.root.chmod(0o755)
    (home.root / "thesis.txt").write_text("mine")
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "not_a_home"
    assert mode(home.root) == 0o755
    assert os.listdir(home.root) == ["thesis.txt"]


def test_t20_a_system_folder_with_a_name_of_ours_is_left_alone(home: Home) -> None:
    """SERENO_HOME=/var, as root, must not close /var."""
    for name in ("run", "logs", "lib"):
        (home.root / name).mkdir(parents=True)
    home.root.chmod(0o755)
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "not_a_home"
    assert mode(home.root) == 0o755


@pytest.mark.parametrize("names", [(), ("config.toml",), ("config.toml", "logs")])
def test_an_open_folder_that_is_empty_or_ours_is_taken(home: Home, names: tuple[str, ...]) -> None:
    home.root.mkdir()
    for name in names:
        if name == "logs":
            (home.root / name).mkdir()
        else:
            (home.root / name).write_text("")
            (home.root / name).chmod(0o644)
    home.root.chmod(0o755)
    prepare(home)
    assert mode(home.root) == 0o700


def test_an_old_home_with_other_things_in_it_is_ours(home: Home) -> None:
    prepare(home)
    (home.root / "notes.txt").write_text("")
    home.root.chmod(0o755)
    assert prepare(home) != ()


@pytest.mark.parametrize("name", ["run", "run/agents", "logs"])
def test_t20_a_link_inside_the_home_is_refused(home: Home, tmp_path: Path, name: str) -> None:
    prepare(home)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    before = mode(elsewhere)
    (home.root / name).rename(tmp_path / "away")
    (home.root / name).symlink_to(elsewhere)
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "symlink"
    assert mode(elsewhere) == before


@pytest.mark.parametrize("name", ["auth_token", "sereno.db", "daemon-keypair.json"])
@pytest.mark.parametrize("there", [True, False])
def test_t20_a_link_in_the_place_of_a_secret_is_refused_and_its_target_left_alone(
    home: Home, tmp_path: Path, name: str, there: bool
) -> None:
    prepare(home)
    target = tmp_path / "elsewhere"
    if there:
        target.write_text("shared on purpose")
        target.chmod(0o644)
    (home.root / name).symlink_to(target)
    with pytest.raises(HomeError) as refused:
        prepare(home)
    assert refused.value.code == "symlink"
    assert name in refused.value.message
    assert target.exists() is there
    if there:
        assert mode(target) == 0o644


def test_settings_that_are_kept_elsewhere_are_told_about_and_left_alone(
    home: Home, tmp_path: Path
) -> None:
    prepare(home)
    target = tmp_path / "dotfiles.toml"
    home.config.symlink_to(target)
    assert prepare(home) == ()
    target.write_text("")
    target.chmod(0o644)
    (told,) = prepare(home)
    assert f"chmod 600 {target}" in told
    assert mode(target) == 0o644
    target.chmod(0o600)
    assert prepare(home) == ()


def test_the_home_itself_may_be_a_link(home: Home, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    home.root.symlink_to(real)
    prepare(home)
    assert mode(real) == 0o700
    assert (real / "run").is_dir()


@pytest.mark.parametrize("name", ["", "run", "logs"])
def test_a_file_in_the_place_of_a_folder(home: Home, name: str) -> None:
    if name:
        home.root.mkdir(mode=0o700)
    (home.root / name).write_text("I am a file")
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "not_a_folder"
    assert caught.value.next_step
    assert (home.root / name).read_text() == "I am a file"


def test_a_file_above_the_home(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError) as caught:
        prepare(Home(tmp_path / "file" / "home"))
    assert caught.value.code == "not_a_folder"
