"""Homes of others, read-only and full disks: each is refused with cause and next step.

Another user and other disks need root; without it, what root would do is said by the system about
things that are not ours either.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sereno.core.home import (
    Home,
    HomeError,
    explain,
    prepare,
)
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


def test_a_read_only_home(home: Home) -> None:
    prepare(home)
    said = run_mounted(home.root, "remount,ro,bind", "prepare(home)")
    assert said.startswith("read_only")
    assert "read-only file system" in said


def test_a_home_on_a_full_disk(home: Home) -> None:
    home.root.mkdir(mode=0o700)
    said = run_mounted(home.root, "tmpfs", "prepare(home)")
    assert said.startswith("disk_full")
    assert "Free some space" in said


def test_a_write_on_a_full_disk_leaves_the_old_file(home: Home) -> None:
    home.root.mkdir(mode=0o700)
    said = run_mounted(
        home.root,
        "tmpfs",
        "import shutil\n"
        "(home.root / 'fill').unlink(); (home.root / 'x').write_text('old')\n"
        "fill(home.root / 'fill')\n"
        "try:\n"
        "    atomic_write(home.root / 'x', b'y' * 100_000)\n"
        "finally:\n"
        "    print((home.root / 'x').read_text(), sorted(os.listdir(home.root)))",
    )
    assert said.splitlines() == ["old ['fill', 'x']", said.splitlines()[1]]
    assert said.splitlines()[1].startswith("disk_full")


def run_mounted(root: Path, how: str, code: str) -> str:
    """Run `code` in a mount namespace of its own (a user namespace where we are not root) in which
    `root` is read-only or a full disk of 64 KiB."""
    mount = (
        f"mount -t tmpfs -o size=64k,mode=700 tmpfs {root}"
        if how == "tmpfs"
        else f"mount --bind {root} {root} && mount -o {how} {root}"
    )
    program = f"""
import os
from pathlib import Path
from sereno.core.home import *
home = Home(Path({str(root)!r}))
def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096): pass
        except OSError: pass
if {how == "tmpfs"}: fill(home.root / "fill")
try:
{chr(10).join("    " + line for line in code.splitlines())}
except HomeError as error:
    print(error.code, error.message, error.next_step)
"""
    unshare = ["unshare", "--mount"] if AS_ROOT else ["unshare", "--mount", "--map-root-user"]
    done = subprocess.run(
        [*unshare, "sh", "-ec", f'{mount}; exec "$0" -c "$1"', sys.executable, program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
