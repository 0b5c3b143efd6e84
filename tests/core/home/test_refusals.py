"""Homes of others, read-only and full disks: each is refused with cause and next step.

Another user and other disks need root; without it, what root would do is said by the system about
things that are not ours either.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sereno.core.home import (
    Home,
    HomeError,
    explain,
    prepare,
)
from tests.house.other_disk import can_mount, run_on_disk
from tests.house.other_user import AS_ROOT, run_as_other_user


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_t20_a_foreign_owner_is_refused(home: Home) -> None:
    if AS_ROOT:
        prepare(home)
        os.chown(home.root, 65534, 65534)
    else:
        home = Home(Path("/usr"))
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "foreign_owner"
    assert "uid" in caught.value.message


def test_t20_a_foreign_secret_file_is_refused(home: Home, tmp_path: Path) -> None:
    prepare(home)
    if AS_ROOT:
        home.config.write_text("")
        os.chown(home.config, 65534, 65534)
    else:
        home.config.symlink_to("/etc/passwd")
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "foreign_owner"


def test_a_home_that_may_not_be_made(tmp_path: Path) -> None:
    said = run_as_other_user(
        f"""
        from pathlib import Path
        from sereno.core.home import Home, HomeError, prepare
        try:
            prepare(Home(Path({str(tmp_path)!r}) / "locked" / "home"))
        except HomeError as error:
            print(error.code, error.next_step)
        """,
        locked_folder=tmp_path / "locked",
    )
    assert said.startswith("not_allowed Check the owner")


PREPARE = """
from sereno.core.home import Home, HomeError, atomic_write, prepare
if {full}: fill(root / "fill")
try:
    prepare(Home(root))
except HomeError as error:
    print(error.code, error.message, error.next_step)
"""

# Both ways wherever disks can be made, so that the made-up one is held against the real one.
WAYS = [True, False] if can_mount() else [False]


@pytest.mark.parametrize("real", WAYS)
def test_a_read_only_home(home: Home, real: bool) -> None:
    prepare(home)
    said = run_on_disk(home.root, "read_only", PREPARE.format(full=False), real=real)
    assert said.startswith("read_only")
    assert "read-only file system" in said


@pytest.mark.parametrize("real", WAYS)
def test_a_home_on_a_full_disk(home: Home, real: bool) -> None:
    home.root.mkdir(mode=0o700)
    said = run_on_disk(home.root, "full", PREPARE.format(full=True), real=real)
    assert said.startswith("disk_full")
    assert "Free some space" in said


@pytest.mark.parametrize("real", WAYS)
def test_a_write_on_a_full_disk_leaves_the_old_file(home: Home, real: bool) -> None:
    home.root.mkdir(mode=0o700)
    code = """
    from sereno.core.home import HomeError, atomic_write
    (root / "x").write_text("old")
    fill(root / "fill")
    try:
        atomic_write(root / "x", b"y" * 100_000)
    except HomeError as error:
        print(error.code, (root / "x").read_text(), sorted(os.listdir(root)))
    """
    said = run_on_disk(home.root, "full", code, real=real)
    assert said == "disk_full old ['fill', 'x']"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EROFS, "read_only"),
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EACCES, "not_allowed"),
        (errno.EPERM, "not_allowed"),
        (errno.ENOTDIR, "not_a_folder"),
        (errno.ELOOP, "unusable"),
        (errno.EIO, "unusable"),
    ],
)
def test_every_refusal_of_the_system_has_cause_and_next_step(number: int, code: str) -> None:
    error = explain(OSError(number, os.strerror(number)), Path("/h/x"))
    assert error.code == code
    assert "/h/x" in error.message
    assert error.next_step.endswith((".", "own."))
    assert str(error) == f"{error.message} {error.next_step}"
