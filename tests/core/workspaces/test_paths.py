"""Working directories: what is meant, and what is wrong with it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from sereno.core.workspaces.errors import WorkspaceError
from sereno.core.workspaces.paths import check_cwd, printable, resolve_cwd
from tests.house.other_user import run_as_other_user


def refused(text: str, **options: Path) -> WorkspaceError:
    with pytest.raises(WorkspaceError) as caught:
        resolve_cwd(text, **options)
    assert caught.value.message
    assert caught.value.next_step
    assert str(caught.value).isprintable()
    return caught.value


def test_absolute_relative_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_cwd(str(tmp_path)) == tmp_path
    assert resolve_cwd("a/./b/../b", base=tmp_path) == tmp_path / "a/b"
    assert resolve_cwd("", base=tmp_path) == tmp_path
    assert resolve_cwd("~/a") == tmp_path / "a"
    assert resolve_cwd("~") == tmp_path


def test_a_link_is_kept_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert resolve_cwd(str(tmp_path / "link")) == tmp_path / "link"


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    assert refused("a/b").code == "relative"
    assert refused("~nobody-of-that-name/x").code == "missing"
    assert refused("a\0b", base=tmp_path).code == "unusable"
    assert refused("x" * 5000, base=tmp_path).code == "unusable"
    assert refused("x" * 300, base=tmp_path).code == "unusable"
    assert refused("loop", base=tmp_path).code == "unusable"
    assert refused("file", base=tmp_path).code == "not_a_directory"
    assert str(tmp_path) in refused("file", base=tmp_path).next_step
    assert refused("file/x", base=tmp_path).code == "missing"


def test_a_missing_folder_names_the_part_that_exists(tmp_path: Path) -> None:
    error = refused("x/y/z", base=tmp_path)
    assert error.code == "missing"
    assert f"({tmp_path} exists)" in error.next_step
    assert error.next_step.endswith(f"or make it: mkdir -p {tmp_path}/x/y/z")


def test_the_command_that_makes_a_folder_can_be_copied(tmp_path: Path) -> None:
    step = refused("it's new", base=tmp_path).next_step
    assert shlex.split(step.rpartition("make it: ")[2]) == ["mkdir", "-p", f"{tmp_path}/it's new"]
    assert "mkdir" not in refused("bell\a", base=tmp_path).next_step
    (tmp_path / "file").write_text("")
    assert "mkdir" not in refused("file/x", base=tmp_path).next_step


def test_a_folder_that_went_away_has_vanished(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    check_cwd(folder, existed=True)
    folder.rmdir()
    with pytest.raises(WorkspaceError) as caught:
        check_cwd(folder, existed=True)
    assert caught.value.code == "vanished"


def test_a_folder_that_may_not_be_entered(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o000)
    said = run_as_other_user(
        f"""
        from pathlib import Path
        from sereno.core.workspaces.errors import WorkspaceError
        from sereno.core.workspaces.paths import check_cwd
        for name in ("", "inner"):
            try:
                check_cwd(Path({str(closed)!r}) / name)
            except WorkspaceError as error:
                print(error.code)
        """,
        locked_folder=tmp_path / "unused",
    )
    closed.chmod(0o700)
    assert said.split() == ["not_allowed", "not_allowed"]


def test_t70_sereno_s_own_home_is_no_place_for_an_agent(tmp_path: Path) -> None:
    state = tmp_path / "home"
    (state / "run").mkdir(parents=True)
    (state / "worktrees" / "w").mkdir(parents=True)
    (tmp_path / "link").symlink_to(state / "run")
    for inside in (state, state / "run", tmp_path / "link"):
        assert refused(str(inside), state=state).code == "own_state"
    assert resolve_cwd(str(state / "worktrees/w"), state=state) == state / "worktrees/w"
    assert resolve_cwd(str(tmp_path), state=state) == tmp_path


def test_t40_messages_carry_no_escape_sequences(tmp_path: Path) -> None:
    error = refused("\x1b]0;owned\x07", base=tmp_path)
    assert "owned" in error.message
    assert printable("a\x1b[2J\u202eb") == "a\ufffd[2J\ufffdb"


def test_the_process_does_not_move(tmp_path: Path) -> None:
    before = os.getcwd()
    resolve_cwd(str(tmp_path))
    assert os.getcwd() == before
