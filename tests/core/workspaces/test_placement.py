"""Placements: keys, names, what is shown of a remote, and the memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.core.workspaces.placement import (
    Placements,
    project_key,
    project_name,
    read_placement,
    shown_url,
)
from tests.core.workspaces.repository import git, make_repository


@pytest.mark.parametrize(
    ("url", "key", "name"),
    [
        ("git@github.com:acme/app.git", "remote:github.com/acme/app", "acme/app"),
        ("https://github.com/acme/app.git", "remote:github.com/acme/app", "acme/app"),
        ("https://github.com/acme/app/", "remote:github.com/acme/app", "acme/app"),
        ("https://u:tok@GitHub.com/acme/app", "remote:github.com/acme/app", "acme/app"),
        ("ssh://git@github.com:22/acme/app.git", "remote:github.com/acme/app", "acme/app"),
        ("git://gitlab.com/a/b/c.git", "remote:gitlab.com/a/b/c", "c"),
        ("https://[::1]:3000/o/r.git", "remote:::1/o/r", "r"),
        ("box:src/app", "remote:box/src/app", "app"),
        ("file:///srv/app.git", None, None),
        ("/srv/app.git", None, None),
        ("../app", None, None),
        ("./a:b", None, None),
        ("https://github.com", None, None),
        ("https://[bad/x", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_keys_and_names(url: str | None, key: str | None, name: str | None) -> None:
    assert project_key(url) == key
    if key is not None:
        assert project_name(key) == name


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("git@github.com:acme/app.git", "git@github.com:acme/app.git"),
        ("https://token@github.com/a/b", "https://github.com/a/b"),
        ("https://u:secret@h:8443/a/b?x=secret#y", "https://h:8443/a/b"),
        ("ssh://git:secret@h/a", "ssh://git@h/a"),
        ("https://[secret/x", "https://…"),
        ("h\x1b[2J:a/b", "h\ufffd[2J:a/b"),
    ],
)
def test_secrets_in_a_url_are_not_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert "secret" not in shown


def test_without_git(tmp_path: Path) -> None:
    placement = read_placement(str(tmp_path))
    assert placement.project_key == str(tmp_path)
    assert placement.project_name == tmp_path.name
    assert placement.checkout.is_git is False
    assert placement.checkout.current_branch is None
    assert placement.checkout.worktree_root is None
    assert read_placement("/").project_name == "/"
    assert read_placement(str(tmp_path / "gone")).checkout.is_git is False


@pytest.mark.git
def test_with_git(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "app", src__a_py="")
    cwd = str(repository / "src")
    placement = read_placement(cwd)
    assert placement.project_key == str(repository)
    assert placement.project_name == "app"
    git(repository, "remote", "add", "origin", "https://tok@github.com/acme/thing.git")
    placement = read_placement(cwd)
    assert placement.project_key == "remote:github.com/acme/thing"
    assert placement.project_name == "acme/thing"
    checkout = placement.checkout
    assert (checkout.cwd, checkout.is_git, checkout.current_branch) == (cwd, True, "main")
    assert checkout.remote_url == "https://github.com/acme/thing.git"
    assert checkout.worktree_root == str(repository)
    assert checkout.main_repo_root is None
    assert checkout.is_paseo_owned_worktree is False


@pytest.mark.git
def test_a_worktree_has_the_project_of_its_main_repository(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "app")
    git(repository, "worktree", "add", "-q", "-b", "w", str(tmp_path / "linked"))
    main, linked = read_placement(str(repository)), read_placement(str(tmp_path / "linked"))
    assert main.project_key == linked.project_key
    assert linked.checkout.main_repo_root == str(repository)
    assert linked.checkout.current_branch == "w"


@pytest.mark.git
async def test_the_memory_changes_only_when_asked(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "app")
    placements = Placements()
    cwd = str(repository)
    assert placements.get(cwd).checkout.is_git is False
    assert await placements.refresh(cwd) is True
    assert await placements.refresh(cwd) is False
    git(repository, "checkout", "-q", "-b", "next")
    assert placements.get(cwd).checkout.current_branch == "main"
    assert await placements.refresh(cwd) is True
    assert placements.get(cwd).checkout.current_branch == "next"
    placements.forget(cwd)
    assert placements.get(cwd).checkout.is_git is False
