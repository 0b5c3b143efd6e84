"""Listing files: with git, without it, in a hostile repository, within bounds."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from sereno.core.workspaces import files
from sereno.core.workspaces.files import list_files, walk
from sereno.core.workspaces.gitfiles import GitCheckout
from tests.core.workspaces.repository import git, make_repository


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return folder


TREE = (
    "a.py",
    "src/b.py",
    "src/deep/c.py",
    ".env",
    ".github/ci.yml",
    ".cache/x",
    ".hidden/y",
    ".git/config",
    "node_modules/z/index.js",
    "src/__pycache__/b.pyc",
    "src/d.pyc",
)


def test_a_walk_leaves_junk_out_and_nearest_first(tmp_path: Path) -> None:
    listed = list_files(fill(tmp_path, *TREE))
    assert listed.paths == (".env", "a.py", ".github/ci.yml", "src/b.py", "src/deep/c.py")
    assert listed.complete


@pytest.mark.git
def test_git_says_what_is_tracked_or_new_and_not_ignored(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "app", a_py="", src__b_py="", gone_py="")
    fill(repository, "new.py", "ignored/x.py", "ü.txt", ".hidden/kept.py", "sp ace.txt")
    (repository / ".gitignore").write_text("ignored/\n")
    listed = list_files(repository)
    assert set(listed.paths) == {
        ".gitignore",
        ".hidden/kept.py",
        "a.py",
        "gone.py",
        "new.py",
        "sp ace.txt",
        "src/b.py",
        "ü.txt",
    }
    assert listed.complete
    assert list_files(repository / "src").paths == ("b.py",)


def test_names_that_cannot_be_shown_or_sent_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, "good", "new\nline", "esc\x1b[2J", "bidi\u202e")
    (tmp_path / os.fsdecode(b"bad\xff")).write_text("")
    assert walk(tmp_path).paths == ("good",)


def test_links_are_not_followed_out_or_round(tmp_path: Path) -> None:
    inside = fill(tmp_path / "in", "a.py")
    fill(tmp_path / "out", "secret")
    (inside / "round").symlink_to(".")
    (inside / "out").symlink_to(tmp_path / "out")
    (inside / "link.py").symlink_to("a.py")
    (inside / "dangling").symlink_to("nothing")
    os.mkfifo(inside / "fifo")
    assert walk(inside).paths == ("a.py", "link.py")


def test_the_number_is_bounded(tmp_path: Path) -> None:
    fill(tmp_path, *(f"d{i}/f{j}" for i in range(4) for j in range(5)))
    listed = walk(tmp_path, most=7)
    assert len(listed.paths) == 7
    assert not listed.complete
    assert walk(tmp_path, most=20).complete


def test_the_time_is_bounded(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b/c")
    listed = walk(tmp_path, deadline=time.monotonic() - 1)
    assert not listed.complete


@pytest.mark.git
def test_the_number_is_bounded_with_git(tmp_path: Path) -> None:
    repository = fill(make_repository(tmp_path / "app"), *(f"f{i:03}" for i in range(200)))
    listed = list_files(repository, most=50)
    assert 0 < len(listed.paths) <= 50
    assert not listed.complete
    assert set(listed.paths) <= {f"f{i:03}" for i in range(200)}


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        list_files(tmp_path / "gone")


def hooked(tmp_path: Path) -> tuple[Path, Path]:
    """A program that leaves a mark when anything runs it."""
    mark, program = tmp_path / "marked", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    return mark, program


@pytest.mark.git
def test_t73_nothing_of_a_hostile_repository_runs(tmp_path: Path) -> None:
    mark, program = hooked(tmp_path)
    repository = make_repository(tmp_path / "app", a_py="x")
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.editor",
        "core.pager",
        "core.askPass",
        "credential.helper",
        "diff.external",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "gpg.program",
        "alias.ls-files",
        "core.gitProxy",
        "uploadpack.packObjectsHook",
    ):
        value = f"!{program}" if key == "alias.ls-files" else str(program)
        git(repository, "config", key, value)
    git(repository, "config", "core.hooksPath", str(tmp_path))
    for hook in ("post-index-change", "post-checkout", "pre-commit", "fsmonitor-watchman"):
        (tmp_path / hook).write_text(program.read_text())
        (tmp_path / hook).chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    fill(repository, "new.py")
    mark.unlink(missing_ok=True)
    assert "new.py" in list_files(repository).paths
    assert not mark.exists()
    # The trap works: a plain git walks into it.
    git(repository, "status", "--short")
    assert mark.exists()


@pytest.mark.git
def test_t73_a_worktree_elsewhere_is_not_listed(tmp_path: Path) -> None:
    fill(tmp_path / "secrets", "key.pem")
    repository = make_repository(tmp_path / "app", a_py="x")
    git(repository, "config", "core.worktree", str(tmp_path / "secrets"))
    assert all("key.pem" not in path for path in list_files(repository).paths)


@pytest.mark.git
def test_t73_our_own_variables_do_not_lead_git_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository(tmp_path / "other", other_py="")
    repository = make_repository(tmp_path / "app", a_py="")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert list_files(repository).paths == ("a.py",)


def test_without_git_installed_folders_are_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a.py", ".git/HEAD", ".git/refs/x", ".git/objects/x")
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert list_files(tmp_path).paths == ("a.py",)


@pytest.mark.git
def test_where_git_refuses_folders_are_walked(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "app", a_py="")
    (repository / ".git" / "index").write_bytes(b"rubbish")
    assert list_files(repository).paths == ("a.py",)


def test_a_git_that_hangs_costs_the_time_limit_and_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    checkout = GitCheckout(tmp_path, tmp_path, tmp_path, None)
    monkeypatch.setattr(files, "find_checkout", lambda _: checkout)
    listed = list_files(tmp_path, timeout_s=0.5)
    assert listed.paths == ()
    assert not listed.complete
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()
